"""`runbook log verify [FILE]`: is the record what was written?  Offline, read-only, without a configuration."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator
from typing import Any

from runbook.commands.exits import ExitCode
from runbook.commands.log.place import to_read
from runbook.records.audit.anchors import given, short
from runbook.records.audit.checking import Checked, check
from runbook.records.audit.explaining import explanation
from runbook.records.log.testlog import Domain
from runbook.records.log.verdicts import LogVerdict, Problem
from runbook.safety.outside_text import outside_text

WIDTH = 80
SENTENCE = 500  # characters
NO_EVIDENCE = "This is a training log: it is no evidence of a restoration test."


def run(arguments: argparse.Namespace) -> int:
    """Print the verdict, in lines or as one JSON document."""
    anchors = [given(each) for each in arguments.anchor]
    place = to_read(arguments, arguments.file)
    checked = check(place.path, named=place.named, anchors=anchors, evidence=not arguments.log_only)
    if arguments.json:
        print(json.dumps(document(checked), indent=2))
    else:
        print("\n".join(told(checked)))
    return ExitCode.PASS if checked.sound else ExitCode.NOT_RECORDED


def document(checked: Checked) -> dict[str, Any]:
    """As JSON has it."""
    return {
        **identified(checked),
        "anchors": [{"rows": each.rows, "hash": each.digits, "source": each.source} for each in checked.anchors],
        "evidence": {
            "checked": not checked.evidence.why_not,
            "rows": checked.evidence.rows,
            "whole": checked.evidence.whole,
            "why_not": checked.evidence.why_not or None,
        },
        "problems": [_problem(each) for each in checked.problems],
        "explanation": explanation(checked),
    }


def identified(checked: Checked) -> dict[str, Any]:
    """Which log it is, and what was said of it."""
    return {
        "schema": 1,
        "log": checked.domain.name.lower(),
        "file": outside_text(checked.path, SENTENCE),
        "verdict": checked.verdict.value,
        "rows": checked.rows,
        "head": {"short": short(checked.rows, checked.head), "hash": outside_text(checked.head)},
    }


def _problem(problem: Problem) -> dict[str, Any]:
    sentence = outside_text(problem.sentence, SENTENCE)
    return {"verdict": problem.verdict.value, "row": problem.row, "column": problem.column, "sentence": sentence}


# -- for people ---------------------------------------------------------------------------------------------------
def told(checked: Checked) -> Iterator[str]:
    """Lines that fit a terminal of 80 columns, as far as paths and hashes do."""
    yield f"{checked.verdict}  {outside_text(checked.path, SENTENCE)}"
    yield ""
    if checked.domain is Domain.TRAINING:
        yield NO_EVIDENCE
    if checked.verdict is not LogVerdict.FILE_ABSENT:
        yield f"rows      {checked.rows}"
        yield f"head      {short(checked.rows, checked.head)}   (for paper)"
        yield f"          {outside_text(checked.head)}"
        yield f"evidence  {_evidence(checked)}"
    yield from _anchors(checked)
    if checked.problems:
        yield ""
        yield from (line for each in checked.problems for line in _lines(_named(each)))
    if paragraph := explanation(checked):
        yield ""
        yield from textwrap.wrap(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)


def _anchors(checked: Checked) -> Iterator[str]:
    for number, anchor in enumerate(checked.anchors):
        yield f"{'compared' if not number else '':<10}with {anchor} ({outside_text(anchor.source, WIDTH)})"
    if not checked.anchors:
        yield "compared  with no head that is kept elsewhere: whether the newest rows were"
        yield "          cut off, or all was written anew, cannot be said (--anchor)"


def _evidence(checked: Checked) -> str:
    tally = checked.evidence
    return f"not checked: {tally.why_not}" if tally.why_not else f"{tally.whole} of {tally.rows} there and unchanged"


def _named(problem: Problem) -> str:
    return f"{problem.verdict}: {outside_text(problem.sentence, SENTENCE)}"


def _lines(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
