"""report.html: the same as report.md, and a page that loads nothing, runs nothing and believes nobody."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from runbook.records.journal import read
from runbook.records.report import rendering
from runbook.records.report.composing import composed
from tests.records.real_runs import drill, recovery
from tests.records.report.pages import Page
from tests.records.story import document_of

CODE = "K7QM-4T9X"


def test_the_text_of_a_calm_drill(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    assert "\n".join(Page(rendering.html(drill(tmp_path), CODE)).lines) == snapshot


def test_the_page_of_a_calm_drill(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    assert rendering.html(drill(tmp_path), CODE) == snapshot


@pytest.mark.parametrize("made", [drill, recovery])
def test_page_and_text_have_the_same_headings_and_figures(made: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    document = made(tmp_path)
    page, text = Page(rendering.html(document, CODE)), rendering.markdown(document, CODE)
    assert page.headings == re.findall("^## (.*)$", text, re.MULTILINE)
    for section in composed(document, CODE).sections:
        for block in section.blocks:
            for pair in getattr(block, "pairs", ()):
                assert " ".join(str(pair[1]).split()) in page.lines


@pytest.mark.parametrize("length", range(1, 33, 8))
def test_any_unfinished_run_has_a_page(tmp_path: Path, length: int, calm: dict[str, Any]) -> None:
    page = Page(rendering.html(document_of(read(tmp_path / "calm" / "journal.jsonl")[:length])))
    assert any(line.startswith("NOT ENDED: ") for line in page.lines)


# -- the first page -----------------------------------------------------------------------------------------------
def test_the_first_section_answers_what_an_assessor_asks_first(tmp_path: Path) -> None:
    lines = Page(rendering.html(drill(tmp_path, targets={"rto_s": 3600, "rpo_s": 60}), CODE)).lines
    first = "\n".join(lines[: lines.index("## Scope and objectives")])
    for said in (
        "Restoration drill, Clinic: PASS",
        "2027-01-15 10:00:00Z; ended: 2027-01-15 10:00:48Z",
        "Pat Example, CTO",
        "Sam Example, auditor",
        "2 h 0 min old at the start; made 2027-01-15 08:00:00Z; s3://practice-vault-backups/vault/2027-01-15.snap",
        "45 min 0 s old at the start; made 2027-01-15 09:15:00Z; rds:clinic-2027-01-15",
        "PASS: The application boots",
        "PASS: It is connected to the restored database",
        "PASS: It decrypts the sample record with the recovered keys",
        "39 s; target 1 h 0 min, met: YES",
        "1 h 0 min; target 1 min 0 s, met: NO",
        "## Signatures",
        f"Witness code: {CODE}.",
    ):
        assert said in first, said


def test_references_are_what_it_is_filed_under_and_nothing_more(tmp_path: Path) -> None:
    lines = Page(rendering.html(drill(tmp_path))).lines
    assert lines[lines.index("filed under") + 1] == "DSPT 7.2.1; 7.3.4"
    assert not re.search("compl(y|ies|iant)", "\n".join(lines), re.IGNORECASE)


# -- what it may do -----------------------------------------------------------------------------------------------
def test_it_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    html = rendering.html(drill(tmp_path), CODE)
    page = Page(html)
    assert page.named("meta")[1] == {
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    }
    assert {tag for tag, _ in page.elements} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "a",
        "form",
    } == set()
    attributes = {name: value for _, given in page.elements for name, value in given.items()}
    assert [name for name in attributes if name in {"src", "href", "style"} or name.startswith("on")] == []
    style = html[html.index("<style>") : html.index("</style>")]
    assert re.findall(r"url\((?!#)|@import|https?:", style) == []


def test_every_state_is_told_without_colour() -> None:
    """Greys only: what a pattern or a frame says, a word says too."""
    style = rendering.html({})
    colours = re.findall(r"#([0-9a-f]{3}|[0-9a-f]{6})\b", style[style.index("<style>") : style.index("</style>")])
    assert colours
    assert [colour for colour in colours if len(set(colour)) > 1] == []


# -- hostile text -------------------------------------------------------------------------------------------------
def _planted(value: Any, plant: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _planted(item, plant) for name, item in value.items()}
    if isinstance(value, list):
        return [_planted(item, plant) for item in value]
    return plant(value) if isinstance(value, str) else value


class Planter:
    """`<b id=x>` behind each leaf of its turn: those in between still steer the report into its corners."""

    def __init__(self, turn: int, turns: int) -> None:
        self._turn, self._turns, self.seen, self.planted = turn, turns, 0, 0

    def __call__(self, leaf: str) -> str:
        self.seen += 1
        if self.seen % self._turns != self._turn:
            return leaf
        self.planted += 1
        return f"{leaf}<b id=x>\"'></style></title><script>"


def _full(folder: Path) -> dict[str, Any]:
    """A drill in which everything that a report can tell has happened."""
    said = {"at": "2027-01-15T10:00:12Z", "text": "t", "why": "w", "who": "p"}
    return drill(folder) | {
        "exceptions": [
            said | {"what": "vault.backup", "accepted": True, "second": "s", "void": True},
            said | {"what": "x"},
        ],
        "findings": [{"text": "t", "severity": "major", "owner": "o", "due": "d", "status": "OPEN"}],
        "remaining": [
            {"kind": "k", "name": "n", "created_at": "2027-01-15T10:00:12Z", "by_hand": "b", "hourly_cost": "c"}
        ],
        "pauses": [said | {"pause": "suspended", "observed": "o"}],
        "handovers": [said | {"by": "b", "host": "h", "gap_s": 3}],
        "refusals": ["because"],
        "announced": [said | {"step": "s", "operation": "o", "target": "t"}],
        "aborted": "because",
        "class": "LOSS",
    }


@pytest.mark.parametrize("turn", range(6))
def test_no_text_of_the_record_becomes_markup(tmp_path: Path, turn: int) -> None:
    plant = Planter(turn, 6) if turn else Planter(0, 1)
    document = _planted(_full(tmp_path), plant)
    html = rendering.html(document, CODE)
    page = Page(html)
    assert plant.planted > 30
    assert "&lt;b id=x&gt;" in html
    assert [given for _, given in page.elements if given.get("id") == "x"] == []
    assert page.named("script") == []
    assert [tag for tag, _ in page.elements].count("style") == 1
    assert page.lines[-1].startswith("drill-2027"), "it is read to its end"


@pytest.mark.parametrize(
    "text", ["{{7*7}}{% if %}", "\x1b[31mred\x00", "\u202egpj.exe", "W" * 300, "long " * 2000, "مرحبا", "\u2028\n\r"]
)
def test_odd_text_stands_in_it_as_text(tmp_path: Path, text: str) -> None:
    html = rendering.html(drill(tmp_path) | {"scenario": f"before {text} after"}, CODE)
    shown = next(line for line in Page(html).lines if line.startswith("before"))
    assert shown.endswith("after")
    assert [character for character in shown if not character.isprintable()] == []
    if "{" in text:
        assert text in shown


@pytest.mark.parametrize("run_id", ['x"; } body { display: none', "x</style><script>", "x\\", "\n"])
def test_a_run_id_cannot_leave_the_foot_of_the_page(tmp_path: Path, run_id: str) -> None:
    html = rendering.html(drill(tmp_path) | {"run_id": run_id})
    (foot,) = re.findall(r'@bottom-left \{ content: "([^"]*)";', html)
    assert re.fullmatch("[A-Za-z0-9-]*", foot)
