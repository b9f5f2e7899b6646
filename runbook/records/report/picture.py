"""The timeline as a drawing: where everything lies, in the units of its view box (720 wide); the template paints it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from runbook.records.evidence.summary import duration
from runbook.records.report.words import PASSED, Document, day, when

WIDTH = 720
LEFT, RIGHT = 150.0, 580.0  # the axis, between the names of the stages and what they took
TOP, ROW, BAR = 26.0, 26.0, 14.0
LONGEST_NAME, LONGEST_SAID = 24, 24  # characters that fit beside the axis; the table has the whole
MOST_TICKS = 7
_SMALLEST = 1.5  # a bar of no length is still seen
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_HELD = PASSED | {"NOT_NEEDED"}
_PARTS = ("machine", "people", "nobody")
_LEGEND: Mapping[str, str] = {
    "machine": "machines at work",
    "people": "waiting for people",
    "nobody": "nobody there",
    "closing": "closing: cleanup and record",
    "opened": "checkpoint opened",
    "held": "checkpoint asked for, not opened",
    "failed": "a step did not pass",
    "paused": "the run stood still",
    "handed": "the run was gone on with",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: `machine`, `people` or `nobody`, `closing` for what came after the stages."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on a row: `opened`, `held`, `failed`, `paused`, `handed`."""

    kind: str
    x: float


@dataclass(frozen=True, slots=True)
class Row:
    """One stage, its middle at `y`."""

    name: str
    said: str
    y: float
    parts: Sequence[Part]
    marks: Sequence[Mark]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of what is drawn in it."""
        return (*(part.kind for part in self.parts), *(mark.kind for mark in self.marks))


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it."""

    rows: Sequence[Row]
    ticks: Sequence[tuple[float, str]]
    begin: str
    end: str
    bottom: float
    """Where the axis ends."""
    legend: Sequence[tuple[str, str]]
    """Kind and words of what is in the picture."""

    @property
    def height(self) -> float:
        """With the times below the axis."""
        return self.bottom + 20


@dataclass(frozen=True, slots=True)
class _Axis:
    start: datetime
    seconds: float

    def at(self, when: datetime) -> float:
        """The place of a moment, kept on the axis."""
        share = (when - self.start).total_seconds() / self.seconds
        return round(LEFT + min(max(share, 0.0), 1.0) * (RIGHT - LEFT), 1)


def drawn(document: Document) -> Drawing | None:
    """None of a run that never got anywhere."""
    start, times = when(document["started_at"]), list(moments(document))
    if start is None or not times:
        return None
    end = max(times)
    axis = _Axis(start, max((end - start).total_seconds(), 1.0))
    rows = list(_rows(document, axis))
    kinds = {kind for row in rows for kind in row.kinds}
    legend = [(kind, words) for kind, words in _LEGEND.items() if kind in kinds]
    return Drawing(rows, _ticks(axis), day(start), day(end), TOP + len(rows) * ROW, legend)


def moments(document: Document) -> Iterator[datetime]:
    """Every time that says how long it went on."""
    told = [document["ended_at"], *(step["at"] for step in document["steps"])]
    told += [stage[name] for stage in document["stages"] for name in ("entered_at", "left_at")]
    yield from _known(told)


def _known(texts: Iterable[str | None]) -> Iterator[datetime]:
    yield from (at for at in map(when, texts) if at)


def _rows(document: Document, axis: _Axis) -> Iterator[Row]:
    stages = document["stages"]
    for place, stage in enumerate(stages):
        said = f"{stage['result']}, {duration(stage['seconds'])}" if stage["entered_at"] else stage["result"]
        marks = [*_decided(document, stage, axis), *_failed(document, stage["id"], axis)]
        name, said = _short(f"{stage['number']} {stage['title']}", LONGEST_NAME), _short(said, LONGEST_SAID)
        yield Row(name, said, _middle(place), _parts(stage, axis), marks)
    place = len(stages)
    if closing := _closing(document, axis):
        yield Row("Closing", duration(closing[1]), _middle(place), (closing[0],), ())
        place += 1
    if marks := list(_interrupted(document, axis)):
        yield Row("Interrupted", f"{len(marks)} time{'s' * (len(marks) != 1)}", _middle(place), (), marks)


