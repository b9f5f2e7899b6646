"""The faces of every dialogue."""

from __future__ import annotations

from dataclasses import replace

from runbook.engine.events import Kind
from runbook.engine.ports import Act, AskSecret, Choose, Confirm, Field, Form, Option, Preview, RunCommand, TypeName
from runbook.engine.verdict import Verdict
from runbook.views import Phone
from screens.dialogs.attest import AttestDialog
from screens.dialogs.by_hand import ByHandDialog
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.choose import ChooseDialog
from screens.dialogs.code import CodeDialog
from screens.dialogs.command import CommandDialog
from screens.dialogs.confirm import CarefulDialog, ConfirmDialog, OptionalDialog
from screens.dialogs.credential import CredentialDialog
from screens.dialogs.every_word import EveryWord
from screens.dialogs.failure import FailureDialog
from screens.dialogs.fill import FillDialog
from screens.dialogs.help import HelpDialog
from screens.dialogs.keys import KeysScreen
from screens.dialogs.leave import LeaveDialog
from screens.dialogs.note import NoteDialog
from screens.dialogs.reason import ReasonDialog
from screens.dialogs.share import ShareDialog
from screens.dialogs.type_name import TypeNameDialog
from tests.screens.fake import SHARE, FakeSession
from tests.screens.gallery import Shot, a_run, asked, running, then
from tests.screens.gallery_runs import BUDGETS, EARLIER, RECOVERY, TARGETS, comparing, fallen
from tests.screens.questions import ASK_SECRET, ATTEST, BY_HAND, CHOOSE, CONFIRM, CUSTODIANS, decide

RETREAT = "Close the doors again: the public names get their former records back"
ALL = (Act.SIGN_IN, Act.RETRY, Act.ATTEST, Act.CLOSE, Act.BACK, Act.ABORT)
CODE = AskSecret("identity.tool", "The next code of your device", ("arn:aws:iam::1:mfa/cto",), kind="code")
CREDENTIAL = AskSecret("", "the Northflank token of staging", kind="credential")
COMMAND = RunCommand("identity.tool", "Sign in at AWS", ("aws", "sso", "login", "--profile", "restore"))
NAME = TypeName("vault.restore", "Sampleclinic production 4711", "it was not exactly that")
FORM = Form(
    "closeout.criteria",
    "Findings need an owner and a date",
    ("1 finding of this run has no owner yet.",),
    (
        Field("owner", "who looks after it", "a person, not a team"),
        Field("due", "until when", "like 2027-01-31", wrong=lambda typed: "" if "-" in typed else "no date"),
        Field("remark", "remark", required=False),
    ),
    "record them",
)
NO_DEFAULT = Choose(
    "database.restore",
    "To which moment?",
    ("from", "to"),
    (
        Option("moment", ("2026-10-24", "2026-11-23 02:55"), detail="the moment, like 2026-11-23 02:40:00"),
        Option("made", ("2026-11-23", ""), unfit="still being made"),
    ),
    default="",
)
WITHOUT = Confirm(
    "vault.restore", "Restart it", Preview("Restart the vault", "vault-1"), optional=True, without="it stays sealed"
)


async def _ring(_: str) -> str:
    return SHARE


PHONE = Phone(("Grace Hopper", "arn:aws:iam::1:mfa/cto"), _ring)


def _vault_done(session: FakeSession) -> None:
    session.stage_done("vault")


def _vault_shut(session: FakeSession) -> None:
    session.say(Kind.STARTED, "vault")
    session.result("vault.backup")
    session.result("vault.restore", Verdict.FAIL, "HTTP 500 from the vault")


def _signed_out(session: FakeSession) -> None:
    session.stage_done("vault")
    session.say(
        Kind.HEARTBEAT, "identity", alive=False, observed="the AWS session has run out", source="sts", signed_out="aws"
    )


GATE = a_run().gate_of("vault")
LAST = replace(
    a_run().gate_of("connectivity"),
    options=(Act.OPEN, Act.RETRY, Act.CLOSE, Act.BACK, Act.ABORT),
    retreat=RETREAT,
)
CHECKPOINT = asked("checkpoint", CheckpointDialog, lambda o: o.gate(GATE), before=_vault_done)
FAILURE = asked("failure", FailureDialog, lambda o: o.decide(decide()))
EVERY_ACT = asked(
    "failure-no-verdict",
    FailureDialog,
    lambda o: o.decide(replace(decide(Verdict.INCONCLUSIVE, ALL), retreat=RETREAT)),
)
TYPED = replace(decide(), provider_text="\\x1b[31mSlowDown\\x1b[0m [b]Reduce your request rate[/b]\n" * 40)


