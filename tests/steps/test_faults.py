"""What goes wrong in the world is found at its step, named, and never waved through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runbook.engine.ports import Decision
from runbook.engine.run import Attempt, Run
from runbook.engine.verdict import Verdict
from runbook.estate.memory import MemoryEstate
from tests.support.operator import OPEN, RETRY, back
from tests.support.practice import Practice

Fault = Callable[[MemoryEstate], None]


def attempt(run: Run, step: str) -> Attempt:
    last = run.last(step)
    assert last is not None, f"{step} was not reached"
    return last


def after(practice: Practice, fault: Fault, then: Any = OPEN) -> Callable[[Any], Any]:
    """An operator's answer, given just after the fault happened."""

    def answer(_: Any) -> Any:
        fault(practice.world)
        return then

    return answer


# -- found at a step ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fault", "step", "said"),
    [
        (MemoryEstate.damaged_snapshot, "vault.inspect", "state.bin"),
        (MemoryEstate.foreign_snapshot, "vault.unseal", "a complete set of shares was refused"),
        (MemoryEstate.incompatible_restore, "database.available", "incompatible-restore"),
        (lambda world: world.lose_table("public.appointments"), "database.content", "public.appointments"),
    ],
)
async def test_a_fault_fails_its_step_and_the_run(practice: Practice, fault: Fault, step: str, said: str) -> None:
    fault(practice.world)
    run = await practice.walk()
    found = attempt(run, step)
    assert found.verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE}
    assert said in f"{found.observed} {found.provider_text}"
    assert run.outcome in {"FAIL", "INCONCLUSIVE"}
    assert practice.world.databases.copies == {}


async def test_a_lost_table_is_named_with_both_counts(practice: Practice) -> None:
    practice.world.lose_table("public.appointments")
    run = await practice.walk()
    assert attempt(run, "database.content").observed == "public.appointments: EMPTY, 8,998 rows stated"
    assert run.outcome == "FAIL"


async def test_a_count_that_could_point_at_a_person_is_not_written_down(practice: Practice) -> None:
    practice.world.lose_table("public.settings")
    run = await practice.walk()
    assert attempt(run, "database.content").observed == "public.settings: EMPTY, <10 rows stated"


@pytest.mark.parametrize("fault", [MemoryEstate.stale_backup, MemoryEstate.no_snapshot_today])
async def test_a_backup_that_is_old_is_a_finding_and_not_a_failure(practice: Practice, fault: Fault) -> None:
    fault(practice.world)
    run = await practice.walk()
    assert run.outcome == "PASS_WITH_ISSUES"
    assert run.findings


async def test_a_copy_that_may_not_be_deleted_is_named_as_left(practice: Practice) -> None:
    practice.world.cleanup_refused()
    run = await practice.walk()
    assert [entry.kind for entry in run.open_ledger] == ["rds:instance"]
    assert run.outcome == "PASS_WITH_ISSUES"


@pytest.mark.parametrize("provider", ["aws", "northflank", "github", "registry", "cloudflare", "dns"])
async def test_a_provider_that_cannot_be_asked_is_no_verdict_about_the_backup(
    practice: Practice, provider: str
) -> None:
    practice.world.take_down(provider)
    run = await practice.walk()
    assert run.outcome == "INCONCLUSIVE"


async def test_a_provider_that_comes_back_lets_the_run_go_on(practice: Practice) -> None:
    practice.world.take_down("northflank")

    def mended(_: Any) -> Decision:
        practice.world.bring_back("northflank")
        return RETRY

    run = await practice.walk(practice.operator({"decide identity.northflank": [mended]}))
    assert run.outcome == "PASS"


