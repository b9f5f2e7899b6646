"""The event log's sentences."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.engine.events import Event, Kind
from screens.run.said import sentence
from tests.screens.fake import NOW


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"name": "app.clinic.test", "gone": True}, "cleanup ✓ undone: cloudflare:record app.clinic.test — put back"),
        ({"gone": False}, "cleanup ✗ NOT UNDONE: cloudflare:record 023e/372e — put back"),
    ],
)
def test_what_was_undone_is_called_by_its_name_where_it_has_one(data: dict[str, Any], said: str) -> None:
    told = {"kind": "cloudflare:record", "id": "023e/372e", "observed": "put back", **data}
    event = Event(1, NOW, 0, "boot", Kind.CLEANUP, "connectivity", None, told)
    assert sentence(event) == f"{NOW:%H:%M:%S} {said}"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"by": "Ada", "gap_s": 40}, "resumed by Ada, 40 s after the run was interrupted"),
        ({"by": "Ada"}, "resumed by Ada"),
    ],
)
def test_a_resumed_run_says_after_how_long_where_that_is_known(data: dict[str, Any], said: str) -> None:
    assert sentence(Event(1, NOW, 0, "boot", Kind.RESUMED, None, None, data)) == f"{NOW:%H:%M:%S} {said}"
