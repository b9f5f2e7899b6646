"""The latency bench judges what it measured, and says so with its exit status."""

from __future__ import annotations

from pathlib import Path

import pytest

from screens.app import RunbookApp
from tests.bench import latency
from tests.bench.bench_app import BenchApp
from tests.bench.latency import KEYS, Press, Told, main, over

CALM = [0.003] * KEYS


def told(presses: list[float]) -> Told:
    return Told.of([Press(each, "vault.restore") for each in presses])


def test_a_told_half_has_its_median_its_last_hundredth_and_the_share_of_slow_keys() -> None:
    found = told([0.002] * 98 + [0.05, 0.2])
    assert (found.p50, found.p99, found.slow) == (2.0, 200.0, 0.01)


@pytest.mark.parametrize(
    ("busy", "sentence"),
    [
        ([0.0091] * KEYS, "busy p50 is 3.0 × idle p50"),
        ([0.003] * (KEYS - 4) + [0.0151] * 4, "busy p99 is 5.0 × idle p99"),
        ([0.003] * (KEYS - 2) + [0.101] * 2, "0.67% of the keys took more than 100 ms"),
    ],
)
def test_each_limit_alone_ends_the_bench_with_one(
    busy: list[float], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured(monkeypatch, busy)
    assert main() == 1
    said = capsys.readouterr()
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1
    assert "PASS" not in said.out


def test_at_the_limits_it_passes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    measured(monkeypatch, [0.009] * (KEYS - 4) + [0.015] * 3 + [0.101])
    assert main() == 0
    said = capsys.readouterr()
    assert "PASS" in said.out
    assert said.err == ""


def test_every_limit_that_is_passed_is_said() -> None:
    assert len(over(told(CALM), told([0.2] * KEYS))) == 3


def test_the_style_sheets_of_the_bench_app_are_the_products_own() -> None:
    assert [Path(path).is_file() for path in BenchApp.CSS_PATH] == [True] * len(RunbookApp.CSS_PATH)


def measured(monkeypatch: pytest.MonkeyPatch, busy: list[float]) -> None:
    for name, presses in (("idle", CALM), ("busy", busy)):
        found = [Press(each, "vault.restore") for each in presses]
        monkeypatch.setattr(latency, name, lambda found=found: found)
