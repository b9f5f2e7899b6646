"""A scripted operator closes the doors in mid-run; and how a journal shows whether they were opened too early."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from runbook.engine.events import Event, Kind
from runbook.training.operators import Mishaps, PracticeOperator, WithFaults
from runbook.training.scenario import Answer, Fault
from tests.support import doors
from tests.support.doors import Line
from tests.support.practice import DECLARED, Practice
from tests.support.practice_estate import MemoryPracticeEstate

ANSWERS = tuple(
    Answer.model_validate(answer)
    for answer in (
        {"at": "checkpoint connectivity", "do": "open"},
        {"at": "checkpoint connectivity", "do": "close", "reason": "the canary changed"},
        {"at": "connectivity.records", "do": "abort", "reason": "it has to be cleared up"},
    )
)
CHANGED = Fault(kind="canary-changed", when="after connectivity.records")


async def walked(practice: Practice, answers: Iterable[Answer] = (), faults: Iterable[Fault] = ()) -> list[Line]:
    """The journal of a run with this script and these faults, as its file holds it."""
    estate = MemoryPracticeEstate(practice.world).as_client()
    mishaps, recorder = Mishaps(estate, faults), practice.recorder()
    conductor = practice.conductor(WithFaults(PracticeOperator(estate, answers), estate, mishaps), recorder)
    conductor.subscribe(mishaps.hear)
    await conductor.declare(DECLARED)
    return [_line(event) for event in recorder.events]


def _line(event: Event) -> Line:
    return {"seq": event.seq, "event": str(event.kind), "stage": event.stage, "step": event.step, "data": event.data}


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


async def test_every_name_gets_its_former_record_back_and_the_run_can_be_ended(practice: Practice) -> None:
    lines = await walked(practice, ANSWERS, [CHANGED])
    former = doors.former(lines)
    assert len(former) == len(practice.environment.connectivity.hostnames) == len(doors.opened(lines))
    closed = [line for line in lines if line["event"] == "cleanup" and line["data"]["kind"] == "cloudflare:record"]
    assert [(line["stage"], line["data"]["gone"]) for line in closed] == [("connectivity", True)] * len(former)
    assert {line["data"]["observed"] for line in closed} == {
        f"{name} put back: {said}" for name, said in former.items()
    }
    assert lines[-1]["data"] == {"outcome": "FAIL"}


async def test_a_calm_run_opens_its_doors_behind_the_firewall_and_on_layers_that_hold(practice: Practice) -> None:
    lines = await walked(practice)
    assert doors.opened(lines)
    assert doors.opened_too_early(lines) == []


def _intent(operation: str) -> Line:
    data = {"operation": operation, "target": "zone/phase", "creates": None}
    return {"seq": 0, "event": Kind.INTENT, "stage": "connectivity", "step": "connectivity.waf", "data": data}


def _fell(stage: str) -> Line:
    data = {"alive": False, "verdict": "FAIL", "observed": "sealed"}
    return {"seq": 0, "event": Kind.HEARTBEAT, "stage": stage, "step": None, "data": data}


def _result(verdict: str) -> Line:
    return {
        "seq": 0,
        "event": Kind.RESULT,
        "stage": "connectivity",
        "step": "connectivity.waf",
        "data": {"verdict": verdict},
    }


@pytest.mark.parametrize(
    "before",
    [
        _intent("cloudflare:PutRules"),
        _intent("cloudflare:ChangeRule"),
        _fell("vault"),
        _fell("application"),
        _result("FAIL"),
        _result("ATTESTED"),
    ],
    ids=["rules changed", "a rule changed", "the vault fell", "the application fell", "no firewall", "only stated"],
)
async def test_doors_that_were_opened_too_early_are_seen_in_the_journal(practice: Practice, before: Line) -> None:
    lines = await walked(practice)
    first = lines.index(doors.opened(lines)[0])
    assert len(doors.opened_too_early([*lines[:first], before, *lines[first:]])) == len(doors.opened(lines))


async def test_so_are_those_that_were_opened_before_anything_was_seen(practice: Practice) -> None:
    lines = await walked(practice)
    assert len(doors.opened_too_early(doors.opened(lines))) == len(doors.opened(lines))
