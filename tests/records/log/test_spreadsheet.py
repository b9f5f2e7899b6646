"""A log that LibreOffice opened and saved: nothing was evaluated, and every row is still what was written."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runbook.records.log.row import row_of
from runbook.records.log.testlog import COLUMNS, Domain, Row, line
from runbook.records.log.verdicts import LogVerdict
from runbook.records.log.verifying import verify
from tests.records.log.twelve import HEADER, Log, chained, twelve
from tests.records.real_runs import DIGEST, drill

pytestmark = pytest.mark.scenarios

TYPED = ("operator_name", "scenario", "summary", "dpia_ref")
PRINTABLE = """\
=HYPERLINK("http://x.test","y")|=1+1|@SUM(1,1)|+441234567890|-1+1|'=1+1|'|"quoted"|\uff1d1+1|\uff0b1|\uff0d1|\uff20x
00123|012345678901|1e5|3.10|3600.50|1,000|12345678901234567890|-0|5.|.5|(5)|5%|5 %|£5|0x10|1_000|7.2.1|1 000|3 1/2|4/2+1
1/2|2026-01-15|15/01/2026|1.2.2026|1-2|12-Jan|5-may-2026|Jan-26|10:30|1:2:3|2026-01-15T10:00|31/12/99|12 Jan|Jan 2026
2026-01-15 10:00|12 pm|4 of 5|true|FALSE|May|#N/A|NaN|2027-Q1|2026-01-15T10:00:00Z|-5|0|3600|DPIA-12"""
ODD = (
    "\t=1+1",
    "\r=1+1",
    "two\nlines",
    "\ud800=1",
    " =1+1",
    "a,b;c\td",
    "\xa0=1",
    "\0=1",
    "123 ",
    " 123",
    "\uff11\uff12",
    "\xe9 \u65e5",
)
CELLS = (*ODD, *PRINTABLE.replace("\n", "|").split("|"))

UTF8 = "CSV:44,34,76,1,,{language},{text},{special}"
MINIMAL = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"
QUOTE_ALL = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false"


@dataclass(frozen=True)
class _Way:
    """How it is opened (empty: as the program does by itself), and how it is saved."""

    name: str
    opened: str
    saved: str = MINIMAL


WAYS = (
    _Way("as UTF-8", UTF8.format(language=0, text="false", special="false")),
    _Way("as UTF-8, all quoted", UTF8.format(language=0, text="false", special="false"), QUOTE_ALL),
    _Way("with special numbers, British", UTF8.format(language=2057, text="false", special="true")),
    _Way("with special numbers, American", UTF8.format(language=1033, text="false", special="true"), QUOTE_ALL),
    _Way("with special numbers, German", UTF8.format(language=1031, text="false", special="true")),
    _Way("quoted fields as text", UTF8.format(language=0, text="true", special="false"), QUOTE_ALL),
)


class _Office:
    """LibreOffice with a profile of its own."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("soffice")
        if program is None:
            pytest.skip("LibreOffice is not installed")
        self._folder = folder
        self._command = [program, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--norestore"]

    def saved(self, content: bytes, way: _Way) -> bytes:
        """The log as the program saves it after it opened it."""
        there, out = self._folder / "restoration-test-log.csv", self._folder / "saved"
        there.write_bytes(content)
        opened = [f"--infilter={way.opened}"] if way.opened else []
        command = [*self._command, *opened, "--convert-to", way.saved, "--outdir", str(out), str(there)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert (out / there.name).exists(), done.stderr
        return (out / there.name).read_bytes()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> _Office:
    return _Office(tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="module")
def twelve_rows(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return twelve(tmp_path_factory.mktemp("twelve"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """A row for each of the cells, which stands in every typed field of it."""
    return Log(chained(_hostile(drill(tmp_path_factory.mktemp("hostile")))))


def _hostile(document: dict[str, Any]) -> Iterator[Row]:
    for number, cell in enumerate(CELLS):
        run_id = f"drill-{number}"
        run = row_of({**document, "run_id": run_id}, evidence_path=f"evidence/{run_id}", evidence_digest=DIGEST)
        yield {**run, **dict.fromkeys(TYPED, cell)}


def _altered(log: Log, saved: bytes) -> list[str]:
    """The cells that are not what was written."""
    rows = verify(saved, Domain.TEST).rows
    pairs = ((before, after, name) for before, after in zip(log.rows, rows, strict=True) for name in COLUMNS)
    return [f"{name}: {one[name]!r} became {other[name]!r}" for one, other, name in pairs if one[name] != other[name]]


@pytest.mark.parametrize("saved", [MINIMAL, QUOTE_ALL], ids=["as it does by itself", "all quoted"])
def test_the_log_is_re_encoded_and_all_of_it_is_there(office: _Office, twelve_rows: Log, saved: str) -> None:
    content = office.saved(twelve_rows.content, _Way("by itself", "", saved))
    judged = verify(content, Domain.TEST)
    assert content != twelve_rows.content
    assert (judged.verdict, judged.rows) == (LogVerdict.RE_ENCODED, twelve_rows.rows)


@pytest.mark.parametrize("way", WAYS, ids=[way.name for way in WAYS])
def test_no_cell_is_evaluated_or_changed(office: _Office, hostile: Log, way: _Way) -> None:
    assert len(hostile.content.splitlines()) == len(CELLS) + 1, "one physical line a record"
    content = office.saved(hostile.content, way)
    assert _altered(hostile, content) == []
    assert verify(content, Domain.TEST).verdict is LogVerdict.RE_ENCODED


def test_a_cell_that_is_not_made_safe_would_be_changed(office: _Office, hostile: Log) -> None:
    bare = {**hostile.rows[0], "scenario": "=1+1", "summary": "00123"}
    content = office.saved(HEADER + line(bare), WAYS[0])
    assert b",2," in content
    assert b",123," in content
    assert verify(content, Domain.TEST).verdict is LogVerdict.ROW_ALTERED
