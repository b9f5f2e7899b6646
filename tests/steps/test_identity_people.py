"""What no API can show: the people, the old systems, and what is kept before anything is deleted."""

from __future__ import annotations

import pytest

from runbook.engine.run import Run
from runbook.engine.verdict import Verdict
from tests.support.practice import DECLARED, Practice


async def recovered(practice: Practice) -> Run:
    return await practice.conductor().declare({**DECLARED, "mode": "recovery"})


@pytest.mark.parametrize("step", ["identity.preserve", "identity.fence"])
async def test_what_only_a_recovery_needs_is_not_needed_elsewhere(practice: Practice, step: str) -> None:
    run = await practice.walk()
    last = run.last(step)
    assert last is not None
    assert last.verdict is Verdict.NOT_NEEDED
    assert "this is training" in last.observed


async def test_a_recovery_keeps_the_newest_automated_snapshot_and_never_cleans_it_up(practice: Practice) -> None:
    run = await recovered(practice)
    (name,) = practice.world.databases.kept
    assert name == "kept-training-20270115t100000z-0001-clinic-production-2027-01-15-08-50"
    assert all(entry.id != name for entry in run.ledger)
    assert len(practice.done("rds:CopyDBSnapshot")) == 1


async def test_a_recovery_asks_for_the_old_systems(practice: Practice) -> None:
    run = await recovered(practice)
    last = run.last("identity.fence")
    assert last is not None
    assert last.verdict is Verdict.ATTESTED


@pytest.mark.parametrize(
    ("stated", "finding"),
    [
        ("list printed 2027-01-02, three custodians reached", None),
        (
            "list printed 2026-03-01, three custodians reached",
            "the contact list was printed 320 d 10 h ago: print it anew",
        ),
        ("it is here, I called them", "the contact list's print date was not stated"),
        ("printed 2026-13-45", "the contact list's print date was not stated"),
    ],
)
async def test_the_age_of_the_contact_list_is_a_finding_and_closes_nothing(
    practice: Practice, stated: str, finding: str | None
) -> None:
    run = await practice.walk(practice.operator({"attest identity.contacts": [stated]}))
    assert [each.text for each in run.findings] == ([finding] if finding else [])
    assert run.outcome == ("PASS_WITH_ISSUES" if finding else "PASS")


async def test_people_who_are_not_there_leave_the_stage_shut(practice: Practice) -> None:
    run = await practice.walk(practice.operator({"attest identity.contacts": [""]}))
    last = run.last("identity.contacts")
    assert last is not None
    assert last.verdict is Verdict.INCONCLUSIVE
    assert "identity" not in run.opened


async def test_a_tool_that_needs_what_it_restores_says_so(practice: Practice) -> None:
    vault = practice.environment.vault.model_copy(update={"address": "https://app.clinic.test:8200"})
    practice.environment = practice.environment.model_copy(update={"vault": vault})
    run = await practice.walk()
    last = run.last("identity.tool")
    assert last is not None
    assert last.verdict is Verdict.FAIL
    assert "app.clinic.test only answers once stage 5 is done" in last.observed