DIALOGS: tuple[Shot, ...] = (
    CHECKPOINT,
    asked(
        "checkpoint-shut",
        CheckpointDialog,
        lambda o: o.gate(replace(GATE, refusal="vault.restore failed: HTTP 500 from the vault")),
        before=_vault_shut,
    ),
    asked("checkpoint-signed-out", CheckpointDialog, lambda o: o.gate(GATE), before=_signed_out, shut="signed out"),
    asked(
        "checkpoint-last",
        CheckpointDialog,
        lambda o: o.gate(replace(LAST, refusal="connectivity.https failed: HTTP 502")),
    ),
    asked("confirm", ConfirmDialog, lambda o: o.confirm(CONFIRM)),
    asked("confirm-recovery", ConfirmDialog, lambda o: o.confirm(CONFIRM), banner=RECOVERY),
    asked("confirm-optional", OptionalDialog, lambda o: o.confirm(replace(CONFIRM, optional=True))),
    asked("confirm-careful", CarefulDialog, lambda o: o.confirm(WITHOUT)),
    asked("choose", ChooseDialog, lambda o: o.choose(CHOOSE)),
    then(asked("", ChooseDialog, lambda o: o.choose(CHOOSE)), "choose-unfit", ChooseDialog, "down"),
    then(asked("", ChooseDialog, lambda o: o.choose(CHOOSE)), "choose-other", ChooseDialog, "down", "down"),
    asked("choose-moment", ChooseDialog, lambda o: o.choose(NO_DEFAULT)),
    asked("share", ShareDialog, lambda o: o.secret(ASK_SECRET)),
    asked("share-practice", ShareDialog, lambda o: o.secret(ASK_SECRET), phone=Phone(CUSTODIANS, _ring)),
    asked("code", CodeDialog, lambda o: o.secret(CODE), phone=PHONE),
    asked("credential", CredentialDialog, lambda o: o.secret(CREDENTIAL)),
    asked("attest", AttestDialog, lambda o: o.attest(ATTEST)),
    asked("by-hand", ByHandDialog, lambda o: o.by_hand(BY_HAND)),
    asked("command", CommandDialog, lambda o: o.run_command(COMMAND)),
    asked("fill", FillDialog, lambda o: o.fill(FORM)),
    then(asked("", FillDialog, lambda o: o.fill(FORM)), "fill-wrong", FillDialog, "f2"),
    asked("type-name", TypeNameDialog, lambda o: o.type_name(NAME), banner=RECOVERY),
    FAILURE,
    EVERY_ACT,
    asked(
        "failure-acceptable",
        FailureDialog,
        lambda o: o.decide(decide(options=(Act.RETRY, Act.ACCEPT, Act.BACK, Act.ABORT))),
    ),
    asked("failure-provider", FailureDialog, lambda o: o.decide(TYPED)),
    asked("failure-while-fallen", FailureDialog, lambda o: o.decide(decide()), before=fallen),
    then(FAILURE, "reason-back", ReasonDialog, "b"),
    then(FAILURE, "reason-abort", ReasonDialog, "q"),
    then(EVERY_ACT, "reason-attest", ReasonDialog, "a"),
    then(EVERY_ACT, "reason-close", ReasonDialog, "c"),
    then(FAILURE, "help-failed", HelpDialog, "question_mark"),
    then(
        running("", comparing, targets=TARGETS, budgets=BUDGETS, forecast=EARLIER),
        "help",
        HelpDialog,
        "question_mark",
    ),
    then(running("", comparing), "leave", LeaveDialog, "q"),
    then(running("", comparing), "note", NoteDialog, "n"),
    then(FAILURE, "every-word", EveryWord, "v"),
    then(asked("", FailureDialog, lambda o: o.decide(TYPED)), "every-word-pages", EveryWord, "v"),
    then(FAILURE, "keys-failure", KeysScreen, "ctrl+g"),
)
