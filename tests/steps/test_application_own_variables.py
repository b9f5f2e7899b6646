"""A variable of a service's own wins over every secret group: criterion 2 says where it leads."""

from __future__ import annotations

import pytest

from runbook.engine.errors import NoVerdict
from runbook.engine.ports import Secret
from runbook.engine.run import Attempt, Run
from runbook.engine.verdict import Verdict
from runbook.estate.ports import Service
from steps.facts import InstanceReady
from steps.here import Held
from tests.support.practice import Practice
from tests.support.recorder import MemoryRecorder
from tests.support.stage4 import attempt, just_before, through_stage_4

PASSWORD = "h%75nter2-of-the-clinic"
MEANT = "hunter2-of-the-clinic"
Patch = pytest.MonkeyPatch


def own(practice: Practice, service: str = "worker", **variables: str) -> None:
    """That service has them beside what its group says."""
    practice.world.platform.describe(service, own={name: Secret(value) for name, value in variables.items()})


async def criterion(practice: Practice, recorder: MemoryRecorder | None = None) -> tuple[Run, Attempt]:
    run = await through_stage_4(practice, recorder=recorder)
    return run, attempt(run, "application.database")


def url(at: str, more: str = "") -> str:
    return f"postgresql://clinic_app:{PASSWORD}@{at}/clinic{more}"


# -- production ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "where",
    [
        "{name}",
        "{upper}.:5432",
        "{name}:6432",
        "10.20.0.10:5432",
        "{name}:5432/?hostaddr=10.20.1.10",
        "elsewhere.test/?hostaddr=10.20.0.10",
    ],
)
async def test_one_that_leads_to_production_by_name_or_address_ends_the_run(practice: Practice, where: str) -> None:
    name = practice.environment.database.source_host
    at, _, more = where.format(name=name, upper=name.upper()).partition("/")
    own(practice, DATABASE_URL=url(at, more))
    run, last = await criterion(practice)
    assert last.hard_stop
    assert last.observed == (
        "HARD STOP: worker has a DATABASE_URL of its own, which wins over the secret group: "
        "it leads to production's database"
    )
    assert "Stop" in last.fix
    assert run.outcome == "FAIL"


async def test_production_is_known_by_its_name_though_it_does_not_answer(practice: Practice) -> None:
    own(practice, DATABASE_URL=url(practice.environment.database.source_host))
    practice.world.databases.source.answers = False
    _, last = await criterion(practice)
    assert last.hard_stop


@pytest.mark.parametrize("form", ["host={name} user=clinic", "postgresql://u@{name},other.test/clinic"])
async def test_production_is_known_by_its_name_in_a_form_that_cannot_be_read(practice: Practice, form: str) -> None:
    own(practice, DATABASE_URL=form.format(name=practice.environment.database.source_host))
    _, last = await criterion(practice)
    assert last.hard_stop
    assert last.observed.endswith("it names production's database")


async def test_every_service_that_is_on_production_is_named(practice: Practice) -> None:
    practice.world.wrong_database()
    _, last = await criterion(practice)
    assert last.hard_stop
    assert [last.observed.count(f"{name} has a DATABASE_URL of its own") for name in ("web", "worker")] == [1, 1]


async def test_a_service_that_cannot_be_asked_for_hides_no_other_that_is_on_production(
    practice: Practice, monkeypatch: Patch
) -> None:
    practice.world.wrong_database("worker")
    platform = practice.world.platform
    service, rolled_out = platform.service, set[str]()
    containers = platform.running_containers

    async def noted(project: str, name: str) -> int:
        rolled_out.add(name)
        return await containers(project, name)

    async def not_of_web(project: str, name: str) -> Service | None:
        if name == "web" and len(rolled_out) == 2:
            raise NoVerdict("Northflank does not answer", source="northflank")
        return await service(project, name)

    monkeypatch.setattr(platform, "running_containers", noted)
    monkeypatch.setattr(platform, "service", not_of_web)
    _, last = await criterion(practice)
    assert last.hard_stop
    with pytest.raises(NoVerdict):
        await platform.service("clinic-staging", "web")


