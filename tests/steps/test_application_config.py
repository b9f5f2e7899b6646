"""Every consumer's group is pointed at the restored layers, shown without its secrets, and put back to the letter."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from runbook import config
from runbook.engine.events import Kind
from runbook.engine.ports import Secret
from runbook.engine.verdict import Verdict
from steps.application.groups import KIND
from steps.application.quiet import KIND as SWITCHES
from steps.here import Held
from tests.support.operator import abort, back
from tests.support.practice import DECLARED, Practice
from tests.support.recorder import Killed
from tests.support.stage4 import (
    URL,
    attempt,
    configure,
    group,
    just_before,
    preview,
    resumed,
    set_variable,
    through_stage_4,
    up_to_stage_4,
)

RUN = DECLARED["run_id"]
SECRET = "s3cr3t-pass-word"
WEB, WORKER = "clinic-env/DATABASE_URL", "worker-env/DATABASE_URL"


# -- shown --------------------------------------------------------------------------------------------------------
async def test_the_diff_says_where_each_variable_leads_and_as_whom_and_nothing_else(practice: Practice) -> None:
    operator = up_to_stage_4(practice)
    await through_stage_4(practice, operator=operator)
    shown = preview(operator, "application.config")
    lines = {change.name: (change.before, change.after) for change in shown.changes}
    old, new = lines[f"{WEB}, {WORKER}"]
    assert old == "clinic-old.eu-west-2.rds.practice.test:5432"
    assert new.startswith("rt-training-20270115t100000z-0001.")
    assert lines[f"{WEB} application_name"] == ("clinic", RUN)
    assert lines[f"{WORKER} application_name"] == ("clinic-worker", f"{RUN}/worker")
    vault = lines["clinic-env/VAULT_ADDR, worker-env/VAULT_ADDR"]
    assert vault == ("https://127.0.0.1:8199", "https://127.0.0.1:8200")
    assert len(lines) == 4
    assert "practice@" not in str(shown)


async def test_no_secret_of_a_group_reaches_the_journal(practice: Practice) -> None:
    set_variable(practice, WEB, URL)
    set_variable(practice, "clinic-env/VAULT_SECRET_ID", "secret-id-of-the-application")
    recorder = practice.recorder()
    run = await through_stage_4(practice, recorder=recorder)
    assert run.open_ledger == ()
    said = str(recorder.events)
    assert SECRET not in said
    assert "secret-id-of-the-application" not in said
    assert "old.example.test:5432" in said  # the place is what the ledger is for


async def test_thirty_groups_stay_readable_and_a_stray_one_stands_out(tmp_path: Path) -> None:
    practice = Practice(tmp_path, services=30)
    set_variable(practice, "worker-17-env/DATABASE_URL", URL)
    operator = up_to_stage_4(practice)
    run = await through_stage_4(practice, operator=operator)
    shown = preview(operator, "application.config")
    assert len(shown.calls) == len(set(shown.calls)) == 30
    assert max(map(len, shown.calls)) <= 80
    assert shown.what.endswith(": clinic-env, worker-env, worker-03-env, worker-04-env and 26 more")
    places = {change.name: change.before for change in shown.changes if change.before.endswith(":5432")}
    assert places["worker-17-env/DATABASE_URL"] == "old.example.test:5432"
    assert sorted(name.count("DATABASE_URL") for name in places) == [1, 29]
    assert len(shown.changes) == 2 + 30 + 1  # two places, thirty names, one vault
    assert attempt(run, "application.config").observed.startswith(
        "clinic-env, worker-env, worker-03-env, worker-04-env"
    )
    assert "and 26 more" in attempt(run, "application.config").observed
    assert run.open_ledger == ()


# -- done ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("replaces", [False, True], ids=["merged", "replaced"])
async def test_whatever_the_platform_does_with_a_patch_nothing_else_is_lost(
    practice: Practice, *, replaces: bool
) -> None:
    practice.world.platform.replaces = replaces
    before = [group(practice, name) for name in ("clinic-env", "worker-env")]
    run = await through_stage_4(practice)
    assert attempt(run, "application.config").verdict is Verdict.PASS
    started = practice.world.platform.started[0]
    assert started.variable("VAULT_ROLE_ID") == "practice-app-role-id"
    assert f"application_name={RUN}" in started.variable("DATABASE_URL")
    assert [group(practice, name) for name in ("clinic-env", "worker-env")] == before
    assert run.open_ledger == ()


async def test_what_was_lost_is_named(practice: Practice) -> None:
    practice.world.platform.kept = {"VAULT_ADDR"}
    run = await through_stage_4(practice)
    last = attempt(run, "application.config")
    assert last.verdict is Verdict.FAIL
    assert last.observed == "clinic-env does not hold what was set: VAULT_ADDR"
    assert practice.done("northflank:Deploy") == []


async def test_consumers_that_share_a_group_are_one_patch(practice: Practice) -> None:
    set_variable(practice, "clinic-env/JOBS_URL", URL)
    shared = config.Consumer(
        secret_group="clinic-env", name="jobs", database_variable="JOBS_URL", vault_variable=None, services=("web",)
    )
    configure(practice, consumers=(*practice.environment.application.consumers, shared))
    operator = up_to_stage_4(practice, {"decide application.database": [abort("no process has that name")]})
    run = await through_stage_4(practice, operator=operator)
    shown = preview(operator, "application.config")
    assert [call.rpartition("/")[2] for call in shown.calls] == ["clinic-env", "worker-env"]
    jobs = practice.world.platform.started[0].variable("JOBS_URL")
    assert jobs.endswith(f"application_name={RUN}%2Fjobs")
    assert group(practice, "clinic-env")["JOBS_URL"] == URL
    assert run.open_ledger == ()


def test_two_consumers_cannot_have_one_variable(practice: Practice) -> None:
    """The database would know them by one name: which of them is connected could not be told."""
    twin = config.Consumer(secret_group="clinic-env", name="twin")
    with pytest.raises(ValueError, match="its database_variable stands more than once"):
        configure(practice, consumers=(*practice.environment.application.consumers, twin))


async def test_only_groups_that_differ_are_changed(practice: Practice) -> None:
    def drift() -> None:
        set_variable(practice, "worker-env/VAULT_ADDR", "https://127.0.0.1:8199")

    again = just_before(drift, back("application", "the worker drifted"))
    run = await through_stage_4(practice, {"gate application": [again, abort("enough")]})
    done = practice.done("northflank:SetSecretGroup")
    while_running = done[: len(done) - 4]  # the closing: two groups, each its places and its switches
    assert while_running == [
        f"clinic-staging/{name}-env" for name in ("clinic", "worker", "clinic", "worker", "worker")
    ]
    assert run.open_ledger == ()


async def test_a_client_that_needs_no_address_beside_the_name_gets_none(practice: Practice) -> None:
    set_variable(practice, WEB, URL)
    await through_stage_4(practice)
    assert practice.environment.database.hostaddr == "127.0.0.1"
    urls = {release.service: release.variable("DATABASE_URL") for release in practice.world.platform.started}
    assert "hostaddr" not in urls["web"]
    assert "hostaddr=127.0.0.1" in urls["worker"]


@pytest.mark.parametrize(
    ("old", "ours", "led"),
    [
        ("10.0.0.1", "127.0.0.1", ""),
        ("10.0.0.1", "10.0.0.9", "hostaddr=10.0.0.9"),
        ("127.0.0.1", "127.0.0.1", "hostaddr=127.0.0.1"),
        ("127.0.0.1", "10.0.0.9", "hostaddr=10.0.0.9"),
        ("10.0.0.1", None, ""),
    ],
)
async def test_a_tunnels_end_on_this_machine_is_given_to_nobody_who_is_elsewhere(
    practice: Practice, old: str, ours: str | None, led: str
) -> None:
    set_variable(practice, WEB, f"{URL}&hostaddr={old}")
    database = practice.environment.database.model_copy(update={"hostaddr": ours})
    practice.environment = practice.environment.model_copy(update={"database": database})
    await through_stage_4(practice)
    started = {release.service: release.variable("DATABASE_URL") for release in practice.world.platform.started}
    assert [each for each in started["web"].split("&") if each.startswith("hostaddr")] == ([led] if led else [])
    assert f"{URL}&hostaddr={old}" == group(practice, "clinic-env")["DATABASE_URL"]


async def test_every_password_of_a_url_is_masked_from_then_on(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded: list[str] = []
    monkeypatch.setattr("tests.support.practice.Held", lambda: Held(guard=lambda each: guarded.append(each.reveal())))
    url = URL.replace(SECRET, "first%2Fpassword") + "&password=second%40password&sslpassword=short"
    set_variable(practice, WEB, url)
    await through_stage_4(practice)
    assert {url, "first%2Fpassword", "first/password", "second%40password", "second@password"} <= set(guarded)
    assert "short" not in guarded


async def test_found_so_it_is_neither_asked_for_nor_changed(practice: Practice) -> None:
    operator = practice.operator({"gate application": [back("application", "look again"), abort("enough")]})
    run = await through_stage_4(practice, operator=operator)
    assert len(operator.questions("confirm application.config")) == 1
    assert attempt(run, "application.config").adopted


# -- what cannot be used ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (WORKER, None, f"{WORKER} is not there"),
        (WORKER, SECRET, f"{WORKER} is no postgres:// URL"),
        (WEB, f"mysql://u:{SECRET}@host/db", f"{WEB} is no postgres:// URL"),
        (WEB, f"postgresql://u:1/{SECRET}@host:5432/db", f"{WEB} is no URL that can be read"),
        (WEB, f"postgresql://u:{SECRET}@a:1,b:2/db", f"{WEB} does not name one host"),
        (WEB, f"postgresql://u:{SECRET}@host/db?host=b", f"{WEB} names its host or port in an option"),
        ("worker-env/VAULT_ADDR", SECRET, "worker-env/VAULT_ADDR is no plain http(s) address"),
    ],
)
async def test_what_cannot_be_pointed_is_named_and_its_value_never_shown(
    practice: Practice, where: str, value: str | None, said: str
) -> None:
    set_variable(practice, where, value)
    recorder = practice.recorder()
    run = await through_stage_4(practice, recorder=recorder)
    last = attempt(run, "application.config")
    assert last.verdict is Verdict.FAIL
    assert last.observed.startswith(said)
    assert last.fix
    assert SECRET not in str(recorder.events)
    assert [e.step for e in recorder.of(Kind.INTENT) if e.step == "application.config"] == []
    assert practice.done("northflank:Deploy") == []


# -- back again ---------------------------------------------------------------------------------------------------
async def test_a_vault_address_that_was_not_there_is_taken_out_where_the_platform_replaces(practice: Practice) -> None:
    practice.world.platform.replaces = True
    set_variable(practice, "worker-env/VAULT_ADDR", None)
    run = await through_stage_4(practice)
    assert practice.world.platform.started[1].variable("VAULT_ADDR") == "https://127.0.0.1:8200"
    assert "VAULT_ADDR" not in group(practice, "worker-env")
    assert run.open_ledger == ()


async def test_a_url_that_is_gone_at_the_end_is_named_with_the_place_that_it_led_to(practice: Practice) -> None:
    gone = just_before(lambda: set_variable(practice, WORKER, None), abort("enough"))
    recorder = practice.recorder()
    run = await through_stage_4(practice, {"gate application": [gone]}, recorder=recorder)
    assert [(entry.kind, entry.id) for entry in run.open_ledger] == [
        (KIND, "clinic-staging/worker-env"),
        (SWITCHES, "clinic-staging/worker-env"),  # nothing is switched on that is not pointed back
    ]
    (said, _) = [event.data["observed"] for event in recorder.of(Kind.CLEANUP) if not event.data["gone"]]
    assert said == f"{WORKER} is gone"


async def test_the_places_of_before_this_run_are_kept_however_often_it_is_pointed(practice: Practice) -> None:
    before = group(practice, "clinic-env")

    def elsewhere() -> None:
        set_variable(practice, WEB, URL)

    script: dict[str, list[Any]] = {
        "gate application": [
            just_before(elsewhere, back("application", "somebody pointed it elsewhere")),
            abort("enough"),
        ]
    }
    recorder = practice.recorder()
    run = await through_stage_4(practice, script, recorder=recorder)
    after = group(practice, "clinic-env")["DATABASE_URL"]
    assert after.startswith("postgresql://clinic_app:s3cr3t-pass-word@clinic-old.eu-west-2.rds.practice.test:5432/")
    assert {**group(practice, "clinic-env"), "DATABASE_URL": before["DATABASE_URL"]} == before
    assert run.open_ledger == ()


@pytest.mark.parametrize("late", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("which", [0, 1], ids=["first group", "second group"])
def test_killed_between_two_groups_the_resumed_run_changes_the_rest_and_puts_back_all(
    tmp_path: Path, which: int, *, late: bool
) -> None:
    calm = Practice(tmp_path / "calm")
    journal = calm.recorder()
    asyncio.run(through_stage_4(calm, recorder=journal))
    room = [e.seq for e in journal.of(Kind.INTENT) if e.step == "application.config"][which]
    practice = Practice(tmp_path / "killed")
    before = [group(practice, name) for name in ("clinic-env", "worker-env")]
    recorder = practice.recorder(room=room, late=late)
    with pytest.raises(Killed):
        asyncio.run(through_stage_4(practice, recorder=recorder))
    run = resumed(practice, recorder)
    assert attempt(run, "application.config").verdict is Verdict.PASS
    assert [group(practice, name) for name in ("clinic-env", "worker-env")] == before
    assert run.open_ledger == ()
    kinds = [entry.kind for entry in run.ledger if entry.kind.startswith("northflank:")]
    assert sorted(set(kinds)) == ["northflank:outbound-switches", KIND]


async def test_a_recovery_leaves_the_application_on_the_restored_layers(practice: Practice) -> None:
    operator = up_to_stage_4(practice)
    run = await practice.conductor(operator).declare({**DECLARED, "mode": "recovery"})
    assert KIND in [entry.kind for entry in run.ledger if entry.kept]
    assert run.open_ledger == ()
    assert f"application_name={RUN}" in group(practice, "clinic-env")["DATABASE_URL"]


def test_a_secret_is_never_a_part_of_what_is_kept(practice: Practice) -> None:
    recorder = practice.recorder()
    asyncio.run(through_stage_4(practice, recorder=recorder))
    kept = [e.data["detail"] for e in recorder.of(Kind.INTENT) if e.step == "application.config"]
    assert kept[0]["former"]["DATABASE_URL"] == {
        "at": "clinic-old.eu-west-2.rds.practice.test:5432",
        "hostaddr": "127.0.0.1",
        "application_name": "clinic",
    }
    assert not [value for value in kept if isinstance(value, Secret)]
