"""Signals, closed terminals, a stopped process: the journal is complete, the terminal as it was, the run goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.engine.events import Event, Kind
from runbook.records import journal
from runbook.training.client import PracticeEstate, reap
from tests.support import training_run
from tests.support.person import Person
from tests.support.terminal import Terminal, on_a_terminal, piped

pytestmark = [pytest.mark.estate, pytest.mark.timeout(400)]

STOPPED_S = 6.0
ALTERNATE_SCREEN_LEFT = "\x1b[?1049l"


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path) -> Iterator[None]:
    """A run that a failing test left half-way is not resumed by anybody."""
    yield
    for folder in (tmp_path / "training").glob("training-*"):
        reap(folder)


def _events(home: Path) -> tuple[Event, ...]:
    """The journal, every line of it verified; nothing torn at its end."""
    path = training_run.folder(home) / "journal.jsonl"
    assert path.read_bytes().endswith(b"\n")
    assert not path.with_name("journal.jsonl.torn").exists()
    return journal.read(path)


def _reached(home: Path, event: str, step: str) -> None:
    training_run.until(
        lambda: any((line["event"], line["step"]) == (event, step) for line in training_run.journal(home)),
        f"{event} of {step}",
    )


# -- nobody there -------------------------------------------------------------------------------------------------
SIGNALS = [
    ("started", "identity.clock", signal.SIGINT, 130),
    ("intent", "database.restore", signal.SIGHUP, 129),
    ("intent", "application.deploy", signal.SIGTERM, 143),
]


def test_every_signal_ends_a_run_in_order_and_resume_goes_on(tmp_path: Path) -> None:
    """One run, interrupted three times while something is under way."""
    words = ["train", "--unattended"]
    for times, (event, step, number, status) in enumerate(SIGNALS):
        with piped(*words, "--home", str(tmp_path), cwd=tmp_path) as terminal:
            _reached(tmp_path, event, step)
            terminal.process.send_signal(number)
            assert terminal.ended() == status, terminal.said
        assert "nothing is lost: `runbook resume` goes on from here" in terminal.said
        events = _events(tmp_path)
        assert events[-1].kind is not Kind.ENDED
        assert [event.kind for event in events].count(Kind.RESUMED) == times
        words = ["resume", "--unattended"]
    with piped(*words, "--home", str(tmp_path), cwd=tmp_path) as terminal:
        assert terminal.ended(training_run.LIMIT_S) == 0, terminal.said
    document = training_run.document(tmp_path)
    assert (document["outcome"], document["resumes"]) == ("PASS", 3)
    assert len([each for each in document["created"] if each["kind"] == "rds:instance"]) == 1
    assert _events(tmp_path)[-1].kind is Kind.ENDED


def test_a_process_that_was_stopped_for_six_seconds_says_so_and_looks_again(tmp_path: Path) -> None:
    with piped("train", "--unattended", "--home", str(tmp_path), cwd=tmp_path) as terminal:
        _reached(tmp_path, "intent", "database.restore")
        terminal.process.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)  # the one wait for time to pass: a stopped process has nothing that could be waited for
        terminal.process.send_signal(signal.SIGCONT)
        assert terminal.ended(training_run.LIMIT_S) == 0, terminal.said
    events = _events(tmp_path)
    pauses = [event.data for event in events if event.data.get("pause")]
    assert [pause["pause"] for pause in pauses] == ["stopped"]
    assert STOPPED_S - 1 <= pauses[0]["seconds"] < 12
    document = training_run.document(tmp_path)
    assert [pause["pause"] for pause in document["pauses"]] == ["stopped"]
    assert document["outcome"] == "PASS"


# -- a person at a terminal ---------------------------------------------------------------------------------------
def test_a_terminal_may_close_and_a_run_be_ended_under_either_front_end_and_it_goes_on(tmp_path: Path) -> None:
    """One run, five processes: SIGTERM and a closed terminal under the app, the same under lines, and to its end."""
    home = ("--home", str(tmp_path))
    with on_a_terminal("train", *home, cwd=tmp_path) as app:
        _read_until_asked(app, tmp_path, "identity.aws-mfa")
        app.process.send_signal(signal.SIGTERM)
        assert app.ended() == 143
        assert ALTERNATE_SCREEN_LEFT in app.said
        assert app.restored
    with on_a_terminal("resume", *home, cwd=tmp_path) as app:
        _read_until_asked(app, tmp_path, "identity.aws-mfa")
        app.close()
        assert app.process.wait(30) == 129
    with on_a_terminal("resume", "--plain", *home, cwd=tmp_path) as lines:
        lines.expect(r"MFA device .*: ")
        lines.process.send_signal(signal.SIGTERM)
        assert lines.ended() == 143
        assert "nothing is lost: `runbook resume` goes on from here" in lines.said
        assert lines.restored, "what is typed must be shown again"
    with on_a_terminal("resume", "--plain", *home, cwd=tmp_path) as lines:
        lines.expect(r"MFA device .*: ")
        lines.close()
        assert lines.process.wait(30) == 129
    assert _events(tmp_path)[-1].kind is not Kind.ENDED
    estate = PracticeEstate.adopt(training_run.folder(tmp_path))
    assert estate is not None
    with piped("resume", "--plain", *home, cwd=tmp_path) as terminal:
        assert Person(estate, acts=False).walk(terminal) == 0, terminal.said
    assert training_run.document(tmp_path)["resumes"] == 4


def _read_until_asked(app: Terminal, home: Path, step: str) -> None:
    """What it paints has to be read meanwhile: a terminal that nobody reads holds it up."""

    before = training_run.journal(home)

    def asked() -> bool:
        while app.read():
            pass
        lines = training_run.journal(home)[len(before) :]
        return bool(lines) and (lines[-1]["event"], lines[-1]["step"]) == ("asked", step)

    training_run.until(asked, f"{step} asking")
