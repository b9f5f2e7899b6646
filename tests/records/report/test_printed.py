"""On paper: headless Chromium prints the page, and what is on each sheet is read back."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runbook.records.report import rendering
from tests.records.real_runs import drill

A4 = (595, 842)  # points
MARGIN = 40  # points: 15 mm, and a little for rounding
CHROMIUM, READER = shutil.which("chromium"), shutil.which("pdftotext")
OFFLINE = ("--disable-background-networking", "--no-first-run", "--no-pdf-header-footer", "--disable-gpu")

pytestmark = [
    pytest.mark.scenarios,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to print with"),
    pytest.mark.skipif(READER is None, reason="there is no pdftotext to read with"),
]


def printed(folder: Path, document: dict[str, Any]) -> Path:
    """The PDF of its page."""
    page, pdf = folder / "report.html", folder / "report.pdf"
    page.write_text(rendering.html(document, "K7QM-4T9X"), encoding="utf-8")
    own = f"--user-data-dir={folder / 'profile'}"
    command = [str(CHROMIUM), "--headless", "--no-sandbox", *OFFLINE, own, f"--print-to-pdf={pdf}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return pdf


def read(pdf: Path, how: str) -> str:
    return subprocess.run([str(READER), how, pdf, "-"], check=True, capture_output=True, text=True).stdout


def sheets(pdf: Path) -> list[str]:
    return [" ".join(sheet.split()) for sheet in read(pdf, "-layout").split("\f")[:-1]]


def outside_the_margins(pdf: Path) -> list[str]:
    words = re.findall(r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)<', read(pdf, "-bbox"))
    assert len(words) > 200
    right, bottom = A4[0] - MARGIN, A4[1] - 20
    return [word for x0, _, x1, y1, word in words if float(x0) < MARGIN or float(x1) > right or float(y1) > bottom]


def test_the_first_sheet_answers_and_nothing_is_cut_off(tmp_path: Path) -> None:
    document = drill(tmp_path, targets={"rto_s": 3600, "rpo_s": 86400})
    pdf = printed(tmp_path, document)
    first, *rest = sheets(pdf)
    for said in (
        "Restoration drill, Clinic: PASS",
        "Pat Example, CTO",
        "Sam Example, auditor",
        "2 h 0 min old at the start",
        "45 min 0 s old at the start",
        "PASS: The application boots",
        "PASS: It is connected to the restored database",
        "PASS: It decrypts the sample record with the recovered keys",
        "39 s; target 1 h 0 min, met: YES",
        "Witness code: K7QM-4T9X",
        f"page 1 of {len(rest) + 1}",
        document["run_id"],
    ):
        assert said in first, said
    assert rest
    assert [number for number, sheet in enumerate(rest, start=2) if f"page {number} of" not in sheet] == []
    assert outside_the_margins(pdf) == []


def test_words_without_an_end_are_wrapped_and_not_cut_off(tmp_path: Path) -> None:
    endless, long = "W" * 300, "word " * 2000
    document = drill(tmp_path)
    steps = [step | {"observed": long, "source": endless, "expected": endless} for step in document["steps"][:3]]
    created = [each | {"id": endless, "kind": endless} for each in document["created"]]
    people = {"operator": {"name": endless, "role": endless}, "platform": endless, "outcome": endless}
    pdf = printed(tmp_path, document | people | {"steps": steps, "created": created, "scenario": endless})
    assert outside_the_margins(pdf) == []
    assert "".join(sheets(pdf)).count("word") >= 3 * 2000
