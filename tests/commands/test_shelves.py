"""What home is handed over a real machine's files: no file that is wrong keeps anybody from looking or training."""

from __future__ import annotations

import gc
from argparse import Namespace
from datetime import datetime
from pathlib import Path

import pytest

from runbook.commands import app, home, preferences, shelves
from runbook.commands.configured import Found, configured_if_any
from runbook.commands.places import Home
from runbook.commands.shelves import Shelves
from runbook.engine.errors import RecordFailed, WrongUse
from runbook.records.log.testlog import Domain
from runbook.views import HomeView, Preferences, Source
from tests.records import past
from tests.records.past import run, signed
from tests.support import runbook_toml
from tests.support.clock import FakeClock

JANUARY = run("2027-01-15T10:00:00Z")


@pytest.fixture(autouse=True)
def february(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(datetime.fromisoformat("2027-02-10T12:00:00Z"))
    monkeypatch.setattr(shelves, "SystemClock", lambda: clock)


def _shelves(root: Path, toml: str | None = runbook_toml.GOOD) -> Shelves:
    found = Found()
    if toml is not None:
        (root / "runbook.toml").write_text(toml, encoding="utf-8")
        found = configured_if_any(Namespace(config=root / "runbook.toml"))
    return Shelves(Home(root / "home"), found)


def test_without_a_configuration_there_are_scenarios_and_no_platform(tmp_path: Path) -> None:
    view = _shelves(tmp_path, None).home()
    assert (view.configured, view.history, view.notices, view.runs) == ("", None, (), ())
    assert "calm" in {scenario.name for scenario in view.scenarios}


def test_a_configured_platform_is_told_with_its_log(tmp_path: Path) -> None:
    past.filed(tmp_path / "compliance", [JANUARY, signed(JANUARY)])
    view = _shelves(tmp_path).home()
    assert view.history is not None
    assert view.history.last_success is not None
    assert view.history.quarters[-1].sentence == "in April, in 50 days"
    assert view.configured == view.platform != ""


def test_a_platform_that_was_never_drilled_has_a_history_that_was_not_begun(tmp_path: Path) -> None:
    history = _shelves(tmp_path).home().history
    assert history is not None
    assert not history.begun
    assert history.sound


def test_a_configuration_that_cannot_be_used_is_a_notice(tmp_path: Path) -> None:
    view = _shelves(tmp_path, "schema = 1\n").home()
    assert view.configured == ""
    assert view.history is None
    assert "runbook config check" in view.notices[0]


def test_a_log_that_cannot_be_read_is_a_notice(tmp_path: Path) -> None:
    (tmp_path / "compliance" / "restoration-test-log.csv").mkdir(parents=True)
    one = _shelves(tmp_path)
    view = one.home()
    assert view.history is None
    assert view.configured
    assert "restoration-test-log.csv" in view.notices[0]
    with pytest.raises(RecordFailed):
        one.history(training=False)


def test_trainings_log_is_read_without_a_configuration_and_the_test_log_is_not(tmp_path: Path) -> None:
    past.written(tmp_path / "home" / "training", [run("2027-01-10T10:00:00Z", mode="TRAINING")], Domain.TRAINING)
    one = _shelves(tmp_path, None)
    assert one.history(training=True).training
    assert len(one.history(training=True).runs) == 1
    with pytest.raises(WrongUse, match="no platform is configured"):
        one.history(training=False)


def test_a_report_is_the_sealed_file_and_one_that_is_not_there_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "training" / "training-20270110T100000Z-7f3a"
    folder.mkdir(parents=True)
    one = _shelves(tmp_path)
    with pytest.raises(WrongUse, match="there is no report of training-20270110T100000Z-7f3a"):
        one.report(folder.name)
    (folder / "report.md").write_text("# Training\n", encoding="utf-8")
    assert one.report(folder.name) == "# Training\n"
    with pytest.raises(WrongUse, match="is not a run id"):
        one.report("../x")
    real = tmp_path / "compliance" / "evidence" / "drill-20270110T100000Z-7f3a"
    real.mkdir(parents=True)
    (real / "report.md").write_text("# Drill\n", encoding="utf-8")
    assert one.report(real.name) == "# Drill\n"
    with pytest.raises(WrongUse, match="no platform is configured"):
        _shelves(tmp_path / "home", None).report(real.name)


def test_a_theme_is_kept_for_the_next_start(tmp_path: Path) -> None:
    assert "light" in _shelves(tmp_path, None).keep_theme("light")
    assert preferences.read(Home(tmp_path / "home")).theme == "light"


# -- when it is loaded --------------------------------------------------------------------------------------------
def test_what_home_is_handed_is_made_once_and_only_when_it_is_asked(tmp_path: Path) -> None:
    made: list[Source] = []

    def make() -> Source:
        made.append(_shelves(tmp_path, None))
        return made[-1]

    later = app.Later(make)
    assert made == []
    assert isinstance(later.home(), HomeView)
    assert not later.history(training=True).begun
    assert len(made) == 1


def test_garbage_is_collected_again_once_the_first_frame_stands_and_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collecting: list[bool] = []

    def show(source: Source, *_: object) -> int:
        collecting.append(gc.isenabled())
        source.home()
        collecting.append(gc.isenabled())
        return 7

    monkeypatch.setattr("screens.app.show", show)
    monkeypatch.setattr(home, "on_terminal", lambda: True)
    try:
        assert home.run(Namespace(home=tmp_path, config=None)) == 7
    finally:
        gc.unfreeze()
    assert collecting == [False, True]
    assert gc.isenabled()


def test_a_mistake_in_the_preferences_is_told_at_home_and_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / preferences.FILE).write_text('theme = "pink"\n')
    handed: list[Preferences] = []

    def show(_: Source, liked: Preferences) -> int:
        handed.append(liked)
        return 0

    monkeypatch.setattr("screens.app.show", show)
    monkeypatch.setattr(home, "on_terminal", lambda: True)
    assert home.run(Namespace(home=tmp_path, config=None)) == 0
    assert "is not a theme" in handed[0].trouble


def test_without_a_terminal_the_status_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.run(Namespace(home=tmp_path, config=None))
    assert "Nothing was ever run here. Begin with: runbook train" in capsys.readouterr().out
