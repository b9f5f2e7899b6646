"""What a log tells, in the words and marks of the history screen: the log itself, a run as a row, a run in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from textual.content import Content

from runbook.views import HistoryView, Objective, RecordedRun
from screens.text import one_line
from screens.words import BAD, GOOD, QUARTERS, QUIET, WARN, Mark, clock, outcome

Part = tuple[str, str]
"""A text and its style."""

LOG: Mapping[str, str] = {
    "OK": "every row is as it was written",
    "RE-ENCODED": "every value is as it was written; a spreadsheet saved it in its own way, which is harmless",
    "FILE_ABSENT": "the file is gone, although runs were recorded",
    "NEWER_VERSION": "a newer runbook wrote it: read it with that one",
    "HEADER": "these are not the columns of this log",
    "ROW_ALTERED": "a row is not as it was written",
    "ROW_MISSING": "a row was removed, or rows were moved",
    "ROW_DUPLICATED": "a row stands twice",
    "TRUNCATED": "its newest rows are gone",
    "TORN_TAIL": "its last line is not whole",
    "EVIDENCE_ALTERED": "a file of a run's evidence is not as it was sealed",
    "EVIDENCE_MISSING": "evidence of a run is not there",
}
DAMAGED = "Do this: runbook log verify. Only undamaged rows count."
NOTHING = {
    False: "Nothing is recorded yet: the first drill writes the first row. Do this: q, then d at home.",
    True: "No training run is recorded yet. Do this: q, then t at home.",
}
ASKED_BY = "DSPT 7.3.5"
PRACTICE = "These are training runs: practice, and no evidence of a restoration test."
SIGNOFF = {
    "SIGNED": Mark("✓", "signed", GOOD),
    "DECLINED": Mark("✗", "declined", BAD),
    "PENDING": Mark("·", "pending", WARN),
    "NOT_NEEDED": Mark("○", "no need", QUIET),
}
MET = {"YES": ("✓", "met", GOOD), "NO": ("✗", "MISSED", BAD)}
ROW_DAMAGED = Mark("✗", "ROW DAMAGED", BAD)


# -- the log --------------------------------------------------------------------------------------------------------
def state(view: HistoryView) -> Content:
    """What the verification of the log says: a word, and a sentence."""
    if not view.begun:
        return Content.styled("○ EMPTY: nothing is recorded yet", QUIET)
    mark = Mark("✓", view.verdict, GOOD) if view.sound else Mark("✗", view.verdict, BAD)
    return Content.assemble(mark.content, one_line(f": {LOG.get(view.verdict, 'runbook log verify says more')}"))


def answer(view: HistoryView) -> Content:
    """What is asked for first, of what is damaged with what that means."""
    lines = [] if view.sound else [Content.styled(f"! {DAMAGED}", WARN)]
    if not view.begun:
        lines.append(Content(NOTHING[view.training]))
    else:
        said = PRACTICE if view.training else f"{view.answer} [{ASKED_BY}]"
        lines.append(Content(one_line(said)))
    return Content("\n").join(lines)


def quarters(view: HistoryView) -> Content:
    """Newest first, a line each: how many of them are shown is a matter of room."""
    return Content("\n").join(
        Content.assemble(
            f"{one_line(line.name, 8):<8} ",
            QUARTERS.get(line.state, Mark("?", one_line(line.state, 12), WARN)).content,
            one_line(f"  {line.sentence}"),
        )
        for line in reversed(view.quarters)
    )


# -- a run as a row -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Column:
    """`cells` wide; shown where the list has at least `least` of them, and less than `below`."""

    title: str
    cells: int
    part: Callable[[RecordedRun], Part]
    least: int = 0
    below: int = 10_000


def columns(width: int) -> tuple[Column, ...]:
    """Those for which a list of that width has room."""
    return tuple(column for column in COLUMNS if column.least <= width < column.below)


def heads(shown: Sequence[Column]) -> Content:
    """Their titles."""
    return Content.styled(" ".join(f"{column.title:<{column.cells}}" for column in shown), QUIET)


def row(run: RecordedRun, shown: Sequence[Column]) -> Content:
    """The run in these columns."""
    return Content(" ").join(_cell(*column.part(run), column.cells) for column in shown)


def _cell(text: str, style: str, cells: int) -> Content:
    """What is too long for its column ends with a sign: no figure is shown as another one."""
    return Content.styled(text, style).truncate(cells, ellipsis=True, pad=True)


def mark_of(run: RecordedRun) -> Mark:
    """How it ended, unless its row cannot be believed."""
    return ROW_DAMAGED if run.damaged else outcome(run.outcome)


def _date(run: RecordedRun) -> Part:
    return (f"{run.started_at:%Y-%m-%d}" if run.started_at else "no date"), ""


def _mode(run: RecordedRun) -> Part:
    return one_line(run.mode.lower()), ""


def _marked(mark: Mark) -> Part:
    return one_line(f"{mark.glyph} {mark.word}"), mark.style


def _short(objective: Objective) -> Part:
    glyph, _, style = MET.get(objective.met, (" ", "", ""))
    return (f"{glyph} {_time(objective.actual_s)}", style) if objective.actual_s is not None else ("  unknown", QUIET)


def _full(objective: Objective) -> Part:
    text, style = _short(objective)
    return (text if objective.target_s is None else f"{text} of {_time(objective.target_s)}"), style


def _time(seconds: float) -> str:
    """In eight cells: `39:00:00`, from 100 hours on `10d 12h`; below the list it stands in full."""
    hours = int(seconds) // 3600
    return clock(seconds) if hours < CLOCK_H else f"{hours // 24}d {hours % 24}h"


def _findings(run: RecordedRun) -> Part:
    return (f"{run.findings_open:>4}", WARN) if run.findings_open else ("   -", QUIET)


CLOCK_H = 100  # hours from which a clock is wider than its column
ROOMY = 101  # cells from which the targets stand beside the figures
COLUMNS = (
    Column("started", 10, _date),
    Column("mode", 9, _mode),
    Column("outcome", 18, lambda run: _marked(mark_of(run))),
    Column("  RTO", 10, lambda run: _short(run.rto), below=ROOMY),
    Column("  RTO of target", 22, lambda run: _full(run.rto), least=ROOMY),
    Column("  RPO", 10, lambda run: _short(run.rpo), least=61, below=ROOMY),
    Column("  RPO of target", 22, lambda run: _full(run.rpo), least=ROOMY),
    Column("sign-off", 10, lambda run: _marked(SIGNOFF.get(run.signoff, Mark("?", run.signoff, WARN))), least=72),
    Column("open", 4, _findings, least=77),
)


# -- a run in full --------------------------------------------------------------------------------------------------
def about(run: RecordedRun) -> Content:
    """Which it is, who was there, its objectives, what is left to do."""
    lines = ("; ".join(part) for part in (list(_which(run)), list(_how(run)), list(_left(run))))
    return Content("\n").join(Content(one_line(line)) for line in lines)


def _which(run: RecordedRun) -> Iterator[str]:
    yield f"{run.run_id} (row {run.number})"
    yield f"{run.operator or 'nobody named'}{f', witness {run.witness}' if run.witness else ', no witness'}"
    if run.damaged:
        yield "✗ its row, or one about it, is not as it was written"
    if run.providers != "REAL" and run.mode != "TRAINING":
        yield "at stand-ins on this machine: it shows the tool, not the platform"


def _how(run: RecordedRun) -> Iterator[str]:
    for name, objective in (("RTO", run.rto), ("RPO", run.rpo)):
        yield f"{name} {figure(objective)}"


def figure(objective: Objective) -> str:
    """`0:39:00 of 4:00:00, met`."""
    if objective.actual_s is None:
        return "not known"
    if objective.target_s is None:
        return f"{clock(objective.actual_s)}, no target set"
    _, word, _ = MET.get(objective.met, ("", "not judged", ""))
    return f"{clock(objective.actual_s)} of {clock(objective.target_s)}, {word}"


def _left(run: RecordedRun) -> Iterator[str]:
    signed = SIGNOFF.get(run.signoff)
    by = f" by {run.signed_by}" if run.signed_by else ""
    amended = ", amended since" if run.signed_before_amendment else ""
    yield f"sign-off {signed.word if signed else run.signoff}{by}{amended}"
    yield f"open findings: {run.findings_open}"
    if run.cleanup not in {"DONE", "NOT_NEEDED"}:
        yield f"! cleanup {run.cleanup}"
