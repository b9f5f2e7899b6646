"""What the record says of a restored database: times, what was compared, and whose data it held."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.events import Event, Kind
from runbook.policy import FEW, spared
from runbook.records.log.row import row_of
from runbook.records.report import rendering
from tests.records.story import DECLARED, FACTS, FakeClock, Teller, document_of, journal, tell_calm

RESTORE = "database.restore"
SAME = FACTS[RESTORE]


def told(tmp_path: Path, *facts: dict[str, dict[str, Any]], mode: str = "drill") -> tuple[Event, ...]:
    """A run of that mode in which the database was restored with each of these facts, one after the other."""
    clock = FakeClock()
    teller = Teller(journal(tmp_path / "told", clock), clock)
    teller.say(Kind.DECLARED, **{**DECLARED, "mode": mode})
    for number, each in enumerate(facts):
        if number:
            void, stages = [RESTORE], ["database"]
            teller.say(Kind.CHECKPOINT, stage="database", decision="back", to="database", void=void, stages=stages)
        teller.say(Kind.STARTED, stage="database")
        teller.result(RESTORE)
        result = teller.events[-1]
        teller.events[-1] = replace(result, data={**result.data, "facts": each})
    return tuple(teller.events)


def test_times_depth_and_counts_of_the_restore_are_recorded(calm: dict[str, Any]) -> None:
    assert calm["restore"] == {
        "available_s": 754,
        "verified_s": 801,
        "depth": "full",
        "tables": 3,
        "bytes": 1_288_490_189,
        "rows": {"public.patients": 3000, "public.settings": "<10", "public.outbox": 0},
    }
    assert calm["patient_data"] == {"table": "public.patients", "rows": 3000}


def test_what_was_not_reached_is_null(empty_table: dict[str, Any]) -> None:
    assert (empty_table["restore"], empty_table["patient_data"]) == (None, None)


def test_a_copy_that_was_never_compared_has_one_time_only(tmp_path: Path) -> None:
    document = document_of(told(tmp_path, {"InstanceReady": SAME["InstanceReady"]}))
    assert document["restore"] == {
        "available_s": 754,
        "verified_s": None,
        "depth": None,
        "tables": None,
        "bytes": None,
        "rows": {},
    }


@pytest.mark.parametrize(("count", "as_written"), [(0, 0), (1, FEW), (9, FEW), (10, 10), (FEW, FEW)])
def test_a_count_that_could_point_at_a_person_is_not_written(count: int | str, as_written: int | str) -> None:
    assert spared(count) == as_written


def test_few_people_are_few_in_the_document_and_in_the_report(tmp_path: Path) -> None:
    held = {**SAME, "PatientsHeld": {"table": "public.patients", "rows": 7}}
    document = document_of(told(tmp_path, held))
    assert document["patient_data"] == {"table": "public.patients", "rows": "<10"}
    assert document["patient_data_used"] is True
    said = rendering.markdown(document)
    assert "data of \\<10 people (public.patients)" in said
    assert "7 people" not in said


COUNTED = {"PatientsHeld": {"table": "public.patients", "rows": 3000}}
NOBODY = {"PatientsHeld": {"table": "public.patients", "rows": 0}}
COPY = {"InstanceRestored": {"id": "rt-1"}}


@pytest.mark.parametrize(
    ("facts", "used"),
    [
        ((COPY | COUNTED,), True),
        ((COPY | NOBODY,), False),
        ((COPY,), True),  # nobody was counted, which is not the same as nobody being in it
        (({},), False),  # nothing was restored
        ((COPY | COUNTED, COPY | NOBODY), True),  # the first copy was given up, but it had been made
    ],
)
def test_patient_data_were_used_where_a_copy_held_some_or_nobody_looked(
    tmp_path: Path, facts: tuple[dict[str, dict[str, Any]], ...], *, used: bool
) -> None:
    document = document_of(told(tmp_path, *facts))
    assert document["patient_data_used"] is used
    row = row_of(document, evidence_path="x", evidence_digest="sha256:00")
    assert row["patient_data_used"] == ("YES" if used else "NO")


def test_the_data_of_a_training_run_are_nobodys(tmp_path: Path) -> None:
    document = document_of(told(tmp_path, COPY | COUNTED, mode="training"))
    assert document["patient_data_used"] is False
    assert document["patient_data"] == {"table": "public.patients", "rows": 3000}


@pytest.mark.parametrize("method", ["SNAPSHOT", "PITR"])
def test_the_method_of_the_restore_stands_in_document_row_and_report(tmp_path: Path, method: str) -> None:
    chosen = {**SAME, "SnapshotChosen": {**SAME["SnapshotChosen"], "method": method}}
    document = document_of(told(tmp_path, chosen))
    assert document["backups"]["database"]["method"] == method
    assert row_of(document, evidence_path="x", evidence_digest="sha256:00")["db_restore_method"] == method
    assert f"  - {method}\n" in rendering.markdown(document)


def test_the_loss_is_reckoned_from_the_newest_row_not_from_the_backups_name(tmp_path: Path) -> None:
    chosen = {**SAME, "SnapshotChosen": {**SAME["SnapshotChosen"], "data_until": "2027-01-15T09:15:00Z"}}
    assert document_of(told(tmp_path, chosen))["rpo"]["from"] == "2027-01-15T09:00:00.000000Z"


def test_the_report_says_how_long_it_took_and_what_was_compared(calm: dict[str, Any]) -> None:
    said = rendering.markdown(calm)
    assert "  - available 12 min 34 s after the restore was asked for\n" in said
    assert "  - content compared 13 min 21 s after it was asked for (full: 3 tables, 1.2 GiB read)\n" in said
    assert "  - data of 3,000 people (public.patients)\n" in said


def test_what_was_typed_with_a_choice_stands_in_document_and_report(tmp_path: Path) -> None:
    clock = FakeClock()
    recorder = journal(tmp_path / "typed", clock)
    events = list(tell_calm(recorder, clock))
    at = next(number for number, event in enumerate(events) if event.kind is Kind.ANSWERED)
    data = {"answer": "moment", "by": "Pat", "reason": "before it", "detail": "2027-01-15T09:00:00Z"}
    events[at] = replace(events[at], data=data)
    document = document_of(tuple(events))
    assert [each["detail"] for each in document["answers"]] == ["2027-01-15T09:00:00Z", None, None, None, None]
    assert "| moment, 2027-01-15T09:00:00Z" in rendering.markdown(document)
    json.dumps(document, allow_nan=False)
