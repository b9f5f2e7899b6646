"""The target: the right product and seal, shut off from production, and restarted where it shows stale figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from runbook.engine.ports import Act, AskSecret, SecretAnswer
from runbook.engine.run import Attempt, Run
from runbook.engine.verdict import Verdict
from runbook.estate.memory.vault_server import Shown
from runbook.estate.ports import SealStatus, StaticRole, VaultHealth
from tests.support.operator import ScriptedOperator
from tests.support.practice import Practice


def last(run: Run, step: str) -> Attempt:
    found = run.last(step)
    assert found is not None
    return found


def configured(practice: Practice, **more: Any) -> None:
    vault = practice.environment.vault.model_copy(update=more)
    practice.environment = practice.environment.model_copy(update={"vault": vault})


# -- does it fit --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("shown", "said", "fix"),
    [
        ({"product": "vault"}, "openbao was expected, another product answers", "same product"),
        ({"storage": "file"}, "a raft snapshot needs raft storage", "with raft storage"),
        ({"seal_type": "awskms"}, "the backup is sealed with shamir: they do not fit", "without its seal stanza"),
    ],
)
async def test_a_server_that_does_not_fit_is_not_touched(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, shown: dict[str, str], said: str, fix: str
) -> None:
    real = practice.world.vault.seal_status

    async def other() -> SealStatus:
        status = await real()
        return SealStatus(**{name: getattr(status, name) for name in status.__slots__} | shown)

    monkeypatch.setattr(practice.world.vault, "seal_status", other)
    run = await practice.walk()
    found = last(run, "vault.target")
    assert found.verdict is Verdict.FAIL
    assert said in found.observed
    assert fix in found.fix
    assert practice.done("vault:Initialise") == []


# -- egress -------------------------------------------------------------------------------------------------------
async def test_an_open_way_to_production_is_found_before_anything_is_restored(practice: Practice) -> None:
    practice.world.web.egress_open = True
    run = await practice.walk()
    found = last(run, "vault.egress")
    assert (found.verdict, found.observed) == (Verdict.FAIL, "REACHED: 127.0.0.1:5432, 127.0.0.1:8300")
    assert practice.done("vault:Restore") == []


async def test_a_shut_way_is_measured(practice: Practice) -> None:
    run = await practice.walk()
    assert last(run, "vault.egress").observed == "2 tried, none reached"


async def test_a_probe_that_is_silent_about_a_target_has_not_measured_it(practice: Practice) -> None:
    configured(practice, production_endpoints=())
    run = await practice.walk()
    assert last(run, "vault.egress").verdict is Verdict.INCONCLUSIVE


async def test_where_nothing_can_measure_the_rule_is_named_and_attested(practice: Practice) -> None:
    configured(practice, egress_probe=None, egress_rule="network policy vault-staging")
    operator = practice.operator()
    run = await practice.walk(operator)
    assert "network policy vault-staging" in operator.questions("attest vault.egress")[0].statement
    assert last(run, "vault.egress").verdict is Verdict.ATTESTED
    assert run.outcome == "PASS"


# -- stale figures ------------------------------------------------------------------------------------------------
def stale_after_restore(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    become = practice.world.server.become

    def stale(cluster: Any) -> None:
        become(cluster)
        practice.world.server.shown = Shown(1, 1)

    monkeypatch.setattr(practice.world.server, "become", stale)


async def test_a_stale_threshold_is_cured_by_a_restart_through_the_platform(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale_after_restore(practice, monkeypatch)
    operator = practice.operator()
    run = await practice.walk(operator)
    (ask,) = operator.questions("confirm vault.restart")
    assert "it still shows 1 of 1, the backup has 3 of 5" in ask.preview.what
    assert practice.done("northflank:Restart") == ["clinic-staging/vault"]
    assert last(run, "vault.restart").verdict is Verdict.PASS
    assert run.outcome == "PASS"


async def test_without_a_platform_it_is_restarted_by_hand(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    stale_after_restore(practice, monkeypatch)
    configured(practice, service=None)
    operator = practice.operator()
    run = await practice.walk(operator)
    assert len(operator.questions("hands vault.restart")) == 1
    assert run.outcome == "PASS"


async def test_true_figures_need_no_restart(practice: Practice) -> None:
    run = await practice.walk()
    found = last(run, "vault.restart")
    assert (found.verdict, found.observed) == (Verdict.NOT_NEEDED, "it shows the backup's own 3 of 5")
    assert not found.adopted


# -- what follows the unseal --------------------------------------------------------------------------------------
async def test_a_vault_that_opens_and_never_becomes_active_names_its_audit_device(practice: Practice) -> None:
    def broken(_: Any) -> bool:
        practice.world.server.broken = True
        return True

    run = await practice.walk(practice.operator({"confirm vault.restore": [broken]}))
    found = last(run, "vault.health")
    assert found.verdict is Verdict.FAIL
    assert found.observed.startswith("health 429 (open, but not active")
    assert "audit device" in found.fix


@pytest.mark.parametrize("at", ["confirm vault.restore", "secret vault.unseal"])
async def test_a_static_role_that_the_restored_vault_rotated_is_a_hard_stop(practice: Practice, at: str) -> None:
    """Also before the unseal is written down: a vault that unseals itself acts as soon as it was restored."""
    operator = rotating(practice, at)
    run = await practice.walk(operator)
    found = last(run, "vault.keys")
    assert (found.verdict, found.hard_stop) == (Verdict.FAIL, True)
    assert found.observed.startswith("HARD STOP: the restored vault has rotated app")
    (ask,) = operator.questions("decide vault.keys")
    assert ask.options == (Act.ABORT,)
    assert run.outcome == "FAIL"


async def test_a_rotation_that_the_backup_knows_is_listed_and_no_more(practice: Practice) -> None:
    run = await practice.walk(rotating(practice, "confirm vault.initialise", -timedelta(seconds=3)))
    found = last(run, "vault.keys")
    assert found.verdict is Verdict.PASS
    assert "static role app, rotated 20" in found.observed


@pytest.mark.parametrize("wrong_by", [timedelta(minutes=5), -timedelta(minutes=5)])
@pytest.mark.parametrize(("at", "stopped"), [("confirm vault.initialise", False), ("secret vault.unseal", True)])
async def test_a_rotation_is_judged_by_the_vaults_own_clock(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, wrong_by: timedelta, at: str, *, stopped: bool
) -> None:
    """One that is ahead makes an old rotation look new, one that is behind hides a new one."""
    health = practice.world.vault.health

    async def by_its_clock() -> VaultHealth:
        return replace(await health(), server_time=practice.clock.now() + wrong_by)

    monkeypatch.setattr(practice.world.vault, "health", by_its_clock)
    run = await practice.walk(rotating(practice, at, wrong_by + timedelta(seconds=0 if stopped else -3)))
    assert last(run, "vault.keys").hard_stop is stopped


def rotating(practice: Practice, at: str, later: timedelta = timedelta()) -> ScriptedOperator:
    """An operator, at one of whose answers the static role `app` is rotated, or `later`."""
    configured(practice, database_mount="database")
    custodians = practice.world.custodians()

    def answer(ask: Any) -> Any:
        practice.world.vault.roles = (StaticRole("app", practice.clock.now() + later),)
        return SecretAnswer(custodians[ask.labels[0]], ask.labels[0]) if isinstance(ask, AskSecret) else True

    return practice.operator({at: [answer]})


async def test_leases_and_audit_devices_are_listed_and_become_findings(practice: Practice) -> None:
    practice.world.vault.audit = ()
    practice.world.vault.irrevocable = 3
    run = await practice.walk()
    assert "audit NONE; 3 irrevocable leases" in last(run, "vault.keys").observed
    assert len(run.findings) == 2


async def test_the_sign_in_to_the_vault_is_renewed_in_place(practice: Practice) -> None:
    from runbook.engine.ports import Act, Decision

    def lost(_: Any) -> bool:
        practice.world.server.tokens.clear()
        return True

    operator = practice.operator(
        {"confirm application.deploy": [lost], "decide application.decrypt": [Decision(Act.SIGN_IN)]}
    )
    recorder = practice.recorder()
    run = await practice.walk(operator, recorder)
    assert recorder.verdicts("vault.login") == ["PASS", "PASS"]
    assert run.outcome == "PASS"
