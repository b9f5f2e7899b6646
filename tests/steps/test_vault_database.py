"""The restored vault's database engine is pointed at the copy, with everything else of its URL as it was."""

from __future__ import annotations

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
    assert change.before == "clinic-production.test:5432/clinic"
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
