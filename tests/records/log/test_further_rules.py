"""Each rule of what may follow a run's row, rows that break it alone, and that without it nobody sees that."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from runbook.records.log import further
from runbook.records.log.further import RULES, so_far, wrongs
from runbook.records.log.testlog import Row
from tests.records.log.breaking import values
from tests.records.real_runs import drill

SIGNING_ROW = {"signoff": "SIGNED", "signoff_name": "Robin Board", "signed_at": "2027-01-20T09:00:00Z"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Row:
    return values(drill(tmp_path_factory.mktemp("run")), run_id="drill-1")


Rows = Callable[[Row], Row]


def _of(run: Row, name: str, record_type: str, **changes: str) -> Row:
    return {**run, "run_id": f"drill-1.{name}", "record_type": record_type, "refers_to": "drill-1", **changes}


WRONG: Mapping[str, list[tuple[Rows, list[Rows]]]] = {
    "it refers to a run that stands before it": [
        (lambda run: _of(run, "signoff-1", "SIGNOFF", refers_to="drill-2", run_id="drill-2.signoff-1"), []),
    ],
    "its name says its run, its kind and a number": [
        (lambda run: _of(run, "signoff-1", "AMENDMENT"), []),
        (lambda run: _of(run, "signoff", "SIGNOFF"), []),
        (lambda run: _of(run, "signoff-0", "SIGNOFF"), []),
        (lambda run: _of(run, "signoff-01", "SIGNOFF"), []),
        (lambda run: _of(run, "signoff-1", "SIGNOFF", run_id="drill-2.signoff-1"), []),
        (lambda run: _of(run, "cleanup-1", "NOTE"), []),
    ],
    "no earlier row has its name": [
        (lambda run: _of(run, "cleanup-1", "AMENDMENT"), [lambda run: _of(run, "cleanup-1", "AMENDMENT")]),
    ],
    "it changes what its kind may": [
        (lambda run: _of(run, "cleanup-1", "AMENDMENT", outcome="FAIL"), []),
        (lambda run: _of(run, "cleanup-1", "AMENDMENT", scenario="another"), []),
        (lambda run: _of(run, "amendment-1", "AMENDMENT", operator_name="Somebody Else"), []),
        (lambda run: _of(run, "amendment-1", "AMENDMENT", cleanup="DONE"), []),
        (lambda run: _of(run, "signoff-1", "SIGNOFF", summary="better"), []),
        (
            lambda run: _of(run, "cleanup-1", "AMENDMENT"),
            [lambda run: _of(run, "signoff-1", "SIGNOFF", **SIGNING_ROW)],
        ),
        (
            lambda run: _of(run, "signoff-1", "SIGNOFF"),
            [lambda run: _of(run, "amendment-1", "AMENDMENT", scenario="another")],
        ),
    ],
    "the operator does not sign off": [
        (lambda run: _of(run, "signoff-1", "SIGNOFF", **{**SIGNING_ROW, "signoff_name": run["operator_name"]}), []),
    ],
    "signed off once, unless it was corrected since": [
        (
            lambda run: _of(run, "signoff-2", "SIGNOFF", **SIGNING_ROW),
            [lambda run: _of(run, "signoff-1", "SIGNOFF", **SIGNING_ROW)],
        ),
    ],
}
CASES = [(name, number) for name, cases in WRONG.items() for number in range(len(cases))]


def _case(run: Row, name: str, number: int) -> tuple[Row, Row | None, list[Row]]:
    row, earlier = WRONG[name][number]
    made = {**run, "cleanup": "PENDING"} if name == "it changes what its kind may" else run
    absent = name == "it refers to a run that stands before it"
    return row(made), None if absent else made, [each(made) for each in earlier]


def test_each_rule_of_what_follows_has_a_row_that_breaks_it() -> None:
    assert sorted(WRONG) == sorted(rule.name for rule in RULES)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_further_row_that_may_not_stand_there_is_found_by_its_rule_alone(
    run: Row, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    row, of, earlier = _case(run, name, number)
    assert len(wrongs(row, of, earlier)) == 1
    monkeypatch.setattr(further, "RULES", tuple(rule for rule in RULES if rule.name != name))
    assert wrongs(row, of, earlier) == ()


def test_a_run_so_far_takes_from_each_row_what_its_kind_may_say(run: Row) -> None:
    rows = [
        _of(run, "cleanup-1", "AMENDMENT", summary="gone", outcome="FAIL"),
        _of(run, "strange-1", "AMENDMENT", summary="never"),
    ]
    assert so_far(run, rows) == {**run, "summary": "gone"}
