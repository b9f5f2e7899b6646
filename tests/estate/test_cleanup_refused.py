"""A copy that is protected against its deletion: the run ends with an open finding, and a later start removes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runbook.records.log.logs import TestLog
from tests.support.person import Person, Rule
from tests.support.two_environments import Place, for_a_drill, practice

pytestmark = [pytest.mark.estate, pytest.mark.timeout(400)]

GIVES_UP: Rule = (r"closeout\.cleanup \[retry / abort / \?\]: $", "abort it is protected, and nobody may change that")
REMOVES: Rule = (r"remove it now\n[\s\S]*Do it \(Enter = no\) \[.*\]: $", "yes")
LEAVES: Rule = (r"remove it now\n[\s\S]*Do it \(Enter = no\) \[.*\]: $", "")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with practice(tmp_path, for_a_drill) as place:
        yield place


def test_a_cleanup_that_is_refused_is_a_finding_until_a_later_start_removes_what_is_left(place: Place) -> None:
    with place.running("drill", "--plain") as terminal:
        person = Person(place.estate, [GIVES_UP])
        assert person.walk(terminal, until="CHECKPOINT 5 ") == -1, terminal.said
        _protect(place, on=True)
        assert person.walk(terminal) == 6, terminal.said
    assert "turn deletion protection off" in terminal.said
    (row,) = _rows(place)
    assert (row["outcome"], row["cleanup"]) == ("PASS_WITH_ISSUES", "FAILED")
    assert int(row["findings_open"]) >= 1
    assert len(place.instances()) == 1

    status, said = place.through("resume", "--plain", more=(LEAVES,))
    assert (status, len(place.instances()), len(_rows(place))) == (6, 1, 1), said
    assert "not removed, it stays an open finding" in said

    status, said = place.through("resume", "--plain", more=(REMOVES,))
    assert (status, len(place.instances())) == (6, 1), said  # still protected: tried, refused, and so recorded

    _protect(place, on=False)
    status, said = place.through("resume", "--plain", more=(REMOVES,))
    assert status == 0, said
    assert place.left_over() == []
    *_, amendment = rows = _rows(place)
    assert [each["record_type"] for each in rows].count("RUN") == 1
    assert (amendment["record_type"], amendment["refers_to"]) == ("AMENDMENT", row["run_id"])
    assert (amendment["cleanup"], amendment["findings_open"]) == ("DONE", "0")
    status, said = place.through("resume", "--plain")
    assert status == 2, said
    assert "no run left anything behind" in said


def _protect(place: Place, *, on: bool) -> None:
    """As somebody might in the provider's own pages."""
    (copy,) = place.instances()
    rds = place.aws("rds")
    rds.modify_db_instance(DBInstanceIdentifier=copy["DBInstanceIdentifier"], DeletionProtection=on)


def _rows(place: Place) -> tuple[Any, ...]:
    """Of a log that verifies."""
    verified = TestLog(place.compliance, place.home / "pending").verify()
    assert verified.verdict == "OK", verified
    return tuple(verified.rows)
