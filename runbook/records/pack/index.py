"""The first page of a year's evidence: as Markdown, and as a page that loads nothing and can be printed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from runbook.records.audit.anchors import short
from runbook.records.evidence.sealing import SUMS
from runbook.records.history.answers import answer, last_success, signed
from runbook.records.history.days import day_of_year, minute
from runbook.records.history.reading import Log
from runbook.records.history.words import figure
from runbook.records.log.folding import Told
from runbook.records.log.testlog import Row
from runbook.records.report.markdown import inert
from runbook.safety.outside_text import outside_text
from runbook.views import HistoryView, QuarterLine, RecordedRun

NO_TEST: Final = "No restoration test is recorded in {year}."
WORDS: Final = {"NOT_TESTED": "NOT TESTED"}


@dataclass(frozen=True, slots=True)
class Line:
    """One run.  `evidence`: its folder, "" where nothing of it is here; `wrong`: with its rows or its evidence."""

    run: RecordedRun
    evidence: str
    page: bool  # whether its report.html is here
    further: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def day(self) -> str:
        """When it was started."""
        return minute(self.run.started_at) if self.run.started_at else "at a time not known"

    @property
    def kind(self) -> str:
        """A row of a stand-in is never mistaken for one of the platform."""
        return self.run.mode if self.run.providers == "REAL" else f"{self.run.mode} at stand-ins, no restoration test"

    @property
    def rto(self) -> str:
        """With its target."""
        return figure(self.run.rto)

    @property
    def rpo(self) -> str:
        """With its target."""
        return figure(self.run.rpo)

    @property
    def people(self) -> str:
        """Who did it, who watched, who accepted the record."""
        return f"by {self.run.operator}, watched by {self.run.witness or 'nobody'}; {signed(self.run)}"


@dataclass(frozen=True, slots=True)
class Page:
    """What the first page says."""

    year: int
    log: Log
    view: HistoryView
    lines: tuple[Line, ...]
    refs: tuple[str, ...]
    now: datetime
    troubles: tuple[str, ...]  # of the log as a whole, and what could not be read

    @property
    def as_of(self) -> str:
        """On which day it was made, where that changes what it says: a year that is over no longer does."""
        return day_of_year(self.now) if self.now.year == self.year else ""

    @property
    def quarters(self) -> tuple[QuarterLine, ...]:
        """That year's."""
        return tuple(each for each in self.view.quarters if each.name.startswith(f"{self.year}-"))

    @property
    def of_the_year(self) -> str:
        """The answer for that year, where it is another one than the answer."""
        own = last_success(line.run for line in self.lines if not line.run.damaged)
        if own == self.view.last_success:
            return ""
        return f"In {self.year}. {answer(own)}" if own else f"In {self.year} no backup of the platform was restored."

    @property
    def tested(self) -> bool:
        """Whether a drill at the real providers came to a verdict in that year."""
        return any(line.run.quarterly for line in self.lines)

    @property
    def begins(self) -> str:
        """The day of the record's first run."""
        started = [run.started_at for run in self.view.runs if run.started_at]
        return day_of_year(min(started)) if started else ""

    @property
    def elsewhere(self) -> str:
        """Rows whose evidence is of another year, as `1-4, 9`."""
        return _ranges(number for number, row in self.log.rows if not is_of(row, self.year))

    @property
    def head(self) -> str:
        """For paper."""
        return short(self.log.checked.rows, self.log.checked.head)


def is_of(row: Row, year: int) -> bool:
    """By when its run was started, UTC."""
    return row["started_at"].startswith(f"{year:04}-")


def _ranges(numbers: Iterable[int]) -> str:
    found = list[list[int]]()
    for number in numbers:
        if found and found[-1][-1] == number - 1:
            found[-1][1:] = [number]
        else:
            found.append([number])
    return ", ".join("-".join(map(str, each)) for each in found)


def refs_of(runs: Iterable[Told]) -> tuple[str, ...]:
    """What the organisation files these runs under, in the order in which it is said."""
    said = (ref.strip() for told in runs for ref in told.run["evidence_refs"].split(";"))
    return tuple(dict.fromkeys(outside_text(ref, 80) for ref in said if ref))


def line_of(told: Told, run: RecordedRun, packed: Collection[str], wrong: Iterable[str]) -> Line:
    """`packed`: names of what is in the pack."""
    folder = told.run["evidence_path"]
    there = tuple(
        each["evidence_path"] for each in (told.run, *told.further) if f"{each['evidence_path']}/{SUMS}" in packed
    )
    return Line(
        run=run,
        evidence=folder if folder in there else "",
        page=f"{folder}/report.html" in packed,
        further=tuple(each for each in there if each != folder),
        wrong=tuple(outside_text(each, 500) for each in wrong),
    )


def markdown(page: Page) -> str:
    """To be read as plain text too."""
    return _rendered("index.md.j2", page)


def html(page: Page) -> str:
    """Self-contained: everything that it names is beside it."""
    return _rendered("index.html.j2", page)


def _rendered(name: str, page: Page) -> str:
    environment = Environment(
        loader=PackageLoader("runbook.records.pack", "templates"),
        autoescape=select_autoescape(disabled_extensions=["md.j2"], default=True),  # Markdown is made inert
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inert"] = inert
    words = {"no_test": NO_TEST.format(year=page.year), "states": WORDS}
    return environment.get_template(name).render(page=page, **words).rstrip() + "\n"