# -- elsewhere ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("variable", "value", "leads"),
    [
        ("DATABASE_URL", url("old.example.test:5432"), "leads to old.example.test:5432, not to the restored database"),
        ("DATABASE_URL", "host=old password=" + MEANT, "is no postgres:// URL"),
        ("DATABASE_URL", url("a.test,b.test"), "does not name one host: postgres://user:password@HOST:PORT/database"),
        ("VAULT_ADDR", "https://vault.example.test", "leads to https://vault.example.test, not to the restored vault"),
        ("VAULT_ADDR", "", "leads to nothing, not to the restored vault"),
        ("VAULT_ADDR", MEANT, "is no plain http(s) address"),
    ],
)
async def test_one_that_leads_elsewhere_fails_in_words_and_nothing_of_it_is_written_down(
    practice: Practice, variable: str, value: str, leads: str
) -> None:
    own(practice, **{variable: value})
    recorder = practice.recorder()
    run, last = await criterion(practice, recorder)
    assert (last.verdict, last.hard_stop) == (Verdict.FAIL, False)
    assert last.observed.startswith(f"worker has a {variable} of its own, which wins over the secret group: it {leads}")
    assert "Take it out" in last.fix
    assert run.outcome == "FAIL"
    assert all(each not in str(recorder.events) for each in (PASSWORD, MEANT))


async def test_database_and_vault_of_its_own_are_both_said(practice: Practice) -> None:
    own(practice, DATABASE_URL=url("old.example.test"), VAULT_ADDR="https://vault.example.test")
    _, last = await criterion(practice)
    assert "it leads to old.example.test, not" in last.observed
    assert "it leads to https://vault.example.test, not" in last.observed


# -- the restored ones --------------------------------------------------------------------------------------------
async def test_one_that_leads_to_the_restored_layers_is_fine(practice: Practice) -> None:
    recorder = practice.recorder()

    def as_the_group() -> None:
        group = practice.world.platform.groups["worker-env"]
        variables = {name: group[name].reveal() for name in ("DATABASE_URL", "VAULT_ADDR")}
        own(practice, **variables, ROLE="worker")

    run = await through_stage_4(
        practice, {"confirm application.deploy": [just_before(as_the_group)]}, recorder=recorder
    )
    assert attempt(run, "application.database").verdict is Verdict.PASS
    assert run.findings == ()


async def test_the_restored_ones_name_with_another_address_is_another_place(practice: Practice) -> None:
    def by_another_way() -> None:
        group = practice.world.platform.groups["worker-env"]["DATABASE_URL"].reveal()
        own(practice, DATABASE_URL=group.replace("hostaddr=127.0.0.1", "hostaddr=10.9.9.9"))

    run = await through_stage_4(practice, {"confirm application.deploy": [just_before(by_another_way)]})
    last, ready = attempt(run, "application.database"), run.fact(InstanceReady)
    assert ready is not None
    assert last.verdict is Verdict.FAIL
    assert f"it leads to {ready.host}:{ready.port} by 10.9.9.9, not to the restored database" in last.observed


async def test_a_stroke_at_the_end_of_a_vaults_address_leads_nowhere_else(practice: Practice) -> None:
    own(practice, VAULT_ADDR=practice.environment.vault.address + "/")
    _, last = await criterion(practice)
    assert "of its own" not in last.observed


async def test_a_variable_that_no_consumer_names_is_nobodys_business(practice: Practice) -> None:
    own(practice, REPORTS_URL=url(practice.environment.database.source_host))
    _, last = await criterion(practice)
    assert last.verdict is Verdict.PASS


# -- masked -------------------------------------------------------------------------------------------------------
async def test_its_value_and_its_password_are_masked_from_then_on(practice: Practice, monkeypatch: Patch) -> None:
    guarded: list[str] = []
    held = Held(guard=lambda secret: guarded.append(secret.reveal()))
    monkeypatch.setattr("tests.support.practice.Held", lambda: held)
    own(practice, DATABASE_URL=url("old.example.test"))
    await criterion(practice)
    assert {url("old.example.test"), PASSWORD, MEANT} <= set(guarded)
