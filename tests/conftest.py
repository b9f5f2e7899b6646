"""How many tests run at once: the default tier mostly waits for screens, the other tiers need the machine."""

from __future__ import annotations

import os

import pytest

AT_ONCE = 2  # what the goal of five minutes is measured on; more workers would start more servers at once


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto` of pyproject.toml: two for a whole default run, none for chosen files and for the slower tiers."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    default = str(config.option.markexpr).startswith("not estate")
    return min(AT_ONCE, os.cpu_count() or 1) if whole and default else 0
