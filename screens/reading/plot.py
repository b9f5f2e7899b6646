"""RTO or RPO of the drills that passed, as a picture; plotext draws it, and is loaded when one is first drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from textual import events
from textual.content import Content
from textual.widgets import Static

from runbook.views import Objective, RecordedRun, Trend
from screens.text import one_line
from screens.words import BAD, GOOD, QUIET, WARN, clock

MET, MISSED, TARGET, PATH = "●", "✗", "╌", "·"
STYLES = {MET: GOOD, MISSED: BAD, TARGET: WARN, PATH: QUIET}
LONG = {"RTO": "time to recover", "RPO": "age of newest data"}
FEWEST_LINES = 7  # below that a picture says less than its sentence
CELLS_A_POINT = 3
CELLS_A_DATE = 13
STEPS = (1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)
FEW_STEPS = 5  # between the ticks of an axis


class TrendPlot(Static):
    """Points tell met from missed by their form; the sentence below says all that the picture does."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, markup=False)
        self._trend: Trend | None = None

    def show(self, trend: Trend | None) -> None:
        """This one from now on; None where nothing was read."""
        self._trend = trend
        self._paint()

    def on_resize(self, event: events.Resize) -> None:
        """Drawn anew for the room that there is."""
        del event
        self._paint()

    def _paint(self) -> None:
        width, height = self.content_size
        if self._trend is None or width <= 0:
            return
        self.update(picture(self._trend, width, height))


def picture(trend: Trend, width: int, height: int) -> Content:
    """Title, picture, key and sentence; the picture only where there is something to compare, and room."""
    title = Content.assemble((trend.name, "bold"), f": {LONG.get(trend.name, '')} (passed drills)")
    if not trend.points:
        return Content.assemble(title, "\nNo such drill was measured yet: there is nothing to draw.")
    points = trend.points[-max(width // CELLS_A_POINT, 2) :]
    sentence = Content("\n").join(Content(one_line(trend.sentence)).wrap(width))
    below = Content("\n").join([_key(trend.name, points, len(trend.points)), sentence])
    lines = height - len(below.split("\n")) - len(title.wrap(width))
    if len(points) < 2 or lines < FEWEST_LINES:
        return Content("\n").join([title, sentence])
    return Content("\n").join([title, *_drawn(trend.name, points, width, lines), below])


Points = Sequence[tuple[RecordedRun, int]]


def _objective(name: str, run: RecordedRun) -> Objective:
    return run.rto if name == "RTO" else run.rpo


def _key(name: str, points: Points, of: int) -> Content:
    missed = any(_objective(name, run).met == "NO" for run, _ in points)
    target = any(_objective(name, run).target_s is not None for run, _ in points)
    words = [f"{MET} {'met' if target else 'measured'}"]
    words += [f"{MISSED} missed"] if missed else []
    words += [f"{TARGET * 2} target"] if target else []
    words += [f"newest {len(points)} of {of}"] if len(points) < of else []
    return _styled("   ".join(words))


def _styled(line: str) -> Content:
    content = Content(line)
    for glyph, style in STYLES.items():
        for found in re.finditer(f"{glyph}+", line):
            content = content.stylize(style, found.start(), found.end())
    return content


def _drawn(name: str, points: Points, width: int, height: int) -> Iterator[Content]:
    import plotext  # noqa: PLC0415 - 60 ms, which only the history needs

    seconds = [each for _, each in points]
    objectives = [_objective(name, run) for run, _ in points]
    targets = [(at, objective.target_s) for at, objective in enumerate(objectives) if objective.target_s is not None]
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)  # noqa: FBT003 - plotext's own signature: width, height
    plotext.plot_size(width, height)
    plotext.plot(range(len(seconds)), seconds, marker=PATH)
    if targets:
        plotext.plot(*zip(*targets, strict=True), marker=TARGET)
    for at, (objective, each) in enumerate(zip(objectives, seconds, strict=True)):
        plotext.scatter([at], [each], marker=MISSED if objective.met == "NO" else MET)
    highest = max([*seconds, *(target for _, target in targets), 1])
    ticks = list(range(0, highest + _step(highest), _step(highest)))
    plotext.ylim(0, ticks[-1])
    plotext.yticks(ticks, [clock(each) for each in ticks])
    dated = range(0, len(points), max(len(points) * CELLS_A_DATE // width, 1))
    plotext.xticks(list(dated), [_date(points[at][0]) for at in dated])
    yield from (_styled(line.rstrip()) for line in plotext.uncolorize(plotext.build()).rstrip("\n").split("\n"))


def _step(highest: int) -> int:
    """Seconds from one tick to the next."""
    return next((step for step in STEPS if highest / step <= FEW_STEPS), highest // FEW_STEPS + 1)


def _date(run: RecordedRun) -> str:
    return f"{run.started_at:%Y-%m-%d}" if run.started_at else "no date"
