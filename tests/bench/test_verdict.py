"""The bench fails where the limit of the issue does not hold."""

from __future__ import annotations

import pytest

from tests.bench.content import LIMIT, verdict


@pytest.mark.parametrize(("quiet", "status"), [([0.98, LIMIT], 0), ([1.02, LIMIT + 0.01], 1), ([LIMIT + 1, 1.0], 1)])
def test_a_quiet_pass_above_the_limit_ends_with_one(
    quiet: list[float], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict(quiet) == status
    assert ("may take 1.15" in capsys.readouterr().err) == bool(status)
