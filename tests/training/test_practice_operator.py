"""Who answers in training: the practice operator's script, the faults that come along, and what is left of both."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.events import Event, Kind
from runbook.engine.ports import (
    Act,
    AskSecret,
    Attest,
    Choice,
    Choose,
    Confirm,
    Decide,
    Decision,
    Field,
    Form,
    Gate,
    Option,
    Preview,
    RunCommand,
    Secret,
    SecretAnswer,
)
from runbook.engine.verdict import Verdict
from runbook.training.operators import Mishaps, PracticeOperator, WithFaults
from runbook.training.scenario import Answer, Fault
from runbook.training.spent import unspent
from tests.support.clock import START
from tests.support.practice import DECLARED, Practice
from tests.support.practice_estate import MemoryPracticeEstate
from tests.support.recorder import Killed

CHOOSE = Choose("database.choose", "Which?", ("id",), (Option("new", ("new",)), Option("old", ("old",))), "new")
GATE = Gate("vault", 2, "Vault", None, None, "", (Act.OPEN,), ())
LABELS = ("Amara Okafor (CTO)", "Bryn Hughes (COO)", "Chandra Nair (CEO)")


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


def says(**answer: Any) -> Answer:
    return Answer.model_validate(answer)


def wrong_share() -> Answer:
    return says(at="vault.unseal", shares=["right", "right", "wrong"])


def right_shares() -> Answer:
    return says(at="vault.unseal", shares=["right", "right", "right"])


def operator(practice: Practice, *answers: Answer) -> PracticeOperator:
    return PracticeOperator(MemoryPracticeEstate(practice.world).as_client(), answers)


def trained(practice: Practice, *answers: Answer, faults: tuple[Fault, ...] = ()) -> WithFaults:
    estate = MemoryPracticeEstate(practice.world).as_client()
    return WithFaults(PracticeOperator(estate, answers), estate, Mishaps(estate, faults))


# -- forms --------------------------------------------------------------------------------------------------------
LOSS = Form(
    "closeout.loss",
    "State the loss",
    (),
    (
        Field("lost", "What is lost"),
        Field("since", "Since when", default="-1h"),
        Field("told", "Who was told", default="nobody", wrong=lambda text: "no name" if text.isdecimal() else ""),
        Field("note", "Note", required=False),
    ),
)


async def test_a_form_is_filled_in_as_the_script_says_and_else_by_what_stands_there(practice: Practice) -> None:
    scripted = operator(practice, says(at="closeout.loss", fill={"lost": "an hour", "told": "Sam"}))
    filled = await scripted.fill(LOSS)
    assert filled is not None
    assert {key: filled[key] for key in ("lost", "told", "note")} == {"lost": "an hour", "told": "Sam", "note": ""}
    assert filled["since"].endswith("Z")  # a moment before now, as it counts from the answer


async def test_an_answer_for_a_form_is_used_once_and_without_what_is_needed_it_is_withdrawn(practice: Practice) -> None:
    scripted = operator(practice, says(at="closeout.loss", fill={"lost": "an hour"}))
    assert await scripted.fill(LOSS) is not None
    assert await scripted.fill(LOSS) is None


@pytest.mark.parametrize("entered", [{"lost": "x", "told": "12"}, {"lost": "  "}, {"told": "Sam"}])
async def test_what_is_wrong_or_missing_withdraws_from_the_form(practice: Practice, entered: dict[str, str]) -> None:
    assert await operator(practice, says(at="closeout.loss", fill=entered)).fill(LOSS) is None


async def test_a_form_without_anything_that_is_needed_needs_no_script(practice: Practice) -> None:
    filled = await operator(practice).fill(replace(LOSS, fields=LOSS.fields[2:]))
    assert filled == {"told": "nobody", "note": ""}


async def test_a_fault_of_before_the_step_happens_before_its_form(practice: Practice) -> None:
    faults = (Fault.model_validate({"kind": "vault-sealed", "when": "before closeout.loss"}),)
    estate = MemoryPracticeEstate(practice.world).as_client()
    mishaps = Mishaps(estate, faults)
    await WithFaults(PracticeOperator(estate, ()), estate, mishaps).fill(LOSS)
    assert mishaps._faults == []


# -- the practice operator ----------------------------------------------------------------------------------------
async def test_without_a_script_a_calm_operator_walks_to_the_end(practice: Practice) -> None:
    run = await practice.walk(trained(practice))
    assert run.outcome == "PASS"


async def test_a_wrong_set_is_followed_by_the_right_one(practice: Practice) -> None:
    run = await practice.walk(trained(practice, wrong_share(), right_shares()))
    assert run.outcome == "PASS"
    assert len(practice.done("vault:Unseal")) == 3 + 6


async def test_a_right_set_that_is_refused_is_not_entered_for_ever(practice: Practice) -> None:
    practice.world.foreign_snapshot()
    run = await practice.walk(trained(practice))
    assert run.outcome == "FAIL"
    assert len(practice.done("vault:Unseal")) == 3 + 3


async def test_after_a_scripted_wrong_set_a_calm_operator_enters_the_right_one(practice: Practice) -> None:
    run = await practice.walk(trained(practice, wrong_share()))
    assert run.outcome == "PASS"


async def test_shares_that_a_former_process_entered_do_not_confuse_the_next(practice: Practice) -> None:
    answer = await operator(practice).secret(AskSecret("vault.unseal", "share", LABELS, entered=1, needed=3))
    assert answer.secret == practice.world.custodians()[LABELS[0]]


async def test_answers_for_one_place_are_used_in_their_order_and_then_calm_ones(practice: Practice) -> None:
    scripted = operator(practice, says(at="checkpoint vault", do="retry"), says(at="checkpoint vault", do="open"))
    decisions = [await scripted.gate(GATE) for _ in range(3)]
    assert decisions == [Decision(Act.RETRY), Decision(Act.OPEN), Decision(Act.OPEN)]


async def test_a_pick_is_a_number_from_1_with_its_reason(practice: Practice) -> None:
    scripted = operator(practice, says(at="database.choose", pick=2, reason="older"))
    first, second = await scripted.choose(CHOOSE), await scripted.choose(CHOOSE)
    assert (first.key, first.reason, second.key) == ("old", "older", "new")


POINTS = replace(CHOOSE, options=(*CHOOSE.options, Option("moment", ("at a moment",), detail="Moment, UTC")))


@pytest.mark.parametrize(
    ("detail", "typed"),
    [
        ("2026-11-25T03:00:00Z", "2026-11-25T03:00:00Z"),
        ("-90s", "2027-01-15T09:58:30Z"),
        ("-5min", "2027-01-15T09:55:00Z"),
        ("-2h", "2027-01-15T08:00:00Z"),
        ("-1d", "2027-01-14T10:00:00Z"),
        ("", ""),
    ],
)
async def test_what_an_option_asks_for_is_given_with_relative_moments_counted_from_the_answer(
    practice: Practice, detail: str, typed: str
) -> None:
    answer = says(at="database.choose", pick=3, reason="before it", detail=detail)
    estate = MemoryPracticeEstate(practice.world).as_client()
    scripted = PracticeOperator(estate, [answer], lambda: START + timedelta(milliseconds=999))
    assert await scripted.choose(POINTS) == Choice("moment", "before it", typed)


async def test_an_option_that_asks_for_nothing_is_given_nothing(practice: Practice) -> None:
    scripted = operator(practice, says(at="database.choose", pick=2, reason="older", detail="-2h"))
    assert await scripted.choose(POINTS) == Choice("old", "older")


@pytest.mark.parametrize("detail", ["-2", "- 90s", "-90 s", "-1w", "-123456s", "-1.5h"])
def test_what_begins_like_a_relative_moment_and_is_none_is_a_mistake(detail: str) -> None:
    with pytest.raises(ValueError, match="is none: one is like -90s, -15min, -2h, -1d"):
        says(at="database.choose", pick=3, detail=detail)


async def test_a_shut_gate_is_a_reason_to_stop(practice: Practice) -> None:
    shut = Gate("vault", 2, "Vault", "stage 1 fell", None, "", (Act.OPEN,), ())
    assert await operator(practice).gate(shut) == Decision(Act.ABORT, "stage 1 fell")


CLOSE = "Give the public names their former records back"
SHUT = replace(GATE, options=(Act.OPEN, Act.CLOSE, Act.ABORT), refusal="stage 4 fell", retreat=CLOSE)


async def test_the_doors_are_closed_where_the_script_says_so_with_a_reason_or_without(practice: Practice) -> None:
    place = "checkpoint vault"
    scripted = operator(practice, says(at=place, do="close"), says(at=place, do="close", reason="the canary changed"))
    decisions = [await scripted.gate(SHUT) for _ in range(3)]
    assert decisions == [
        Decision(Act.CLOSE),
        Decision(Act.CLOSE, "the canary changed"),
        Decision(Act.ABORT, "stage 4 fell"),
    ]


async def test_after_a_failed_step_they_are_closed_too(practice: Practice) -> None:
    options = (Act.RETRY, Act.CLOSE, Act.BACK, Act.ABORT)
    ask = Decide("connectivity.dns", "", Verdict.FAIL, "", "", "", "", "", "", "", options, (), CLOSE)
    assert await operator(practice, says(at=ask.step, do="close")).decide(ask) == Decision(Act.CLOSE)


# -- stage 1 and 2 ------------------------------------------------------------------------------------------------
CODE = AskSecret("identity.aws-mfa", "The code", ("arn:mfa",), kind="code")
SHARE = AskSecret("vault.unseal", "share", LABELS, needed=3)


async def test_the_code_is_read_off_the_practice_device_and_can_be_misread(practice: Practice) -> None:
    scripted = operator(practice, says(at="identity.aws-mfa", shares=["wrong"]))
    codes = [(await scripted.secret(CODE)).secret for _ in range(2)]
    assert codes == [Secret("000000"), Secret(practice.world.account.code)]


async def test_several_codes_can_be_misread_in_a_row(practice: Practice) -> None:
    scripted = operator(practice, says(at="identity.aws-mfa", shares=["wrong", "wrong"]))
    again = replace(CODE, note="not accepted")
    codes = [(await scripted.secret(ask)).secret for ask in (CODE, again, again)]
    assert codes == [Secret("000000"), Secret("000000"), Secret(practice.world.account.code)]


async def test_a_right_code_that_is_refused_is_not_followed_by_others_for_ever(practice: Practice) -> None:
    calm = operator(practice)
    await calm.secret(CODE)
    assert await calm.secret(replace(CODE, note="not accepted")) == SecretAnswer(None, none_left=True)
    assert (await calm.secret(CODE)).secret is not None  # another sign-in, later in the run


async def test_a_refused_set_of_right_ones_is_the_last_unless_the_script_has_another(practice: Practice) -> None:
    refused = replace(SHARE, note="Refused.")
    scripted = operator(practice, right_shares(), says(at="vault.unseal", shares=["old", "old", "old"]))
    for who in (calm := operator(practice), scripted):
        for number in range(3):
            assert (await who.secret(replace(SHARE, entered=number))).secret is not None
    assert await calm.secret(refused) == SecretAnswer(None, none_left=True)
    for number in range(3):
        assert (await scripted.secret(replace(refused, entered=number))).secret is not None
    assert await scripted.secret(refused) == SecretAnswer(None, none_left=True)


async def test_old_sheets_are_read_out_where_the_script_says_so(practice: Practice) -> None:
    practice.world.rekeyed()
    scripted = operator(practice, says(at="vault.unseal", shares=["old", "right", "wrong"]))
    answers = [(await scripted.secret(replace(SHARE, entered=n))).secret for n in range(3)]
    label = LABELS[0]
    expected = [practice.world.old_custodians()[label], practice.world.custodians()[label], practice.world.bad_share()]
    assert answers == expected


async def test_a_set_that_is_too_short_means_that_nobody_else_can_be_reached(practice: Practice) -> None:
    scripted = operator(practice, says(at="vault.unseal", shares=["right"]))
    await scripted.secret(SHARE)
    assert await scripted.secret(replace(SHARE, entered=1)) == SecretAnswer(None, none_left=True)


async def test_what_the_run_can_do_without_is_left_out_unless_the_script_wants_it(practice: Practice) -> None:
    ask = Confirm("vault.inspect", "Prove it?", Preview("prove", "here"), optional=True)
    assert not await operator(practice).confirm(ask)
    assert await operator(practice, says(at="vault.inspect", agree=True)).confirm(ask)


async def test_shares_can_be_proven_offline_before_any_server_is_touched(practice: Practice) -> None:
    run = await practice.walk(trained(practice, says(at="vault.inspect", agree=True)))
    inspected = run.last("vault.inspect")
    assert inspected is not None
    assert "proven offline: the shares open it" in inspected.observed
    assert "transit keys patient-notes v1–v1" in inspected.observed
    assert run.outcome == "PASS"


async def test_another_vaults_backup_is_found_offline_with_the_shares_in_hand(practice: Practice) -> None:
    practice.world.foreign_snapshot()
    run = await practice.walk(trained(practice, says(at="vault.inspect", agree=True)))
    inspected = run.last("vault.inspect")
    assert inspected is not None
    assert (inspected.verdict, inspected.observed) == (
        Verdict.FAIL,
        "the shares in hand do not open this backup",
    )
    assert practice.done("vault:Initialise") == []


async def test_what_it_is_asked_to_state_it_states_as_of_today_or_not_at_all(practice: Practice) -> None:
    ask = Attest("identity.contacts", "The list is here")
    assert (await operator(practice).attest(ask)).startswith("so it is, 20")
    assert await operator(practice, says(at="identity.contacts", agree=False)).attest(ask) == ""
    stated = says(at="identity.contacts", do="attest", reason="in the safe")
    assert await operator(practice, stated).attest(ask) == "in the safe"


async def test_no_statement_takes_a_verdicts_place_unless_the_script_says_so(practice: Practice) -> None:
    options = (Act.RETRY, Act.ATTEST, Act.ABORT)
    ask = Decide("vault.keys", "", Verdict.INCONCLUSIVE, "", "", "", "", "", "", "", options, ())
    assert (await operator(practice).decide(ask)).act is Act.ABORT


async def test_it_signs_in_again_where_that_is_offered_but_not_for_ever(practice: Practice) -> None:
    gate = replace(GATE, options=(Act.SIGN_IN, Act.OPEN), refusal="stage 1 fell")
    scripted = operator(practice)
    acts = [(await scripted.gate(gate)).act for _ in range(3)]
    assert acts == [Act.SIGN_IN, Act.SIGN_IN, Act.ABORT]


async def test_another_tools_command_is_done_by_the_practice_estates_hands(practice: Practice) -> None:
    practice.world.account.logged_in = False
    ask = RunCommand("identity.aws-mfa", "Sign in", ("aws", "sso", "login"), act="sso-login")
    assert await trained(practice).run_command(ask) == 0
    assert practice.world.account.logged_in


# -- the faults ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("when", "found"),
    [
        ("checkpoint database", "stage 2 (Encryption Vault) fell"),
        ("after database.content", "stage 2 (Encryption Vault) fell"),
        ("before database.restore", "vault is sealed"),  # by the step that compares its keys with the data
    ],
)
async def test_a_fault_happens_once_at_its_moment_and_is_found(practice: Practice, when: str, found: str) -> None:
    sealed = Fault(kind="vault-sealed", when=when)
    estate = MemoryPracticeEstate(practice.world)
    mishaps = Mishaps(estate.as_client(), (sealed,))
    conductor = practice.conductor(WithFaults(operator(practice), estate.as_client(), mishaps))
    conductor.subscribe(mishaps.hear)
    run = await conductor.declare(DECLARED)
    assert estate.faults == [("vault-sealed", {})]
    assert run.opened == ("identity", "vault")
    not_passed = (each.observed for each in run.attempts if not each.verdict.satisfies)
    assert any(found in said for said in (*run.refusals, run.aborted or "", *not_passed))


async def test_the_run_can_go_on_after_a_fault_when_the_script_goes_back(practice: Practice) -> None:
    sealed = Fault(kind="vault-sealed", when="checkpoint database")
    answers = (
        says(at="checkpoint database", do="open"),
        says(at="checkpoint database", do="back", to="vault.unseal", reason="the vault restarted"),
    )
    run = await practice.walk(trained(practice, *answers, faults=(sealed,)))
    assert run.outcome == "PASS"


# -- what is left after a kill ------------------------------------------------------------------------------------
def event(kind: Kind, stage: str, step: str | None = None, **data: Any) -> Event:
    return Event(1, START, 0, "boot", kind, stage, step, data)


FAULTS = [
    Fault(kind="x", when=when) for when in ("start", "before database.restore", "checkpoint vault", "opened vault")
]


def test_a_new_run_has_everything_before_it() -> None:
    answers, faults = unspent([wrong_share()], FAULTS, ())
    assert answers == [wrong_share()]
    assert [fault.when for fault in faults] == ["before database.restore", "checkpoint vault", "opened vault"]


def test_what_was_asked_and_what_happened_is_not_had_twice() -> None:
    again = says(at="checkpoint vault", do="retry")
    past = [
        event(Kind.ASKED, "vault", question="checkpoint"),
        event(Kind.ASKED, "database", "database.restore", question="confirm"),
    ]
    agreed = says(at="database.restore", agree=True)
    answers, faults = unspent([again, again, agreed], FAULTS, past)
    assert answers == [again]
    assert [fault.when for fault in faults] == ["opened vault"]


@pytest.mark.parametrize(("step", "question"), [(None, "checkpoint"), ("connectivity.dns", "decide")])
def test_doors_that_were_closed_are_not_closed_again_by_the_script(step: str | None, question: str) -> None:
    place = step or "checkpoint connectivity"
    closes, opens = says(at=place, do="close"), says(at=place, do="open")
    assert unspent([closes, opens], (), [event(Kind.ASKED, "connectivity", step, question=question)])[0] == [opens]


def test_a_statement_that_was_refused_is_not_refused_twice() -> None:
    refuses = says(at="identity.contacts", agree=False)
    asked = event(Kind.ASKED, "identity", "identity.contacts", question="attest")
    assert unspent([refuses, refuses], (), [asked])[0] == [refuses]


def test_a_form_that_was_filled_in_is_not_filled_in_twice() -> None:
    fills = says(at="closeout.loss", fill={"lost": "an hour"})
    asked = event(Kind.ASKED, "closeout", "closeout.loss", question="form")
    assert unspent([fills, fills], (), [asked])[0] == [fills]


@pytest.mark.parametrize("room", [50, 53, 56, 60])
async def test_a_run_that_was_killed_among_the_shares_is_resumed_to_its_end(practice: Practice, room: int) -> None:
    killed = practice.recorder(room=room)
    with pytest.raises(Killed):
        await practice.walk(trained(practice, wrong_share(), right_shares()), killed)
    answers, _ = unspent([wrong_share(), right_shares()], (), killed.events)
    resumed = practice.conductor(trained(practice, *answers), practice.recorder(killed.events))
    assert (await resumed.resume(by="test")).outcome == "PASS"
