"""What the services are told is looked at again right before they are started, and once they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runbook.engine.verdict import Verdict
from runbook.estate.ports import Allowance
from tests.support.operator import RETRY, abort, back
from tests.support.practice import DECLARED, Practice
from tests.support.stage4 import attempt, group, just_before, preview, set_variable, through_stage_4, up_to_stage_4

MAIL = "clinic-env/OUTBOUND_MAIL"
JOBS = "worker-env/DATABASE_URL"
OLD = "postgresql://clinic_app:practice-word@clinic-old.example.test:5432/clinic"


def while_deploying(practice: Practice, happens: Callable[[], object]) -> None:
    """Right after the first deployment call, once."""
    deploy = practice.world.platform.deploy

    async def then(*given: Any, **more: Any) -> Any:
        answer = await deploy(*given, **more)
        if len(practice.done("northflank:Deploy")) == 1:
            happens()
        return answer

    practice.world.platform.deploy = then  # type: ignore[method-assign]  # somebody is quick


@pytest.mark.parametrize(
    ("where", "value", "step"),
    [(MAIL, "on", "application.quiet"), (JOBS, OLD, "application.config")],
    ids=["a switch", "a database URL"],
)
async def test_nothing_is_started_once_what_it_would_be_told_has_changed(
    practice: Practice, where: str, value: str, step: str
) -> None:
    changed = just_before(lambda: set_variable(practice, where, value))
    run = await through_stage_4(practice, {"confirm application.deploy": [changed]})
    last = attempt(run, "application.deploy")
    assert last.verdict is Verdict.FAIL
    assert last.observed == f"{where} changed since; go back to {step}"
    assert practice.done("northflank:Deploy") == practice.done("northflank:Restart") == []
    assert practice.world.platform.started == []


async def test_in_a_recovery_a_switch_may_be_on_and_an_address_may_not_be_wrong(practice: Practice) -> None:
    def both() -> None:
        set_variable(practice, MAIL, "on")
        set_variable(practice, JOBS, OLD)

    changed = just_before(both)
    operator = up_to_stage_4(practice, {"confirm application.deploy": [changed]})
    run = await practice.conductor(operator).declare({**DECLARED, "mode": "recovery"})
    assert attempt(run, "application.deploy").observed == f"{JOBS} changed since; go back to application.config"


async def test_a_switch_that_is_turned_on_during_the_deployment_fails_the_rollout(practice: Practice) -> None:
    while_deploying(practice, lambda: set_variable(practice, MAIL, "on"))
    run = await through_stage_4(practice)
    last = attempt(run, "application.rollout")
    assert last.verdict is Verdict.FAIL
    assert last.observed == f"{MAIL} changed since; go back to application.quiet"
    assert run.opened == ("identity", "vault", "database")


@pytest.mark.parametrize("off_again", [False, True], ids=["left on", "off again by hand"])
async def test_what_may_have_been_started_so_is_started_anew_before_the_rollout_can_pass(
    practice: Practice, *, off_again: bool
) -> None:
    while_deploying(practice, lambda: set_variable(practice, MAIL, "on"))
    by_hand = just_before(lambda: set_variable(practice, MAIL, "off" if off_again else "on"), RETRY)
    script = {"decide application.rollout": [by_hand, back("application.quiet", "it was on")]}
    run = await through_stage_4(practice, script)
    _, retried, last = [one for one in run.attempts if one.step == "application.rollout"]
    assert retried.verdict is Verdict.FAIL
    assert retried.observed == "what they are told changed after they were deployed: web, worker"
    assert practice.done("northflank:Restart") == ["clinic-staging/web", "clinic-staging/worker"]
    assert last.verdict is Verdict.PASS
    newest = [release for release in practice.world.platform.started if release.service == "web"][-1]
    assert newest.variable("OUTBOUND_MAIL") == "off"
    assert group(practice, "clinic-env")["OUTBOUND_MAIL"] == "on"  # as before this run
    assert run.open_ledger == ()


# -- the allowance ------------------------------------------------------------------------------------------------
async def test_a_preview_says_that_the_allowance_will_not_do(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = Allowance("Northflank", 1000, 7, 1200.0)
    monkeypatch.setattr(practice.world.rates, "of", lambda provider: low if provider == "northflank" else None)
    operator = up_to_stage_4(practice, {"decide application.rollout": [abort("enough")]})
    await through_stage_4(practice, operator=operator)
    for step, needed in (("quiet", 8), ("config", 8), ("deploy", 12)):
        assert preview(operator, f"application.{step}").what.endswith(
            f"; about {needed} calls are needed, and Northflank allows 7 still: it will wait, for 20 min at most"
        )


async def test_an_allowance_that_will_do_is_not_spoken_of(practice: Practice) -> None:
    operator = up_to_stage_4(practice)
    await through_stage_4(practice, operator=operator)
    for step in ("quiet", "config", "deploy"):
        assert "calls are needed" not in preview(operator, f"application.{step}").what
