"""What a run is told of the ones before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runbook.commands import earlier
from runbook.commands.places import Home
from runbook.records.evidence import sealing
from runbook.records.log.logs import TrainingLog
from tests.commands.recorded import DRILL, Recorded
from tests.records.story import FakeClock, document_of, journal, tell_calm

DIGEST = "sha256:" + "00" * 32
NOW = "training-20270301T100000Z-0000"


def recorded(home: Home, number: int) -> dict[str, Any]:
    """A calm run that ended on that day of February, in the log and in its folder."""
    folder = home.folder(f"training-202702{number:02}T100000Z-7f3a")
    clock = FakeClock()
    told = journal(folder, clock)
    events = tell_calm(told, clock)
    told.close()
    document = document_of(events) | {"run_id": folder.name, "ended_at": f"2027-02-{number:02}T10:01:00.000000Z"}
    sealing.write_document(folder, document)
    TrainingLog(home.root).record(
        document, evidence_path=f"training/{folder.name}", evidence_digest="sha256:" + "00" * 32
    )
    return document


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_times_and_counts_of_an_earlier_run_are_known(home: Home) -> None:
    recorded(home, 3)
    (run,) = earlier.of_runs(home.shelf, TrainingLog(home.root), but=NOW)
    assert (run.available_s, run.verified_s) == (754, 801)
    assert run.rows == {"public.patients": 3000, "public.outbox": 0}, "what was written as <10 cannot be compared"
    assert run.share_labels == ("Ada", "Grace", "Edsger")


def test_the_newest_comes_first_and_only_the_newest_are_read(home: Home) -> None:
    for number in range(1, earlier.LOOKED_INTO + 3):
        recorded(home, number)
    runs = earlier.of_runs(
        home.shelf, TrainingLog(home.root), but=f"training-202702{earlier.LOOKED_INTO + 2:02}T100000Z-7f3a"
    )
    assert [run.ended.day for run in runs] == list(range(earlier.LOOKED_INTO + 1, 0, -1))
    assert [bool(run.rows) for run in runs] == [True] * earlier.LOOKED_INTO + [False]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b'{"restore": []}',
        b'{"backups": null, "restore": {"rows": [], "available_s": "soon"}}',
        b'{"restore": {"rows": {"public.a": true, "public.b": "3000"}, "verified_s": null}}',
        b"\xff",
    ],
)
def test_a_record_that_cannot_be_read_adds_nothing_and_stops_nothing(home: Home, damage: bytes) -> None:
    document = recorded(home, 3)
    (home.folder(document["run_id"]) / "run.json").write_bytes(damage)
    (run,) = earlier.of_runs(home.shelf, TrainingLog(home.root), but=NOW)
    assert (run.run_id, run.cluster_id, run.rows) == (document["run_id"], "", {})
    assert (run.available_s, run.verified_s) == (None, None)


def test_a_record_of_an_older_tool_has_no_times(home: Home) -> None:
    document = recorded(home, 3)
    del document["restore"]
    (home.folder(document["run_id"]) / "run.json").write_text(json.dumps(document), encoding="utf-8")
    (run,) = earlier.of_runs(home.shelf, TrainingLog(home.root), but=NOW)
    assert (run.available_s, run.rows) == (None, {})


def test_what_people_said_of_its_findings_since_is_known_to_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Recorded(tmp_path, monkeypatch)
    found = [{"text": text, "severity": "minor", "owner": "", "due": "", "status": "OPEN"} for text in ("one", "two")]
    kept.drill(findings=found, outcome="PASS_WITH_ISSUES")
    due = ("--due", "2027-02-14")
    by = ("--by", "Cy Example", "--role", "director", "--because", "the minutes say so")
    kept.log("amend", DRILL, "--close", "1", "--verified", "seen", "--assign", "2", "--owner", "Robin Board", *due, *by)
    (run,) = earlier.of_runs(kept.platform.shelf, kept.platform.log(kept.home), but=NOW)
    assert [(each.text, each.owner) for each in run.findings] == [("two", "Robin Board")]
