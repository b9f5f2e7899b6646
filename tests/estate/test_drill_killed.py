"""A drill that is killed around a call, on the real servers: it comes to the same end, nothing is done twice."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.events import Event, Kind
from tests.support import dying, training_run
from tests.support.crashing import passed_over
from tests.support.person import Person
from tests.support.two_environments import EMPTY, OPEN, Place, for_a_drill, practice

pytestmark = [pytest.mark.estate, pytest.mark.timeout(400)]


@dataclass(frozen=True)
class Call:
    """The nth call of that kind in a step, of the first process and of the one that resumes; `done` asks the server
    itself whether it got it, and is given the image that ran at first."""

    step: str
    operation: str
    done: Callable[[Place, str], bool]
    nth: tuple[int, int] = (1, 1)

    def __str__(self) -> str:
        return self.step


CALLS = [  # what was entered of a set is thrown away by whoever resumes, which is a call of its own
    Call("vault.initialise", "vault:Initialise", lambda place, _: place.vault_health() != EMPTY),
    Call("vault.restore", "vault:Restore", lambda place, _: place.vault_health() != OPEN),
    Call("vault.unseal", "vault:Unseal", lambda place, _: place.vault_health() == OPEN, (3, 4)),
    Call("database.restore", "rds:RestoreDBInstanceFromDBSnapshot", lambda place, _: place.instances() != []),
    Call("application.deploy", "northflank:Deploy", lambda place, image: place.deployed() != image),
    Call("closeout.cleanup", "rds:DeleteDBInstance", lambda place, _: place.instances() == [] or _deleting(place)),
]


def _deleting(place: Place) -> bool:
    return [one["DBInstanceStatus"] for one in place.instances()] == ["deleting"]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with practice(tmp_path, for_a_drill) as place:
        yield place


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_drill_killed_before_and_after_a_call_ends_as_if_it_had_not_been(call: Call, place: Place) -> None:
    before, image = place.outside(), place.deployed()
    _killed(place, "drill", call, call.nth[0], "before")
    assert not call.done(place, image), "the call was made before it was announced"
    _killed(place, "resume", call, call.nth[1], "after")
    training_run.until(
        lambda: call.done(place, image), f"{call} done", limit_s=10
    )  # an open vault needs a moment to say so
    made = [one["DbiResourceId"] for one in place.instances()]
    status, said = place.through("resume", "--plain")
    assert status == 0, said

    events = place.events()
    assert place.document()["outcome"] == "PASS"
    assert place.document()["resumes"] == 2
    assert passed_over(events) == []
    assert _made_once(events)
    assert place.left_over() == []
    assert place.outside() == before
    assert len(_intended(events, "rds:RestoreDBInstanceFromDBSnapshot")) == 1 + (call.step == "database.restore")
    assert len(made) <= 1


def _killed(place: Place, word: str, call: Call, nth: int, moment: str) -> None:
    program = (dying.__file__, call.step, call.operation, str(nth), moment)
    with place.running(word, "--plain", program=program) as terminal:
        assert Person(place.estate).walk(terminal) == -signal.SIGKILL, terminal.said


def _intended(events: tuple[Event, ...], operation: str) -> list[Any]:
    return [event for event in events if event.kind is Kind.INTENT and event.data["operation"] == operation]


def _made_once(events: tuple[Event, ...]) -> bool:
    """One copy of the database stands in the ledger, under one name, and it is gone."""
    created = [event.data["creates"] for event in events if event.kind is Kind.INTENT and event.data["creates"]]
    copies = {one["id"] for one in created if one["kind"] == "rds:instance"}
    gone = [event.data["id"] for event in events if event.kind is Kind.CLEANUP and event.data["gone"]]
    return len(copies) == 1 and copies <= set(gone)
