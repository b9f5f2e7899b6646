"""Stage 1's sign-in: proven, attested and absent are three things; what has run out is renewed in place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from runbook.engine.events import Kind
from runbook.engine.ports import Act, Decision, Secret, SecretAnswer
from runbook.engine.run import Run
from runbook.engine.verdict import Verdict
from runbook.records.evidence import run_json
from runbook.records.log.row import row_of
from steps import PROCEDURE
from steps.facts import AwsSession, SignedInAs
from tests.support.operator import OPEN, abort, attest
from tests.support.practice import DECLARED, Practice

SIGN_IN = Decision(Act.SIGN_IN)
SESSION = "identity.aws-mfa"


def way(practice: Practice, way: str) -> None:
    practice.world.account.way = way


def recorded(practice: Practice, run: Run, recorder: Any) -> dict[str, Any]:
    declared = {"tool_version": "0", "policy": {"ref": "", "sha256": ""}, **run.declared}
    document = run_json.document(run, tuple(recorder.events), PROCEDURE, {"tool_version": declared["tool_version"]})
    return {**document, "environment": "practice", "providers": "LOOPBACK", "mode": "training"}


# -- three ways, three things -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("how", "mfa", "said", "outcome"),
    [
        ("mfa", "PROVEN", "MFA proven", "PASS"),
        ("sso", "ATTESTED", "MFA attested: stated by the script", "PASS"),
        ("ambient", "NO", "attested: the CTO allowed it", "PASS_WITH_ISSUES"),
    ],
)
async def test_a_second_factor_is_proven_attested_or_absent(
    practice: Practice, how: str, mfa: str, said: str, outcome: str
) -> None:
    way(practice, how)
    recorder = practice.recorder()
    run = await practice.walk(practice.operator({f"decide {SESSION}": [attest("the CTO allowed it")]}), recorder)
    last = run.result(SESSION)
    assert last is not None
    assert last.verdict is (Verdict.PASS if how == "mfa" else Verdict.ATTESTED)
    assert run.outcome == outcome
    assert said in last.observed
    signed_in = run.fact(SignedInAs)
    assert signed_in is not None
    assert signed_in.mfa == mfa
    document = recorded(practice, run, recorder)
    assert document["mfa"] == mfa
    assert row_of(document, evidence_path="x", evidence_digest="sha256:0")["mfa"] == mfa


async def test_an_attested_second_factor_is_no_exception_and_leaves_the_stage_passed(practice: Practice) -> None:
    way(practice, "sso")
    recorder = practice.recorder()
    run = await practice.walk(recorder=recorder)
    assert run.exceptions == ()
    assert recorded(practice, run, recorder)["stages"][0]["result"] == "PASS"


async def test_an_absent_second_factor_says_so_and_how_to_have_one(practice: Practice) -> None:
    way(practice, "ambient")
    run = await practice.walk()
    last = run.last(SESSION)
    assert last is not None
    assert last.verdict is Verdict.INCONCLUSIVE
    assert last.observed == "MFA absent: signed in by environment variables, where nothing shows a second factor"
    assert "way = mfa" in last.fix


async def test_a_code_that_is_refused_is_asked_for_again_and_says_why(practice: Practice) -> None:
    wrong = SecretAnswer(Secret("000000"))
    operator = practice.operator({f"secret {SESSION}": [wrong]})
    run = await practice.walk(operator)
    asked = operator.questions(f"secret {SESSION}")
    assert [ask.kind for ask in asked] == ["code", "code"]
    assert "wait for the next one" in asked[1].note
    assert run.outcome == "PASS"


async def test_without_a_code_there_is_no_session_and_the_code_is_never_recorded(practice: Practice) -> None:
    recorder = practice.recorder()
    operator = practice.operator(
        {f"secret {SESSION}": [SecretAnswer(None), SecretAnswer(Secret("000000")), SecretAnswer(None)]}
    )
    run = await practice.walk(operator, recorder)
    assert "no code was entered" in str(run.last(SESSION))
    assert run.fact(AwsSession) is None
    assert all("000000" not in str(event.data) for event in recorder.events)


async def test_identity_center_is_signed_in_to_by_another_tool_with_the_terminal_to_itself(practice: Practice) -> None:
    way(practice, "sso")
    practice.world.account.logged_in = False
    operator = practice.operator()
    run = await practice.walk(operator)
    (asked,) = operator.questions(f"command {SESSION}")
    assert asked.argv == ("aws", "sso", "login", "--profile", "clinic")
    assert run.outcome == "PASS"


async def test_a_login_that_was_not_made_is_told_with_the_command(practice: Practice) -> None:
    way(practice, "sso")
    practice.world.account.logged_in = False
    run = await practice.walk(practice.operator({f"command {SESSION}": [None]}))
    last = run.last(SESSION)
    assert last is not None
    assert last.verdict is Verdict.INCONCLUSIVE
    assert "aws sso login --profile clinic: it was not run, or is not installed" in last.observed


# -- how long it lasts --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("lasts", "verdict", "findings"),
    [(timedelta(hours=4), Verdict.PASS, 0), (timedelta(hours=1), Verdict.PASS, 1)],
)
async def test_the_end_of_the_sign_in_is_read_before_the_work_begins(
    practice: Practice, lasts: timedelta, verdict: Verdict, findings: int
) -> None:
    way(practice, "sso")
    practice.world.account.lasts = lasts
    run = await practice.walk()
    last = run.last("identity.sso")
    assert last is not None
    assert last.verdict is verdict
    assert len([each for each in run.findings if "the sign-in lasts" in each.text]) == findings


async def test_a_sign_in_that_ends_in_minutes_is_renewed_first(practice: Practice) -> None:
    way(practice, "sso")
    practice.world.account.lasts = timedelta(minutes=5)

    def longer(ask: Any) -> Decision:
        assert Act.SIGN_IN in ask.options
        practice.world.account.lasts = timedelta(hours=8)
        return SIGN_IN

    run = await practice.walk(practice.operator({"decide identity.sso": [longer]}))
    assert run.outcome == "PASS"


async def test_a_user_with_an_mfa_device_needs_no_identity_center(practice: Practice) -> None:
    run = await practice.walk()
    last = run.last("identity.sso")
    assert last is not None
    assert last.verdict is Verdict.NOT_NEEDED
    assert "break-glass user" in last.observed


# -- what runs out in the middle ----------------------------------------------------------------------------------
async def test_a_session_that_runs_out_in_a_step_is_renewed_in_place_and_nothing_is_lost(practice: Practice) -> None:
    def gone(_: Any) -> bool:
        practice.world.expire_login()
        return True

    operator = practice.operator({"confirm database.restore": [gone], "decide database.restore": [SIGN_IN]})
    recorder = practice.recorder()
    run = await practice.walk(operator, recorder)
    assert run.outcome == "PASS"
    assert recorder.verdicts("database.restore") == ["INCONCLUSIVE", "PASS"]
    assert recorder.verdicts(SESSION) == ["PASS", "PASS"]
    assert len(practice.done("vault:Restore")) == 1
    assert len(practice.done("rds:RestoreDBInstanceFromDBSnapshot")) == 1


async def test_a_session_that_runs_out_at_a_checkpoint_shuts_it_and_is_renewed_there(practice: Practice) -> None:
    offered: list[tuple[Act, ...]] = []

    def open_it(_: Any) -> Decision:
        practice.world.expire_login()
        return OPEN

    def renew(ask: Any) -> Decision:
        offered.append(ask.options)
        assert "fell" in ask.refusal
        return SIGN_IN

    operator = practice.operator({"gate vault": [open_it, renew]})
    run = await practice.walk(operator)
    assert offered[0][0] is Act.SIGN_IN
    assert run.outcome == "PASS"


async def test_signing_in_again_can_be_given_up(practice: Practice) -> None:
    def gone(_: Any) -> bool:
        practice.world.expire_login()
        practice.world.account.code = "another device"
        return True

    script: dict[str, list[Any]] = {
        "confirm database.restore": [gone],
        "decide database.restore": [SIGN_IN, abort("no device")],
        f"decide {SESSION}": [abort("no device")],
        f"secret {SESSION}": [SecretAnswer(Secret(practice.world.account.code)), SecretAnswer(None)],
    }
    run = await practice.walk(practice.operator(script))
    assert run.outcome == "INCONCLUSIVE"
    assert run.aborted == "no device"


async def test_a_resumed_run_takes_a_session_of_its_own(practice: Practice) -> None:
    first = practice.recorder()
    conductor = practice.conductor(recorder=first)
    run = await conductor.declare(DECLARED)
    stop = next(i for i, e in enumerate(first.events) if e.kind is Kind.CHECKPOINT and e.stage == "vault")
    practice_again = practice.recorder(first.events[: stop + 1])
    assert run.outcome == "PASS"
    practice.world.account._proven = False
    operator = practice.operator()
    await practice.conductor(operator, practice_again).resume(by="tester")
    assert len(operator.questions(f"secret {SESSION}")) == 1


# -- what it may do -----------------------------------------------------------------------------------------------
async def test_an_action_that_is_not_allowed_is_named_before_the_work_begins(practice: Practice) -> None:
    practice.world.account.denies = ("rds:RestoreDBInstanceFromDBSnapshot",)
    run = await practice.walk()
    last = run.last("identity.aws-permissions")
    assert last is not None
    assert (last.verdict, last.observed) == (Verdict.FAIL, "NOT allowed: rds:RestoreDBInstanceFromDBSnapshot")


async def test_where_iam_may_not_be_asked_read_only_calls_are_made_instead(practice: Practice) -> None:
    practice.world.account.may_simulate = False
    run = await practice.walk()
    last = run.last("identity.aws-permissions")
    assert last is not None
    assert last.verdict is Verdict.INCONCLUSIVE
    for action in ("s3:ListBucket answered", "rds:DescribeDBSnapshots answered", "kms:DescribeKey answered"):
        assert action in last.observed
