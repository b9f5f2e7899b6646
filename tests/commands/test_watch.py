"""Following a run from another terminal: nothing is missed, nothing is written, damage is named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from runbook import cli
from runbook.commands import watch
from runbook.commands.exits import ExitCode
from runbook.commands.tail import Tail
from runbook.engine.errors import RecordFailed
from runbook.engine.events import Kind
from runbook.plain import Lines
from runbook.records.journal import Journal
from runbook.views import Session
from steps import PROCEDURE
from tests.support.clock import FakeClock

RUN = "training-20270115T100000Z-7f3a"


class Pacing(FakeClock):
    """What the run does while the watcher sleeps: one thing at a time, in order; then nobody is left."""

    def __init__(self, *meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._meanwhile = list(meanwhile)

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if not self._meanwhile:
            raise asyncio.CancelledError
        self._meanwhile.pop(0)()


class Watched:
    """A journal that is written, and what a watcher printed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.jsonl"
        self.out = StringIO()
        self.journal = Journal.create(self.path, FakeClock())
        self.say(Kind.DECLARED, run_id=RUN, mode="training")

    def say(self, kind: Kind, *, stage: str | None = None, step: str | None = None, **data: object) -> None:
        self.journal.append(kind, stage=stage, step=step, data=data)

    def find(self, text: str) -> Callable[[], None]:
        return lambda: self.say(Kind.FINDING, text=text)

    def end(self) -> None:
        self.say(Kind.ENDED, outcome="PASS")

    def follow(self, *meanwhile: Callable[[], object]) -> list[str]:
        lines = Lines(PROCEDURE, self.out)
        asyncio.run(watch.follow(self.path, lines, Pacing(*meanwhile)))
        return self.out.getvalue().splitlines()


@pytest.fixture
def watched(tmp_path: Path):
    watched = Watched(tmp_path)
    yield watched
    watched.journal.close()


def test_what_happened_comes_first_then_what_happens_until_the_end(watched):
    watched.say(Kind.STARTED, stage="identity")
    said = watched.follow(watched.find("one"), lambda: None, watched.find("two"), watched.end)
    assert said[0].startswith(f"Run {RUN} declared")
    assert said[1] == ""
    assert said[2].startswith("Stage 1 of 5: ")
    assert said[3:] == ["  FINDING      one", "  FINDING      two", "Ended: PASS"]


def test_a_run_that_ended_long_ago_is_told_and_left(watched):
    watched.end()
    assert watched.follow()[-1] == "Ended: PASS"


def test_a_line_that_is_still_being_written_is_waited_for(watched):
    watched.find("half")()
    whole = watched.path.read_bytes()
    watched.path.write_bytes(whole[:-20])
    said = watched.follow(
        lambda: watched.path.write_bytes(whole[:-1]), lambda: watched.path.write_bytes(whole), watched.end
    )
    assert said[1:] == ["  FINDING      half", "Ended: PASS"]


def test_a_torn_line_that_is_cut_off_at_a_resume_was_never_said(watched):
    watched.journal.close()
    whole = watched.path.read_bytes()
    watched.path.write_bytes(whole + b'{"at":"2027-01-15T10:0')

    def resumed() -> None:
        watched.journal = Journal.open(watched.path, FakeClock())
        watched.say(Kind.RESUMED, by="Bob Example")

    said = watched.follow(lambda: None, resumed, watched.end)
    assert said[1].startswith("Resumed")
    assert said[2] == "Ended: PASS"


def test_damage_is_named_with_its_line(watched):
    watched.find("true")()

    def changed() -> None:
        watched.path.write_bytes(watched.path.read_bytes().replace(b"true", b"false"))

    with pytest.raises(RecordFailed, match="line 2: its content was changed"):
        watched.follow(changed)
    assert "FINDING      true" in watched.out.getvalue()


def test_lines_that_were_said_and_are_gone_are_damage(watched):
    watched.find("gone")()

    def cut() -> None:
        watched.path.write_bytes(watched.path.read_bytes().splitlines(keepends=True)[0])

    with pytest.raises(RecordFailed, match="no longer holds the lines that it held"):
        watched.follow(cut)


def test_a_journal_that_was_removed_is_said(watched):
    with pytest.raises(RecordFailed, match="could not be read"):
        watched.follow(watched.path.unlink)


def test_long_silence_is_said_once_and_again_after_the_next_line(watched):
    quiet = [lambda: None] * 200
    with pytest.raises(asyncio.CancelledError):
        watched.follow(*quiet, watched.find("back"), *quiet)
    assert [line.split()[0] for line in watched.out.getvalue().splitlines()] == ["Run", "SILENT", "FINDING", "SILENT"]


def test_nothing_is_written_beside_the_journal(watched):
    watched.end()
    before = watched.path.read_bytes()
    watched.follow()
    assert [path.name for path in watched.path.parent.iterdir()] == ["journal.jsonl"]
    assert watched.path.read_bytes() == before


def test_an_unchanged_journal_is_not_read_again(watched, monkeypatch):
    tail = Tail(watched.path)
    assert len(tail.new()) == 1

    def read(*_: object) -> bytes:
        raise AssertionError("read again")

    monkeypatch.setattr("runbook.commands.tail.read_whole", read)
    assert tail.new() == ()


# -- the command --------------------------------------------------------------------------------------------------
def test_the_command_follows_a_run_of_this_home(tmp_path, capsys):
    folder = tmp_path / "training" / RUN
    watched = Watched(folder)
    watched.end()
    watched.journal.close()
    assert cli.main(["watch", RUN, "--home", str(tmp_path)]) == ExitCode.PASS
    assert capsys.readouterr().out.splitlines()[-1] == "Ended: PASS"


@pytest.mark.parametrize("run_id", [RUN, "../../etc", "nonsense"])
def test_a_run_that_is_not_here_is_wrong_use(tmp_path, capsys, run_id):
    assert cli.main(["watch", run_id, "--home", str(tmp_path)]) == ExitCode.WRONG_USE
    assert "runbook status lists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("terminal", "plain", "on_screen"), [(True, [], True), (True, ["--plain"], False), (False, [], False)]
)
def test_on_a_terminal_it_is_the_runs_own_screen_unless_lines_are_wanted(
    tmp_path, monkeypatch, terminal, plain, on_screen
):
    shown = []

    def screens(home: object, platform: object, *, watch: Session) -> int:
        shown.append(watch.banner.mode)
        return 0

    monkeypatch.setattr("runbook.commands.tty.on_terminal", lambda: terminal)
    monkeypatch.setattr("runbook.commands.app.screens", screens)
    watched = Watched(tmp_path / "training" / RUN)
    watched.end()
    watched.journal.close()
    assert cli.main(["watch", RUN, "--home", str(tmp_path), *plain]) == ExitCode.PASS
    assert shown == ["TRAINING"] * on_screen
