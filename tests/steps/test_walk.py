"""A whole run over the estate in memory: every step done, shown, recorded, and nothing left."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from runbook.config import Targets
from runbook.engine.events import Kind
from runbook.engine.outcome import stage_result, tally
from runbook.engine.ports import Act, Choice, Decision, SecretAnswer
from screens.dialogs.confirm import NAME
from steps import PROCEDURE
from steps.facts import DataUntil, InstanceRestored, SharesUsed
from tests.support.operator import OPEN, RETRY, abort, attest, back
from tests.support.practice import DECLARED, Practice

STEPS = {
    "identity": (
        "tool clock aws-mfa aws-account aws-permissions sso northflank github cloudflare preserve fence contacts"
    ),
    "vault": (
        "backup choose download inspect target egress initialise restore restart sealed-control unseal health login "
        "keys damaged-control"
    ),
    "database": (
        "snapshots choose copy preconditions restore available configuration password reach connect key-skew content "
        "structure assertions recency side-effects quiet analyze"
    ),
    "application": ("image choose quiet config vault-database deploy rollout boots database decrypt probes erasures"),
    "connectivity": "still-holds zone waf settings credentials records dns https waf-live origin",
    "closeout": "criteria cleanup loss findings declare",
}

DEPLOYED = ["clinic-staging/web", "clinic-staging/worker"]


def test_the_procedure_has_every_step_of_the_issue_in_the_policys_order() -> None:
    wanted = [f"{stage}.{step}" for stage, steps in STEPS.items() for step in steps.split()]
    assert [step.id for step in PROCEDURE.steps()] == wanted


async def test_a_calm_run_passes_everything_and_leaves_nothing(practice: Practice) -> None:
    recorder = practice.recorder()
    run = await practice.walk(recorder=recorder)
    assert run.outcome == "PASS"
    assert [stage_result(run, stage) for stage in PROCEDURE.stages] == ["PASS"] * 5
    assert all(run.satisfied(step.id) for step in PROCEDURE.steps())
    assert (run.findings, run.exceptions, run.refusals, run.open_ledger) == ((), (), (), ())
    shown = tally(run, PROCEDURE)
    assert shown.criteria == {"boots": "PASS", "connects": "PASS", "decrypts": "PASS"}
    assert shown.controls == {"sealed": "PASS", "damaged": "PASS"}


async def test_the_settings_of_a_new_instance_have_names_short_enough_to_stand_beside_their_values(
    practice: Practice,
) -> None:
    operator = practice.operator()
    await practice.walk(operator)
    (asked,) = operator.questions("confirm database.restore")
    assert [change.name for change in asked.preview.changes if len(change.name) > NAME] == []


async def test_every_result_says_what_was_expected_what_was_seen_and_from_where(practice: Practice) -> None:
    recorder = practice.recorder()
    await practice.walk(recorder=recorder)
    for event in recorder.of(Kind.RESULT):
        assert all(event.data[name] for name in ("expected", "observed", "source")), event.step


async def test_nothing_of_the_world_is_left_changed(practice: Practice) -> None:
    world = practice.world

    async def changeable() -> object:
        project, groups = "clinic-staging", practice.environment.application.secret_groups
        return dict(world.edge.zone_records), [await world.platform.secret_group(project, group) for group in groups]

    before = await changeable()
    await practice.walk()
    assert await changeable() == before
    assert world.databases.copies == {}
    assert world.server.cluster is None
    assert [path for path in practice.folder.rglob("*") if path.is_file()] == []


async def test_every_call_that_changes_something_was_announced_right_before_it(practice: Practice) -> None:
    recorder = practice.recorder()
    await practice.walk(recorder=recorder)
    intents = [(event.data["operation"], event.data["target"]) for event in recorder.of(Kind.INTENT)]
    called = [intent for intent in intents if intent[0] != "file:Write"]
    assert sorted(called) == sorted(practice.world.calls)
    assert _in_turn(called) == _in_turn(practice.world.calls)


def _in_turn(calls: list[tuple[str, str]]) -> list[str]:
    """The operations in order; calls of one kind that are made side by side may overtake each other."""
    return [operation for operation, _ in groupby(operation for operation, _ in calls)]


async def test_nothing_of_the_application_ever_runs_with_a_way_out(practice: Practice) -> None:
    await practice.walk()
    started = practice.world.platform.started
    assert [release.service for release in started] == ["web", "worker"]
    switches = practice.environment.application.outbound
    assert switches != "none"
    for release in started:
        group = practice.world.platform.services[release.service].place.group
        mine = [switch for switch in switches if switch.secret_group == group]
        assert mine
        assert all(release.variable(switch.variable) == switch.off for switch in mine)


async def test_no_secret_is_in_the_journal(practice: Practice) -> None:
    recorder = practice.recorder()
    await practice.walk(recorder=recorder)
    said = str(recorder.events)
    switches = {name for place in practice.world.platform.services.values() for name in place.place.switches}
    held = [
        value
        for group in practice.world.platform.groups.values()
        for name, value in group.items()
        if name not in {*switches, "VAULT_ADDR"}
    ]
    secrets = [*practice.world.credentials().values(), *practice.world.custodians().values(), *held]
    assert len(held) == 6
    assert not [secret for secret in secrets if secret.reveal() in said]
    assert "clinic_app:practice@" not in said


async def test_what_the_run_established_can_be_read_back(practice: Practice) -> None:
    run = await practice.walk()
    assert run.fact(DataUntil) is not None
    copy, shares = run.fact(InstanceRestored), run.fact(SharesUsed)
    assert copy is not None
    assert shares is not None
    assert copy.id == f"rt-{DECLARED['run_id']}".lower()
    assert len(shares.labels) == 3


async def test_a_missed_target_is_a_finding(practice: Practice) -> None:
    conductor = practice.conductor(targets=Targets(rto_s=1, rpo_s=60))
    run = await conductor.declare(DECLARED)
    assert run.outcome == "PASS_WITH_ISSUES"
    assert [finding.text.split(":")[0] for finding in run.findings] == ["RTO missed", "RPO missed"]


async def test_a_target_that_was_met_is_none(practice: Practice) -> None:
    run = await practice.conductor(targets=Targets(rto_s=3600, rpo_s=3 * 3600)).declare(DECLARED)
    assert run.outcome == "PASS"


# -- the operator's ways ------------------------------------------------------------------------------------------
async def test_a_wrong_share_is_refused_progress_falls_to_0_and_the_right_set_opens(practice: Practice) -> None:
    world = practice.world
    bad = SecretAnswer(world.bad_share(), "Chandra Nair (CEO)")
    good = [SecretAnswer(secret, label) for label, secret in list(world.custodians().items())[:2]]
    operator = practice.operator({"secret vault.unseal": [*good, bad]})
    run = await practice.walk(operator)
    entered = [(ask.entered, "is wrong" in ask.note) for ask in operator.questions("secret vault.unseal")]
    assert entered == [(0, False), (1, False), (2, False), (0, True), (1, False), (2, False)]
    assert run.outcome == "PASS"


async def test_a_share_that_is_cut_off_or_entered_twice_is_never_sent(practice: Practice) -> None:
    label, share = next(iter(practice.world.custodians().items()))
    cut = SecretAnswer(type(share)(share.reveal()[:-4]), label)
    whole = SecretAnswer(share, label)
    operator = practice.operator({"secret vault.unseal": [whole, cut, whole]})
    run = await practice.walk(operator)
    notes = [ask.note for ask in operator.questions("secret vault.unseal")]
    assert "cut off" in notes[2]
    assert "twice" in notes[3]
    assert run.outcome == "PASS"


async def test_too_few_custodians_is_inconclusive(practice: Practice) -> None:
    label, share = next(iter(practice.world.custodians().items()))
    operator = practice.operator({"secret vault.unseal": [SecretAnswer(share, label), SecretAnswer(None)]})
    run = await practice.walk(operator)
    last = run.last("vault.unseal")
    assert last is not None
    assert last.observed == "no more shares were entered: 1 of 3 are in"
    assert run.outcome == "INCONCLUSIVE"


async def test_an_older_recovery_point_needs_a_reason(practice: Practice) -> None:
    older = practice.world.databases

    def older_without_a_reason(ask: object) -> Choice:
        return Choice(ask.options[1].key)  # type: ignore[attr-defined]  # a Choose

    script: dict[str, Any] = {"choose database.choose": [older_without_a_reason], "decide database.choose": [RETRY]}
    operator = practice.operator(script)
    recorder = practice.recorder()
    run = await practice.walk(operator, recorder)
    assert recorder.verdicts("database.choose") == ["FAIL", "PASS"]
    assert run.outcome == "PASS"
    assert older.copies == {}


async def test_going_back_to_the_vault_makes_nothing_twice(practice: Practice) -> None:
    operator = practice.operator({"gate database": [back("vault", "the custodian was not sure")]})
    run = await practice.walk(operator)
    assert run.outcome == "PASS"
    for operation in ("vault:Initialise", "vault:Restore", "rds:RestoreDBInstanceFromDBSnapshot"):
        assert len(practice.done(operation)) == 1, operation
    assert practice.done("northflank:Deploy") == DEPLOYED


async def test_going_back_from_the_end_adopts_everything_that_still_fits(practice: Practice) -> None:
    operator = practice.operator({"gate connectivity": [back("vault", "once more")]})
    run = await practice.walk(operator)
    assert run.outcome == "PASS"
    for operation in ("vault:Restore", "rds:RestoreDBInstanceFromDBSnapshot"):
        assert len(practice.done(operation)) == 1, operation
    assert practice.done("northflank:Deploy") == DEPLOYED


async def test_a_declined_restore_calls_nobody(practice: Practice) -> None:
    operator = practice.operator({"confirm database.restore": [False]})
    run = await practice.walk(operator)
    assert practice.done("rds:RestoreDBInstanceFromDBSnapshot") == []
    assert run.outcome == "ABORTED"  # nothing failed and nothing was in doubt: the operator stopped


async def test_an_action_that_was_declined_cannot_be_attested_instead(practice: Practice) -> None:
    """Declining would be a skip otherwise: the records could be changed behind a firewall that is off."""
    practice.world.waf_off()
    offered: list[tuple[Act, ...]] = []

    def give_in(ask: object) -> Decision:
        offered.append(ask.options)  # type: ignore[attr-defined]  # a Decide
        return attest("it is on, trust me") if len(offered) == 1 else abort("no")

    operator = practice.operator({"confirm connectivity.waf": [False, False], "decide connectivity.waf": [give_in] * 2})
    run = await practice.walk(operator)
    assert all(Act.ATTEST not in options for options in offered)
    assert practice.done("cloudflare:SetRecord") == []
    assert run.exceptions == ()


async def test_a_criterion_cannot_be_attested(practice: Practice) -> None:
    asked: list[tuple[Act, ...]] = []

    def give_in(ask: object) -> Decision:
        asked.append(ask.options)  # type: ignore[attr-defined]  # a Decide
        practice.world.bring_back("web")
        return attest("it looked fine")

    def offline(_: object) -> Decision:
        practice.world.take_down("web")
        return OPEN

    criteria = ("application.boots", "application.database", "application.decrypt")
    script = {f"decide {step}": [give_in] for step in criteria}
    operator = practice.operator({"confirm application.deploy": [lambda _: bool(offline(_))], **script})
    run = await practice.walk(operator)
    assert len(asked) == 3
    assert all(Act.ATTEST not in options for options in asked)
    assert run.exceptions == ()
