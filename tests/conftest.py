"""How many tests run at once: the default tier mostly waits for screens, the other tiers need the machine."""

from __future__ import annotations

import pytest

AT_ONCE = 3  # one more than the two cores of the goal of five minutes: there is always one that waits


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto` of pyproject.toml: three for a whole default run, none for chosen files and for the slower tiers."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    default = str(config.option.markexpr).startswith("not estate")
    return AT_ONCE if whole and default else 0
