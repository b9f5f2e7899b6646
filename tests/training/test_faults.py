"""The table of faults, and what of it can be given."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, get_args, get_type_hints

import pytest

from runbook.training.breakage import Breakage
from runbook.training.certificates import Guilt
from runbook.training.faults import DATA_FAULTS, EDGE_FAULTS, OUTER_FAULTS, FaultKind, checked
from runbook.training.servers.zone import SECURITY_LEVELS


class Anything:
    """Stands for every server that a fault is done to."""

    def __getattr__(self, name: str) -> Any:
        return lambda: None


@pytest.fixture
def breakage() -> Breakage:
    some: Any = Anything()
    needed = [each.name for each in fields(Breakage) if each.default_factory is MISSING]
    return Breakage(**dict.fromkeys(needed, some))


def test_every_fault_can_be_done_and_takes_what_the_table_says(breakage: Breakage) -> None:
    assert breakage.faults.keys() == DATA_FAULTS.keys()
    for kind, does in breakage.faults.items():
        hints = get_type_hints(does)
        hints.pop("return", None)
        assert hints == dict(DATA_FAULTS[kind].parameters), kind
        defaults = [one.default for one in inspect.signature(does).parameters.values()]
        assert inspect.Parameter.empty not in defaults, kind


@pytest.mark.parametrize("table", [DATA_FAULTS, OUTER_FAULTS])
def test_a_choice_is_among_words_for_a_parameter_that_there_is(table: Mapping[str, FaultKind]) -> None:
    for kind, known in table.items():
        assert {name: known.parameters[name] for name in known.choices} == dict.fromkeys(known.choices, str), kind


def test_what_the_edge_can_be_made_to_show_is_what_it_knows() -> None:
    assert EDGE_FAULTS["bad-certificate"].choices == {"guilt": get_args(Guilt)}
    assert EDGE_FAULTS["security-level"].choices == {"level": SECURITY_LEVELS}


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("bad-certificate", {"guilt": "dull"}, "guilt must be one of self-signed, expired, wrong-host, not 'dull'"),
        ("security-level", {"level": "x"}, "level must be one of off, essentially_off, low, medium, high, under_"),
    ],
)
def test_a_word_that_the_edge_does_not_know_is_refused_before_anything_starts(
    kind: str, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        checked(kind, given, OUTER_FAULTS)


def test_whole_hours_are_hours_too() -> None:
    assert checked("stale-backup", {"hours": 30}) == {"hours": 30.0}


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("earthquake", {}, "unknown fault 'earthquake'; known: blind-reader, canary-changed, "),
        ("empty-table", {"tabel": "x"}, "empty-table takes no 'tabel'; it takes: table"),
        ("vault-sealed", {"hours": 1}, "vault-sealed takes no 'hours'; it takes: nothing"),
        ("empty-table", {"table": 7}, "table must be str, not 7"),
        ("stale-backup", {"hours": True}, "hours must be float, not True"),
        ("no-snapshot-today", {"days": 1.5}, "days must be int, not 1.5"),
        ("no-snapshot-today", {"days": True}, "days must be int, not True"),
        ("canary-changed", {"to": "x"}, "to must be one of other-text, newer-version, other-key, not 'x'"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(kind: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        checked(kind, given)


def test_yes_and_no_are_taken_where_they_are_meant() -> None:
    assert checked("waf-off", {"managed": False}, OUTER_FAULTS) == {"managed": False}
    with pytest.raises(ValueError, match="managed must be bool, not 1"):
        checked("waf-off", {"managed": 1}, OUTER_FAULTS)
