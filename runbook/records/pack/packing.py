"""`runbook history --pack YEAR`: nothing but the record goes in, and nothing that is wrong with it is left unsaid."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from runbook.engine.errors import RecordFailed, WrongUse
from runbook.records import assessor
from runbook.records.audit.evidence_rows import root_of
from runbook.records.disk import Disk, stands
from runbook.records.evidence.sealing import SUMS
from runbook.records.history import reading
from runbook.records.history.rows import time_of
from runbook.records.log.folding import Told
from runbook.records.log.head import beside
from runbook.records.log.testlog import Domain
from runbook.records.log.verdicts import HARMLESS, LogVerdict
from runbook.records.pack import index
from runbook.records.pack.evidence import Evidence
from runbook.records.pack.sack import EARLIEST, Sack, new_file
from runbook.safety.outside_text import outside_text

TIMES: Final = ("ended_at", "cleanup_at", "signed_at")


@dataclass(frozen=True, slots=True)
class Packed:
    """What went in.  `said`: the record's verdict and the year's, in words; `troubles`: a sentence each."""

    files: int
    said: str
    troubles: tuple[str, ...]
    sound: bool


def pack(log: Path, target: Path, year: int, now: datetime, months: Collection[int], *, named: bool = False) -> Packed:
    """Write the pack; WrongUse where there can be none, RecordFailed where the log or the disk refuses.

    The same record gives the same file, but in the year itself, in which the index says as of which day it stands.
    """
    _refuse_target(target, log)
    disk = Disk()
    found = reading.read(log, named=named, evidence=True)
    _refuse_log(found)
    _refuse_year(found, year, now)
    with new_file(target, disk) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        sack = Sack(archive, f"restoration-evidence-{year}", disk)
        page = _page(found, sack, year, now, months)
        _papers(found, sack, page)
    wrong = [*page.troubles, *(each for line in page.lines for each in line.wrong)]
    runs = f"{len(page.lines)} run{'s' * (len(page.lines) != 1)} of {year}"
    said = f"{found.checked.verdict}; {runs}" + ("" if page.tested else f". {index.NO_TEST.format(year=year)}")
    return Packed(len(sack.sums), said, tuple(wrong), found.sound)


def _refuse_target(target: Path, log: Path) -> None:
    if stands(target):
        raise WrongUse(f"{outside_text(target)} is there already", fix="Name another file with -o, or remove it first.")
    if target.resolve().is_relative_to((log.parent / "evidence").resolve()):
        raise WrongUse(f"{outside_text(target)} lies among the sealed evidence", fix="Name a file somewhere else.")


def _refuse_log(log: reading.Log) -> None:
    checked = log.checked
    if not checked.path.name.isprintable():
        raise WrongUse(f"{outside_text(checked.path.name)} is no name for a pack", fix="Give the log a plain name.")
    if checked.domain is Domain.TRAINING:
        raise WrongUse("training is no evidence of a restoration test: it is not packed", fix="Leave --training out.")
    if checked.verdict is LogVerdict.FILE_ABSENT:
        raise RecordFailed(f"there is no log {outside_text(checked.path)}: nothing can be packed")
    if checked.evidence.why_not:
        raise WrongUse(f"nothing can be packed: {checked.evidence.why_not}", fix="Name the log beside its evidence.")


def _refuse_year(log: reading.Log, year: int, now: datetime) -> None:
    """One to come, unless a clock that was wrong put runs into it."""
    if year > now.year and not any(index.is_of(row, year) for _, row in log.rows):
        raise WrongUse(f"{year} has not begun", fix="Name a year that has.")


# -- what goes in -------------------------------------------------------------------------------------------------
def _page(log: reading.Log, sack: Sack, year: int, now: datetime, months: Collection[int]) -> index.Page:
    """Put the evidence in, and say what the index says of it."""
    view = reading.view(log, now, months)
    numbers, told = reading.numbered(log.rows)
    own = [each for each in told if index.is_of(each.run, year)]
    evidence = Evidence(root_of(log.checked.path, log.checked.domain), sack)
    unread = [sentence for each in own for sentence in evidence.put(each)]
    by_number = {run.number: run for run in view.runs}
    wrong = _wrong(log)
    lines = tuple(
        index.line_of(each, by_number[numbers[id(each.run)]], sack.sums, _of(each, numbers, wrong)) for each in own
    )
    told_of = {sentence for line in lines for sentence in line.wrong}
    troubles = [said for sentences in wrong.values() for said in sentences if said not in told_of]
    return index.Page(year, log, view, lines, index.refs_of(own), now, (*troubles, *map(outside_text, unread)))


def _wrong(log: reading.Log) -> Mapping[int | None, Sequence[str]]:
    """What is wrong, by the number of the row."""
    found = dict[int | None, list[str]]()
    for problem in log.checked.problems:
        if problem.verdict not in HARMLESS:
            found.setdefault(problem.row, []).append(outside_text(f"{problem.verdict}: {problem.sentence}"))
    return found


def _of(told: Told, numbers: Mapping[int, int], wrong: Mapping[int | None, Sequence[str]]) -> Iterator[str]:
    for row in (told.run, *told.further):
        yield from wrong.get(numbers[id(row)], ())


def _papers(log: reading.Log, sack: Sack, page: index.Page) -> None:
    """The log as it is, its head, what explains and verifies it, the index, and the sums over everything."""
    at = max((time for _, row in log.rows for name in TIMES if (time := time_of(row[name]))), default=EARLIEST)
    path = log.checked.path
    sack.file(path.name, path, at)
    if beside(path).is_file() and not beside(path).is_symlink():
        sack.file(beside(path).name, beside(path), at)
    made = {"index.html": index.html(page).encode("utf-8"), "index.md": index.markdown(page).encode("utf-8")}
    for name, content in {**assessor.files(), **made}.items():
        sack.text(name, content, at)
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(sack.sums.items()))
    sack.text(SUMS, sums.encode("utf-8"), at)
