"""A walk through every kind of question, as it reads: the snapshot is read by eye."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from runbook.engine.events import Kind
from runbook.engine.ports import Act, Attest, Confirm, Field, Form, Operator, Preview, RunCommand
from runbook.engine.verdict import Verdict
from tests.plain.walking import a_session, result, walk
from tests.screens.fake import FakeSession
from tests.screens.questions import ASK_SECRET, BY_HAND, CHOOSE, CONFIRM, TYPE_NAME, decide

OPTIONAL = Confirm("vault.backup", "Prove it offline", Preview("Open the archive", "this machine"), optional=True)
FORM = Form(
    "closeout.criteria",
    "State the loss",
    ("It stands in the record.",),
    (Field("rows", "Rows lost", "digits"), Field("who", "Who was told", default="Dr Reed", required=False)),
    submit="state it",
)
COMMAND = RunCommand("identity.tool", "Sign in to AWS", ("aws", "sso", "login", "--profile", "break glass"))


async def everything(session: FakeSession, operator: Operator) -> None:
    """Each kind of question once, each with something else that can be typed at it."""
    session.stage_done("identity")
    await session.ask(operator.run_command(COMMAND), "identity")
    await session.ask(operator.attest(Attest("identity.tool", "The list is at hand", "its print date")), "identity")
    await session.ask(operator.gate(session.gate_of("identity")), "identity")
    session.opened("identity")
    session.say(Kind.STARTED, "vault")
    result(session, "vault.backup", "FAIL", observed="HTTP 503 from S3", fix="Wait a minute and retry.")
    result(session, "vault.backup", "INCONCLUSIVE", observed="HTTP 503 from S3", provider_text="SlowDown")
    options = (Act.RETRY, Act.BACK, Act.ABORT)
    await session.ask(operator.decide(decide(Verdict.INCONCLUSIVE, options)))
    result(session, "vault.backup", "PASS")
    await session.ask(operator.confirm(OPTIONAL))
    await session.ask(operator.confirm(CONFIRM))
    await session.ask(operator.type_name(TYPE_NAME))
    session.say(
        Kind.INTENT,
        "vault",
        "vault.restore",
        operation="vault:Restore",
        target="rt-1",
        creates={"kind": "vault:data", "id": "rt-1"},
    )
    session.progress("vault.restore", 3, 10, "3 of 10 MiB")
    result(session, "vault.restore", "PASS", ms=725_000)
    await session.ask(operator.by_hand(BY_HAND))
    await session.ask(operator.secret(ASK_SECRET))
    result(session, "vault.unseal", "PASS")
    session.say(Kind.FINDING, "vault", "vault.health", text="the backup is 30 h old", severity="minor")
    result(session, "vault.health", "NOT_NEEDED", observed="no person present")
    await session.ask(operator.gate(session.gate_of("vault")))
    session.opened("vault")
    session.say(Kind.STARTED, "database")
    await session.ask(operator.choose(CHOOSE), "database")
    await session.ask(operator.fill(FORM), "database")
    session.say(Kind.HEARTBEAT, "vault", None, alive=False, observed="sealed", verdict="FAIL")
    session.say(Kind.HEARTBEAT, "vault", None, alive=True, observed="unsealed", verdict="PASS")
    await session.ask(operator.gate(session.gate_of("database")), "database")


TYPED = (
    *("no", "?", "", "?", "open"),
    *("?", "help", "where", "note the S3 console is slow", "note", "back", "?", "vault", "stop", "retry"),
    *("?", "", "yes", "production 4711", "done"),
    *("?", "2", "a-share", "status", "open"),
    *("2", "3", "stop", "3", "the newest holds the mistake"),
    *("?", "12", "-"),
    *("note major: the vault was sealed for a while", "a moment, please", "abort", "stop"),
    *("abort enough", "no", "abort enough", "yes"),
)


async def test_a_walk_through_every_kind_of_question_reads_like_this(
    snapshot: SnapshotAssertion, capsys: pytest.CaptureFixture[str]
) -> None:
    session = a_session(everything)
    await walk(session, *TYPED)
    assert "\n" + capsys.readouterr().out == snapshot
