"""How many tests run at once, and who gets which: the screens wait for timers, the practice estates for servers."""

from __future__ import annotations

import gc
from types import MappingProxyType
from typing import Any

import pytest
from xdist.scheduler import WorkStealingScheduling  # type: ignore[import-untyped]  # xdist does not say what it takes

AT_ONCE = MappingProxyType(
    {
        "not estate and not scenarios": 3,  # one more than the two cores of the goal: there is always one that waits
        "estate": 2,
        "scenarios": 2,  # alone, a whole run leaves two thirds of two cores idle
    }
)


gc.set_threshold(50_000, 50, 50)  # a tenth of the time goes into looking for garbage among what stays


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto` of pyproject.toml: as many as a whole tier bears, none for chosen files."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return AT_ONCE.get(_tier(config), 0) if whole else 0


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Whole runs share nothing and most of them stand in one file: whoever is idle takes the next one."""
    return WorkStealingScheduling(config, log) if _tier(config) == "scenarios" else None


def _tier(config: pytest.Config) -> str:
    return str(config.option.markexpr)
