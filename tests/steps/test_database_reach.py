"""The way to the copy, and the proof that nothing else is at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from runbook.engine.errors import NoVerdict
from runbook.engine.ports import Choice
from runbook.engine.verdict import Verdict
from runbook.estate.memory import sql as memory_sql
from runbook.estate.ports import Endpoint, Whereabouts
from steps.facts import InstanceReady, RouteChosen
from tests.support.practice import Practice

Patch = pytest.MonkeyPatch
CONNECT = "database.connect"


def private(practice: Practice, **other: Any) -> None:
    """No route is configured."""
    database = practice.environment.database.model_copy(update={"hostaddr": None, **other})
    practice.environment = practice.environment.model_copy(update={"database": database})


def answering(monkeypatch: Patch, change: Callable[[Endpoint, Whereabouts], Whereabouts]) -> None:
    """The database at an endpoint says otherwise where it is."""
    ask = memory_sql.MemoryDatabase.whereabouts

    async def otherwise(self: memory_sql.MemoryDatabase) -> Whereabouts:
        return change(self._endpoint, await ask(self))

    monkeypatch.setattr(memory_sql.MemoryDatabase, "whereabouts", otherwise)


async def observed(practice: Practice) -> str:
    last = (await practice.walk()).last(CONNECT)
    assert last is not None
    assert last.verdict is Verdict.FAIL, last
    return last.observed


async def test_the_configured_route_is_taken_without_a_question(practice: Practice) -> None:
    operator = practice.operator()
    run = await practice.walk(operator)
    assert run.fact(RouteChosen) == RouteChosen("127.0.0.1", 0)
    assert operator.questions("choose database.reach") == []


async def test_what_answers_straight_needs_no_tunnel(practice: Practice) -> None:
    private(practice)
    run = await practice.walk()
    assert run.fact(RouteChosen) == RouteChosen("", 0)
    assert run.outcome == "PASS"


async def test_a_private_instance_gets_the_exact_tunnel_command(practice: Practice) -> None:
    private(practice)
    practice.world.private_copies()
    operator = practice.operator()
    run = await practice.walk(operator)
    ready = run.fact(InstanceReady)
    assert ready is not None
    (ask,) = operator.questions("hands database.reach")
    assert f"host={ready.host},portNumber={ready.port},localPortNumber=15432" in ask.how[0]
    assert run.fact(RouteChosen) == RouteChosen("127.0.0.1", 15432)


async def test_the_operator_may_know_that_it_will_answer_straight(practice: Practice, monkeypatch: Patch) -> None:
    private(practice, tunnel="ssh -N -L {local_port}:{host}:{port} bastion")
    silent = iter([True])
    ping = memory_sql.MemoryDatabase.ping

    async def late(self: memory_sql.MemoryDatabase) -> None:
        if next(silent, False):
            raise NoVerdict("no answer within 5 s", source="postgres")
        await ping(self)

    monkeypatch.setattr(memory_sql.MemoryDatabase, "ping", late)
    operator = practice.operator({"choose database.reach": [Choice("straight", "the VPN is up now")]})
    run = await practice.walk(operator)
    (ask,) = operator.questions("choose database.reach")
    assert "ssh -N -L 15432:" in ask.options[0].cells[1]
    assert run.outcome == "PASS"


async def test_what_was_started_before_the_restore_is_not_the_copy(practice: Practice, monkeypatch: Patch) -> None:
    old = practice.world.databases.source.started
    answering(monkeypatch, lambda _, where: replace(where, started=old))
    assert "started before the restore was asked for" in await observed(practice)


async def test_the_source_is_known_although_it_was_restarted_since(practice: Practice, monkeypatch: Patch) -> None:
    """Its start would pass for a copy's: asking production itself, by its own name, tells."""
    started = practice.clock.now().replace(year=2031)
    answering(monkeypatch, lambda _, where: replace(where, started=started, address="10.0.0.5", port=5432))
    said = await observed(practice)
    assert "THIS IS THE SOURCE: production answers with the same address and the same start" in said


async def test_the_sources_name_is_enough(practice: Practice) -> None:
    """The name of the copy's endpoint is the one that is configured as production's."""
    run = await practice.walk()
    ready = run.fact(InstanceReady)
    assert ready is not None
    again = Practice(practice.folder / "again")
    database = again.environment.database.model_copy(update={"source_host": ready.host})
    again.environment = again.environment.model_copy(update={"database": database})
    assert "THIS IS THE SOURCE by its name" in await observed(again)


async def test_one_that_is_still_in_recovery_or_not_encrypted_does_not_pass(
    practice: Practice, monkeypatch: Patch
) -> None:
    answering(monkeypatch, lambda _, where: replace(where, in_recovery=True, tls=False))
    said = await observed(practice)
    assert "still in recovery" in said
    assert "NOT encrypted" in said


async def test_production_that_is_gone_proves_nothing_against_the_copy(practice: Practice) -> None:
    practice.world.databases.source.answers = False
    assert (await practice.walk()).outcome == "PASS"


async def test_an_endpoint_that_leads_to_the_source_is_refused(practice: Practice) -> None:
    practice.world.endpoint_is_the_source()
    assert "THIS IS THE SOURCE" in await observed(practice)