# -- while the run waits ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("gate", ["database", "application"])
@pytest.mark.parametrize(
    ("fault", "layer", "outcome"),
    [
        (MemoryEstate.seal, "stage 2 (Encryption Vault) fell: health 503 (SEALED)", "FAIL"),
        (MemoryEstate.stop_database, "stage 3 (Core Database) fell", "INCONCLUSIVE"),  # it cannot be asked any more
    ],
)
async def test_what_falls_while_a_run_waits_keeps_the_gate_shut_and_is_named(
    practice: Practice, fault: Fault, layer: str, outcome: str, gate: str
) -> None:
    operator = practice.operator({f"gate {gate}": [after(practice, fault)]})
    run = await practice.walk(operator)
    assert any(refusal.startswith(layer) for refusal in run.refusals)
    assert gate not in run.opened
    if gate == "database":
        assert run.outcome == outcome
    else:  # an application without its database fails by its own word, whatever the database says
        assert run.outcome in {outcome, "FAIL"}


async def test_a_digest_that_was_swapped_while_the_run_waited_is_named(practice: Practice) -> None:
    operator = practice.operator({"gate application": [after(practice, MemoryEstate.swap_digest)]})
    run = await practice.walk(operator)
    assert any("stage 4 (Application Tier) fell" in refusal for refusal in run.refusals)
    assert "application" not in run.opened


async def test_rows_that_vanish_while_the_run_waits_are_noticed_though_the_comparison_is_not_repeated(
    practice: Practice,
) -> None:
    lost = after(practice, lambda world: world.lose_table("public.patients"))
    run = await practice.walk(practice.operator({"gate database": [lost]}))
    assert any("public.patients: 0 rows" in refusal for refusal in run.refusals)
    assert "database" not in run.opened


async def test_a_canary_that_changes_after_stage_4_is_caught_before_any_door_opens(practice: Practice) -> None:
    conductor = practice.conductor()
    for stage in ("identity", "vault", "database", "application"):
        await conductor.perform_stage(stage)
    practice.world.change_canary()
    await conductor.perform_stage("connectivity")
    found = attempt(conductor.run, "connectivity.still-holds")
    assert found.verdict is Verdict.FAIL
    assert "sample record" in found.observed
    assert practice.done("cloudflare:SetRecord") == []


async def test_a_vault_that_seals_while_the_operator_reads_the_preview_keeps_the_doors_shut(practice: Practice) -> None:
    run = await practice.walk(
        practice.operator({"confirm connectivity.records": [after(practice, MemoryEstate.seal, then=True)]})
    )
    found = attempt(run, "connectivity.records")
    assert found.verdict is Verdict.FAIL
    assert "Encryption Vault does not hold any more" in found.observed
    assert practice.done("cloudflare:SetRecord") == []


async def test_a_target_that_was_emptied_behind_our_back_is_restored_again_and_not_adopted(practice: Practice) -> None:
    def emptied(world: MemoryEstate) -> None:
        world.hands("wipe-vault")

    operator = practice.operator(
        {"gate database": [after(practice, emptied), back("vault.target", "somebody emptied the target")]}
    )
    run = await practice.walk(operator)
    assert run.outcome == "PASS"
    assert len(practice.done("vault:Restore")) == 2
    assert len(practice.done("rds:RestoreDBInstanceFromDBSnapshot")) == 1


async def test_a_vault_that_was_sealed_again_is_opened_again_by_going_back(practice: Practice) -> None:
    operator = practice.operator(
        {"gate database": [after(practice, MemoryEstate.seal), back("vault.unseal", "the vault restarted")]}
    )
    run = await practice.walk(operator)
    assert run.outcome == "PASS"
    assert len(practice.done("vault:Restore")) == 1
    assert len(practice.done("rds:RestoreDBInstanceFromDBSnapshot")) == 1


async def test_even_a_sealed_vault_is_cleaned_up(practice: Practice) -> None:
    run = await practice.walk(practice.operator({"gate application": [after(practice, MemoryEstate.seal)]}))
    assert run.outcome == "FAIL"
    assert practice.world.server.cluster is None
    assert practice.world.databases.copies == {}
