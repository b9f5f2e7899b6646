"""The faces of what is shown when no run goes on: home, the deck, reports, what stopped a run, a terminal too small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from textual.command import CommandPalette

from runbook.engine.errors import LayerFailed
from runbook.views import Ending, HistoryView, HomeView, RunLine
from screens.dialogs.keys import KeysScreen
from screens.home.scenarios import ScenarioScreen
from screens.home.screen import HomeScreen
from screens.reading.fatal import FatalScreen, fatality
from screens.reading.history import HistoryScreen
from screens.reading.report import ReportScreen
from screens.reading.screen import RecordScreen
from tests.screens import gallery_pasts as pasts
from tests.screens.fake import BANNER, ENDING, NOW, FakeSource, a_home, an_unfinished_run
from tests.screens.gallery import Shot, a_run, running, then
from tests.screens.gallery_runs import TARGETS, comparing

PRACTISED = RunLine("training-2", "training", "wrong-share", NOW - timedelta(days=3), "PASS_WITH_ISSUES")
REPORT = "# Report\n\n" + "\n\n".join(f"## {n}. A part\n\nWhat was seen: **as it should be**." for n in range(1, 9))
ISSUES = {"short": "0a1b2c3d", "commit": "written, not committed: git is not installed"}


def _home(history: Callable[[], HistoryView] | None, *runs: RunLine, **more: Any) -> Callable[[], FakeSource]:
    def source() -> FakeSource:
        told = history() if history else None
        view = replace(a_home(*runs), configured="Sampleclinic" if told else "", history=told, **more)
        return FakeSource(lambda: view, lambda _: a_run(), told, pasts.practised(), _reports(told))

    return source


def _no_platform() -> FakeSource:
    return FakeSource(a_home, training=pasts.practised())


def _reports(view: HistoryView | None) -> dict[str, str]:
    return {run.run_id: REPORT for run in view.runs} if view else {}


def _empty_deck() -> FakeSource:
    return FakeSource(lambda: HomeView(NOW, "Sampleclinic", (), ()))


HOME = Shot("home", HomeScreen, source=_home(pasts.passing, PRACTISED))
HISTORY = then(HOME, "history", HistoryScreen, "h")
ROOMS: tuple[Shot, ...] = (
    HOME,
    Shot("home-first-run", HomeScreen, source=_home(None)),
    Shot("home-never-drilled", HomeScreen, source=_home(pasts.nothing_recorded)),
    Shot("home-overdue", HomeScreen, source=_home(pasts.overdue, PRACTISED)),
    Shot("home-failed", HomeScreen, source=_home(pasts.failed)),
    Shot("home-damaged", HomeScreen, source=_home(pasts.damaged)),
    Shot("home-unfinished", HomeScreen, source=_home(pasts.passing, an_unfinished_run(), PRACTISED)),
    then(HOME, "scenarios", ScenarioScreen, "t"),
    then(Shot("", HomeScreen, source=_empty_deck), "scenarios-none", ScenarioScreen, "t"),
    then(HOME, "palette", CommandPalette, "ctrl+p"),
    then(HOME, "keys", KeysScreen, "ctrl+g"),
    HISTORY,
    then(HISTORY, "history-plot", HistoryScreen, "p"),
    then(HISTORY, "history-training", HistoryScreen, "t"),
    then(HISTORY, "history-drills", HistoryScreen, "m"),
    then(Shot("", HomeScreen, source=_home(pasts.nothing_recorded)), "history-empty", HistoryScreen, "h"),
    then(Shot("", HomeScreen, source=_home(pasts.damaged)), "history-damaged", HistoryScreen, "h"),
    then(Shot("", HomeScreen, source=_home(pasts.neglected)), "history-neglected", HistoryScreen, "h"),
    then(Shot("", HomeScreen, source=_no_platform), "history-no-platform", HistoryScreen, "h"),
    then(HISTORY, "record", RecordScreen, "enter"),
    then(then(HISTORY, "", RecordScreen, "enter"), "record-search", RecordScreen, "slash", "s", "e", "e", "n"),
    Shot("report", ReportScreen, opens=lambda _: ReportScreen(BANNER, replace(ENDING, report=REPORT))),
    Shot(
        "report-issues",
        ReportScreen,
        opens=lambda _: ReportScreen(
            BANNER, Ending("PASS_WITH_ISSUES", 0, "/home/x/evidence/run-1", REPORT, details=ISSUES)
        ),
    ),
    Shot(
        "report-fail",
        ReportScreen,
        opens=lambda _: ReportScreen(BANNER, Ending("FAIL", 1, "/home/x/training/run-1", REPORT)),
    ),
    Shot(
        "fatal",
        FatalScreen,
        opens=lambda _: FatalScreen(fatality(LayerFailed("the vault sealed itself", fix="Start again.")), BANNER),
    ),
    Shot("fatal-defect", FatalScreen, opens=lambda _: FatalScreen(fatality(ValueError("a secret")), None)),
    replace(running("too-small", comparing, targets=TARGETS), sizes=((59, 20), (80, 19))),
)
