"""What a failure speaks about, and why what is looked for is not offered."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.engine import meaning
from runbook.engine.events import Kind
from runbook.engine.ports import Act, Decide
from runbook.engine.verdict import Verdict
from steps import PROCEDURE
from tests.engine.told import Told

BOTH_WAYS = (Act.RETRY, Act.BACK, Act.ABORT)


def asked(step: str, verdict: Verdict = Verdict.FAIL, options: tuple[Act, ...] = BOTH_WAYS) -> Decide:
    words: dict[str, Any] = dict.fromkeys(
        ("title", "expected", "observed", "source", "fix", "provider_text", "why", "manual"), ""
    )
    return Decide(step=step, verdict=verdict, options=options, back_to=(), **words)


@pytest.mark.parametrize(
    ("step", "about"),
    [
        ("identity.clock", "the way in, not about the backup"),
        ("vault.backup", "the backup of the vault"),
        ("database.content", "the recovery point"),
        ("application.decrypt", "One of the three criteria"),
        ("vault.damaged-control", "This was to be refused, and was not"),
        ("closeout.cleanup", "the end of the run"),
    ],
)
def test_a_failure_says_what_it_is_about_and_only_that(step: str, about: str) -> None:
    assert about in meaning.meaning(asked(step), Told().run, PROCEDURE)


def test_no_verdict_and_a_no_of_the_operator_say_nothing_about_the_backup() -> None:
    told = Told()
    said = meaning.meaning(asked("vault.restore", Verdict.INCONCLUSIVE), told.run, PROCEDURE)
    assert said == meaning.NO_VERDICT
    told.say(
        Kind.RESULT,
        "vault",
        "vault.restore",
        attempt=1,
        kind="action",
        verdict="INCONCLUSIVE",
        expected="",
        observed="",
        source="",
        ms=1,
        declined=True,
    )
    assert meaning.meaning(asked("vault.restore", Verdict.INCONCLUSIVE), told.run, PROCEDURE) == meaning.DECLINED


def test_a_failure_is_never_attested_and_a_doubt_only_where_it_may_be() -> None:
    told = Told()
    assert meaning.not_offered(asked("vault.backup"), told.run, PROCEDURE)[Act.ATTEST] == meaning.NEVER_FAIL
    doubt = asked("vault.health", Verdict.INCONCLUSIVE)
    assert meaning.not_offered(doubt, told.run, PROCEDURE)[Act.ATTEST] == meaning.NEVER_STEP
    may = asked("vault.backup", Verdict.INCONCLUSIVE, (*BOTH_WAYS, Act.ATTEST))
    assert Act.ATTEST not in meaning.not_offered(may, told.run, PROCEDURE)


def test_a_loss_is_accepted_in_a_recovery_only_and_it_is_said_where_it_might_be_looked_for() -> None:
    run = Told().run
    assert meaning.not_offered(asked("database.content"), run, PROCEDURE)[Act.ACCEPT] == meaning.ONLY_IN_RECOVERY
    assert Act.ACCEPT not in meaning.not_offered(asked("vault.health"), run, PROCEDURE)
    offered = asked("database.content", options=(*BOTH_WAYS, Act.ACCEPT))
    assert Act.ACCEPT not in meaning.not_offered(offered, run, PROCEDURE)


def test_tries_are_counted_since_the_step_last_held() -> None:
    told = Told()
    for verdict in ("FAIL", "PASS", "FAIL", "INCONCLUSIVE"):
        told.step("vault.backup", 1, verdict=verdict)
    assert [str(each.verdict) for each in meaning.tries(told.run, "vault.backup")] == ["FAIL", "INCONCLUSIVE"]


def test_what_becomes_void_begins_at_the_place_and_is_only_what_there_is() -> None:
    told = Told()
    for step in ("identity.tool", "vault.backup", "vault.choose", "database.snapshots"):
        told.step(step, 1)
    steps = ("vault.backup", "vault.choose", "database.snapshots")
    assert meaning.becomes_void(told.run, PROCEDURE, "vault") == steps
    assert meaning.becomes_void(told.run, PROCEDURE, "vault.choose") == steps[1:]
    assert meaning.becomes_void(told.run, PROCEDURE, "elsewhere") == ()


def test_every_act_says_what_it_does() -> None:
    assert set(meaning.MEANS) == set(Act)
