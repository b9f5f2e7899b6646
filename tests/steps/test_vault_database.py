"""The restored vault's database engine is pointed at the copy, with everything else of its URL as it was."""

from __future__ import annotations

import pytest

from runbook.engine.verdict import Verdict
from tests.support.practice import Practice

OLD = "postgresql://{{username}}:{{password}}@clinic-production.test:5432/clinic?sslmode=verify-full"


def with_engine(practice: Practice, url: str | None = OLD) -> None:
    more = {"database_mount": "database", "database_connection": "clinic"}
    vault = practice.environment.vault.model_copy(update=more)
    practice.environment = practice.environment.model_copy(update={"vault": vault})
    if url is not None:
        practice.world.vault.connections["database/clinic"] = url


async def test_it_leads_to_the_copy_and_keeps_its_templates_and_options(practice: Practice) -> None:
    with_engine(practice)
    run = await practice.walk()
    assert run.outcome == "PASS"
    url = practice.world.vault.connections["database/clinic"]
    assert url.startswith("postgresql://{{username}}:{{password}}@rt-training-")
    assert url.endswith("/clinic?sslmode=verify-full")


async def test_the_change_is_shown_before_it_is_made(practice: Practice) -> None:
    with_engine(practice)
    operator = practice.operator()
    await practice.walk(operator)
    (ask,) = operator.questions("confirm application.vault-database")
    (change,) = ask.preview.changes
    assert change.before == "clinic-production.test:5432"
    assert change.after.startswith("rt-training-")


async def test_a_connection_that_is_not_there_is_named(practice: Practice) -> None:
    with_engine(practice, None)
    run = await practice.walk()
    last = run.last("application.vault-database")
    assert last is not None
    assert last.verdict is Verdict.FAIL
    assert "has no connection clinic" in last.observed


async def test_a_vault_without_a_database_engine_needs_none_of_it(practice: Practice) -> None:
    run = await practice.walk()
    last = run.last("application.vault-database")
    assert last is not None
    assert last.verdict is Verdict.NOT_NEEDED


@pytest.mark.parametrize(
    "url",
    [
        "host=clinic-production.test port=5432 user=vault password=hunter2 dbname=clinic",
        "postgresql://vault:pa/hunter2@clinic-production.test:5432/clinic",
        "postgresql://vault:pa@hunter2?x@clinic-production.test:5432/clinic",
        "postgresql://u@clinic-production.test/clinic?host=elsewhere&password=hunter2",
    ],
)
async def test_what_cannot_be_led_elsewhere_is_refused_and_nothing_of_it_is_said(practice: Practice, url: str) -> None:
    with_engine(practice, url)
    recorder = practice.recorder()
    run = await practice.walk(recorder=recorder)
    last = run.last("application.vault-database")
    assert last is not None
    assert last.verdict is Verdict.FAIL
    assert last.observed.startswith("the connection_url of database/config/clinic ")
    assert last.fix
    assert "hunter2" not in str(recorder.events)
    assert practice.world.vault.connections["database/clinic"] == url


async def test_an_address_beside_the_name_is_left_out_since_it_would_lead_to_the_old_one(practice: Practice) -> None:
    with_engine(practice, f"{OLD}&hostaddr=10.0.0.1&connect_timeout=5")
    await practice.walk()
    url = practice.world.vault.connections["database/clinic"]
    assert url.endswith("/clinic?sslmode=verify-full&connect_timeout=5")
