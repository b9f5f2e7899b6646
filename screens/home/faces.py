"""Home's faces: the one headline that says how the platform stands, the most urgent that holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.content import Content

from runbook.views import DRILL, HomeView
from screens.home.standing import age
from screens.text import one_line
from screens.words import BAD, QUARTERS, WARN, Mark, ago, outcome

PRACTICE = "training"
BADLY = frozenset({"FAIL", "INCONCLUSIVE"})
FIRST_RUN = (
    (
        "Restores a platform layer by layer, from identity to connectivity. "
        "Each step says what it will do before it does it, and what was seen is recorded."
    ),
    "",
    "Start here: Train. A practice estate on this machine: no account, no network, nothing of yours is touched.",
    "",
    "Your own platform: runbook config init, then Drill and Recover open here.",
)


@dataclass(frozen=True, slots=True)
class Face:
    """The headline, and what is marked in the menu."""

    content: Content
    start: str


def _face(mark: Mark, sentence: str, start: str) -> Face:
    """The state first, then what it means."""
    return Face(Content.assemble(mark.content, "  ", one_line(sentence)), start)


def face(view: HomeView) -> Face:
    """The first that holds."""
    return next(found for each in FACES if (found := each(view)))


def _unusable(view: HomeView) -> Face | None:
    if view.configured:
        return None
    if view.notices:
        return _face(Mark("✗", "CONFIGURATION", BAD), f"{view.notices[0]}. Training needs none.", "train")
    return Face(Content("\n".join(FIRST_RUN)), "train")


def _unread_log(view: HomeView) -> Face | None:
    if view.history is not None:
        return None
    sentence = view.notices[0] if view.notices else "runbook log verify says why"
    return _face(Mark("✗", "LOG NOT READ", BAD), sentence, "history")


def _damaged(view: HomeView) -> Face | None:
    if view.history is None or view.history.sound:
        return None
    rest = "what stands here rests on its undamaged rows; runbook log verify says what is wrong"
    return _face(Mark("✗", "LOG DAMAGED", BAD), f"{view.history.verdict}: {rest}", "history")


def _unfinished(view: HomeView) -> Face | None:
    run = view.unfinished
    if run is None or run.mode.casefold() == PRACTICE:
        return None
    mark = Mark("…", f"UNFINISHED {run.mode.upper()}", WARN)
    return _face(mark, f"begun {ago(run.started_at, view.now)}: Resume goes on where it stopped", "resume")


def _failed(view: HomeView) -> Face | None:
    last = view.history.newest if view.history else None
    if last is None or last.outcome not in BADLY:
        return None
    mark = outcome(last.outcome)
    repeat = "" if last.mode == "RECOVERY" else ": repeat it"
    return _face(
        Mark(mark.glyph, f"LAST {last.mode}: {mark.word}", mark.style), f"{age(last, view.now)}{repeat}", DRILL
    )


def _never(view: HomeView) -> Face | None:
    if view.history is None or view.history.last_success is not None:
        return None
    return _face(
        Mark("✗", "NEVER DRILLED", BAD),
        "no restore of the real backups is on record; training does not count",
        DRILL,
    )


def _overdue(view: HomeView) -> Face | None:
    line = view.history.due if view.history else None
    if line is None or not line.overdue:
        return None
    return _face(QUARTERS["OVERDUE"], f"the {line.name} drill, {line.sentence}", DRILL)


def _passing(view: HomeView) -> Face:
    last = view.history.newest if view.history else None
    assert last is not None  # else the face is that of a platform that was never drilled
    line = view.history.due if view.history else None
    due = f"; the {line.name} drill is due {line.sentence}" if line and line.state == "DUE" else ""
    return _face(outcome(last.outcome), f"last {last.mode.lower()}, {age(last, view.now)}{due}", DRILL)


FACES: tuple[Callable[[HomeView], Face | None], ...] = (
    *(_unusable, _unread_log, _damaged, _unfinished, _failed, _never, _overdue, _passing),
)