def _middle(place: int) -> float:
    return TOP + place * ROW + ROW / 2


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _parts(stage: Document, axis: _Axis) -> Sequence[Part]:
    """How long each had, side by side in the bar: not when, which the record does not hold."""
    entered, left = when(stage["entered_at"]), when(stage["left_at"])
    if not (entered and left):
        return ()
    at, width = axis.at(entered), max(axis.at(left) - axis.at(entered), _SMALLEST)
    spent = [stage[name] for name in ("machine_s", "human_s", "waiting_s")]
    shares = [each / sum(spent) for each in spent] if sum(spent) else [1.0, 0.0, 0.0]
    parts = []
    for kind, share in zip(_PARTS, shares, strict=True):
        if share:
            parts.append(Part(kind, round(at, 1), round(width * share, 1)))
            at += width * share
    return parts


def _decided(document: Document, stage: Document, axis: _Axis) -> Iterator[Mark]:
    """It opens some time after it was told to: the layers are looked at once more before."""
    asked = (each for each in document["answers"] if each["question"] == "checkpoint" and each["stage"] == stage["id"])
    held = (each["at"] for each in asked if each["answer"] != "open")
    yield from (Mark("held", axis.at(at)) for at in _known(held))
    if stage["result"] in PASSED and (left := when(stage["left_at"])):
        yield Mark("opened", axis.at(left))


def _failed(document: Document, stage: str, axis: _Axis) -> Iterator[Mark]:
    fallen = (step["at"] for step in document["steps"] if step["stage"] == stage and step["verdict"] not in _HELD)
    yield from (Mark("failed", axis.at(at)) for at in _known(fallen))


def _closing(document: Document, axis: _Axis) -> tuple[Part, int] | None:
    """What was done after the stages, mostly the cleanup, and for how many seconds."""
    stages = {stage["id"] for stage in document["stages"]}
    times = list(_known(step["at"] for step in document["steps"] if step["stage"] not in stages))
    if not times:
        return None
    left = _known(stage["left_at"] for stage in document["stages"])
    begin = max((each for each in left if each <= min(times)), default=min(times))
    end = max(*times, when(document["ended_at"]) or begin, begin)
    width = max(axis.at(end) - axis.at(begin), _SMALLEST)
    return Part("closing", axis.at(begin), round(width, 1)), round((end - begin).total_seconds())


def _interrupted(document: Document, axis: _Axis) -> Iterator[Mark]:
    for kind, name in (("paused", "pauses"), ("handed", "handovers")):
        yield from (Mark(kind, axis.at(at)) for at in _known(each["at"] for each in document[name]))


def _ticks(axis: _Axis) -> Sequence[tuple[float, str]]:
    """Round times after the start, at most `MOST_TICKS`, as `5 min`; the start itself is 0."""
    step = next((each for each in _STEPS if axis.seconds / each <= MOST_TICKS), None)
    step = step or int(axis.seconds / MOST_TICKS / 86400 + 1) * 86400
    places = range(0, int(axis.seconds) + 1, step)
    reach = RIGHT - LEFT
    return [(round(LEFT + at / axis.seconds * reach, 1), _spoken(at)) for at in places]


_UNITS: Mapping[int, str] = {86400: "d", 3600: "h", 60: "min"}


def _spoken(seconds: int) -> str:
    """`90 s`, `1 min`, `1 h 30 min`: no zeros."""
    if seconds < 60:
        return f"{seconds} s" if seconds else "0"
    words = []
    for unit, name in _UNITS.items():
        count, seconds = divmod(seconds, unit)
        if count:
            words.append(f"{count} {name}")
    return " ".join(words)
