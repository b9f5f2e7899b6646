"""Findings as they stand: what a person or a removal closed is closed, and stays so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import RecordFailed
from runbook.records.signoff.findings import standing

DOCUMENT = {"findings": [{"text": text, "severity": "major", "status": "OPEN"} for text in ("one", "two", "three")]}


def _amendment(folder: Path, name: str, file: str, findings: Any) -> dict[str, str]:
    place = folder / name
    place.mkdir()
    (place / file).write_text(json.dumps({"findings": findings}), encoding="utf-8")
    return {"run_id": name}


def _stand(folder: Path, *rows: dict[str, str]) -> str:
    return "".join(each.status[0] for each in standing(DOCUMENT, folder, rows))


def test_without_amendments_they_are_as_the_run_left_them(tmp_path: Path) -> None:
    assert _stand(tmp_path) == "OOO"
    assert [(each.number, each.text, each.owner) for each in standing(DOCUMENT, tmp_path, ())][2] == (3, "three", "")


def test_what_a_person_closed_is_closed_after_a_later_removal_too(tmp_path: Path) -> None:
    by_hand = _amendment(tmp_path, "run.amendment-1", "amendment.json", [{"number": 2, "status": "CLOSED"}])
    removed = _amendment(
        tmp_path, "run.cleanup-1", "run.json", [{"status": "OPEN"}, {"status": "OPEN"}, {"status": "CLOSED"}]
    )
    assert _stand(tmp_path, by_hand) == "OCO"
    assert _stand(tmp_path, removed) == "OOC"
    assert _stand(tmp_path, by_hand, removed) == "OCC"


def test_the_last_owner_and_date_that_a_person_gave_stand_after_a_later_removal_too(tmp_path: Path) -> None:
    owned = {"number": 2, "status": "OPEN", "owner": {"was": "", "is": "Al"}, "due": {"was": "", "is": "2027-02-14"}}
    later = {**owned, "owner": {"was": "Al", "is": "Bo"}, "due": {"was": "2027-02-14", "is": "2027-03-14"}}
    rows = [
        _amendment(tmp_path, "run.amendment-1", "amendment.json", [owned]),
        _amendment(tmp_path, "run.amendment-2", "amendment.json", [later]),
        _amendment(tmp_path, "run.cleanup-1", "run.json", [{"status": "OPEN", "owner": "", "due": ""}] * 3),
        _amendment(tmp_path, "run.amendment-3", "amendment.json", [{"number": 2, "status": "CLOSED"}]),
    ]
    stood = [standing(DOCUMENT, tmp_path, rows[:number])[1] for number in range(5)]
    assert [each.owned for each in stood] == ["", "Al, due 2027-02-14", *["Bo, due 2027-03-14"] * 3]
    assert [each.status for each in stood] == ["OPEN"] * 4 + ["CLOSED"]
    assert _stand(tmp_path, *rows) == "OCO"


def test_what_a_removal_found_itself_is_numbered_behind_the_run_s_and_closed_like_them(tmp_path: Path) -> None:
    new = {"text": "four", "severity": "major", "owner": "", "due": "", "status": "OPEN"}
    found = [*DOCUMENT["findings"], new]
    removed = _amendment(tmp_path, "run.cleanup-1", "run.json", found)
    by_hand = _amendment(tmp_path, "run.amendment-1", "amendment.json", [{"number": 4, "status": "CLOSED"}])
    again = _amendment(tmp_path, "run.cleanup-2", "run.json", found)
    assert standing(DOCUMENT, tmp_path, [removed])[3].said == new
    assert _stand(tmp_path, removed, by_hand, again) == "OOOC"


def test_a_number_that_no_finding_has_closes_nothing(tmp_path: Path) -> None:
    assert _stand(tmp_path, _amendment(tmp_path, "a", "amendment.json", [{"number": 9, "status": "CLOSED"}])) == "OOO"


@pytest.mark.parametrize("findings", [[3], [{}], None])
def test_a_damaged_amendment_is_told(tmp_path: Path, findings: Any) -> None:
    row = _amendment(tmp_path, "a", "amendment.json", findings)
    with pytest.raises(RecordFailed, match=r"amendment\.json of a is damaged"):
        _stand(tmp_path, row)


def test_an_amendment_whose_folder_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordFailed, match=r"run\.json could not be read"):
        _stand(tmp_path, {"run_id": "gone"})
