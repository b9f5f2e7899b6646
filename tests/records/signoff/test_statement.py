"""The text that a signer agrees to says what they decide, of which record, and nothing of when or where."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runbook.records.log.row import row_of
from runbook.records.log.testlog import FIRST, Domain, Row, sealed
from runbook.records.signoff.statement import Said, statement

SAID = Said("SIGNED", "Sam Example", "auditor")


@pytest.fixture
def row(calm: dict[str, Any]) -> Row:
    return sealed(
        row_of(calm, evidence_path="training/x", evidence_digest="sha256:" + "ab" * 32), FIRST, Domain.TRAINING
    )


def test_it_names_who_decides_what_of_which_record(row: Row) -> None:
    assert statement(SAID, [row]) == (
        "Restoration Runbook, statement of a sign-off, version 1\n"
        "\n"
        "The signer has read the report of this run, and accepts its record as it stands below.\n"
        "\n"
        "decision: SIGNED\n"
        "signer: Sam Example\n"
        "role: auditor\n"
        "run: training-20270115T100000Z-7f3a\n"
        "mode: TRAINING in PRACTICE, providers LOOPBACK\n"
        f"time: {row['started_at']} to {row['ended_at']}\n"
        "operator: Pat Example\n"
        "outcome: PASS, open findings 0, exceptions 0\n"
        f"evidence: training/x sha256:{'ab' * 32}\n"
        f"row: training-20270115T100000Z-7f3a {row['row_hash']}\n"
    )


@pytest.mark.parametrize("changed", ["name", "role", "because", "decision"])
def test_every_word_of_the_signer_changes_it(row: Row, changed: str) -> None:
    other = replace(SAID, **{changed: "DECLINED" if changed == "decision" else "something else"})
    assert statement(other, [row]) != statement(SAID, [row])


def test_every_row_that_follows_changes_it(row: Row) -> None:
    later = sealed({**row, "run_id": f"{row['run_id']}.amendment-1"}, row["row_hash"], Domain.TRAINING)
    said = statement(SAID, [row, later])
    assert said.startswith(statement(SAID, [row]))
    assert said.endswith(f"row: {row['run_id']}.amendment-1 {later['row_hash']}\n")
