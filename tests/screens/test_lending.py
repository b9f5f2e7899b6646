"""The terminal is lent to another tool's command and always comes back."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from textual.app import App

from screens.terminal.lending import lend_terminal


class FakeApp:
    """What of an app is needed to step aside; like Textual's, its `suspend` does not come back from an exception."""

    def __init__(self) -> None:
        self.on_screen, self.may_paint = True, True

    @contextmanager
    def suspend(self) -> Iterator[None]:
        self.on_screen = False
        yield
        self.on_screen = True

    @contextmanager
    def batch_update(self) -> Iterator[None]:
        self.may_paint = False
        yield
        self.may_paint = True

    def refresh(self, *, layout: bool) -> None:
        assert self.on_screen
        assert self.may_paint
        self.repainted = layout


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What the operator types into."""
    source, hand = os.pipe()
    with os.fdopen(source) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield hand
    os.close(hand)


def _lend(app: FakeApp, *argv: str) -> asyncio.Task[int | None]:
    return asyncio.create_task(lend_terminal(cast("App[Any]", app), argv))


async def test_after_a_command_that_went_well_the_app_comes_back_at_once(hand: int) -> None:
    app = FakeApp()
    assert await _lend(app, sys.executable, "-c", "") == 0
    assert app.repainted


@pytest.mark.parametrize(
    ("argv", "status", "told"),
    [
        ((sys.executable, "-c", "raise SystemExit(3)"), 3, "It ended with status 3."),
        (("no-such-tool-anywhere",), None, "It could not be started: is it installed on this machine?"),
        ((sys.executable, "-c", "import os; os.kill(os.getpid(), 2)"), -2, "It was ended by SIGINT."),
    ],
)
async def test_what_a_command_said_that_failed_stays_until_enter(
    argv: tuple[str, ...], status: int | None, told: str, hand: int, capsys: pytest.CaptureFixture[str]
) -> None:
    app, said = FakeApp(), ""
    lent = _lend(app, *argv)
    async with asyncio.timeout(20):
        while told not in said:
            await asyncio.sleep(0.02)
            said += capsys.readouterr().out
    assert not app.on_screen
    assert not lent.done()
    os.write(hand, b"\n")
    assert await lent == status
    assert app.repainted


async def test_a_run_that_is_left_meanwhile_takes_the_terminal_back(hand: int) -> None:
    app = FakeApp()
    lent = _lend(app, sys.executable, "-c", "import time; time.sleep(60)")
    async with asyncio.timeout(20):
        while app.on_screen:  # noqa: ASYNC110 - the fake has no event
            await asyncio.sleep(0.02)
    lent.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lent
    assert app.repainted
