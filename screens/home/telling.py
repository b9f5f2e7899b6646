"""Home in words: title, headline, rows, menu, notices and earlier runs, whatever could be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from textual.content import Content

from runbook.views import DRILL, RECOVER, HomeView, RunLine
from screens.home import faces, standing
from screens.home.screen import Entry, Told
from screens.reading import fatal
from screens.text import one_line, plain
from screens.words import BAD, QUIET, WARN, Mark, ago, outcome

UNCONFIGURED = "needs a runbook.toml: runbook config init writes one"
UNUSABLE = "needs a runbook.toml that can be used: runbook config check"


def told(read: Callable[[], HomeView]) -> Told:
    """What home says of that view; whatever keeps it from being read is said, and is no crash."""
    try:
        return _told(read())
    except Exception as error:  # noqa: BLE001 - see above
        return _unread(error)


def _told(view: HomeView) -> Told:
    face = faces.face(view)
    return Told(
        view,
        title=Content.assemble((" RUNBOOK ", "bold reverse"), f"  {one_line(view.platform, 60)}"),
        face=face.content,
        rows=standing.rows(view),
        below=_below(view),
        entries=_entries(view),
        start="resume" if view.unfinished else face.start,
    )


def _unread(error: Exception) -> Told:
    match error:
        case OSError():
            sentence, fix = f"{error.filename}: {error.strerror}", "Put that right, or use another --home."
        case _:
            sentence, fix = fatal.told(error)
    cannot = Entry("the records of this machine cannot be read", possible=False)
    return Told(
        None,
        title=Content.styled(" RUNBOOK ", "bold reverse"),
        face=Content.assemble(Mark("✗", "CANNOT BE READ", BAD).content, "  ", one_line(sentence)),
        rows=plain(fix),
        below=Content(""),
        entries=dict.fromkeys((DRILL, RECOVER, "resume", "train"), cannot),
        start="history",
    )


# -- the menu and what stands below it ------------------------------------------------------------------------------
def _entries(view: HomeView) -> Mapping[str, Entry]:
    name, run, real = one_line(view.configured, 40), view.unfinished, bool(view.configured)
    wanting = UNUSABLE if view.notices else UNCONFIGURED
    return {
        DRILL: Entry(f"restore {name} into staging, and prove it" if real else wanting, real),
        RECOVER: Entry(f"restore production of {name} after an incident" if real else wanting, real),
        "train": Entry(f"practise on this machine: {len(view.scenarios)} scenarios"),
        "resume": Entry(_resumed(run, view.now) if run else "nothing is unfinished", run is not None),
    }


def _resumed(run: RunLine, now: datetime) -> str:
    return one_line(f"{run.mode} {run.scenario}".strip() + f", begun {ago(run.started_at, now)}", 60)


def _below(view: HomeView) -> Content:
    return Content("\n").join([*_notices(view), Content.styled("Earlier runs", "bold $text-muted"), *_runs(view)])


def _notices(view: HomeView) -> Iterable[Content]:
    said_above = 1 if view.history is None else 0  # the headline is the first one
    return (Content.styled(f"! {one_line(notice)}", WARN) for notice in view.notices[said_above:])


def _runs(view: HomeView) -> Iterable[Content]:
    if not view.runs:
        return [Content.styled("none yet", QUIET)]
    told = [(outcome(one_line(run.outcome, 20)), ago(run.started_at, view.now), run) for run in view.runs]
    words, ages = max(len(mark.word) for mark, _, _ in told), max(len(age) for _, age, _ in told)
    return [
        Content.assemble(
            (f"{mark.glyph} {mark.word:<{words}}", mark.style),
            (f"  {age:<{ages}}  ", QUIET),
            one_line(f"{run.mode.lower()} {run.scenario}", 40),
        )
        for mark, age, run in told
    ]
