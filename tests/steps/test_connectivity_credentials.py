"""After a compromise: what is older than the incident, stated before the doors open."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.engine.run import Run
from steps.connectivity import credentials
from tests.support.practice import DECLARED, Practice
from tests.support.standing import Standing


async def recovered(practice: Practice, said: str = "", **declared: Any) -> Run:
    script = {"attest connectivity.credentials": [said]} if said else {}
    conductor = practice.conductor(practice.operator(script))
    return await conductor.declare({**DECLARED, "mode": "recovery", **declared})


async def test_a_drill_has_nothing_to_distrust(practice: Practice) -> None:
    run = await practice.walk()
    last = run.last("connectivity.credentials")
    assert last is not None
    assert last.verdict == "NOT_NEEDED"
    assert last.observed == "only a recovery from a compromise has credentials to distrust; this is training"


@pytest.mark.parametrize("declared", [{"class": "LOSS"}, {"class": "CORRUPTION"}])
async def test_a_loss_is_no_compromise(practice: Practice, declared: dict[str, Any]) -> None:
    run = await recovered(practice, **declared)
    last = run.last("connectivity.credentials")
    assert last is not None
    assert last.verdict == "NOT_NEEDED"
    assert "not as COMPROMISE" in last.observed


@pytest.mark.parametrize("declared", [{"class": "COMPROMISE"}, {}])
async def test_a_compromise_or_an_incident_without_a_class_is_asked_about_before_any_record(
    practice: Practice, declared: dict[str, Any]
) -> None:
    recorder = practice.recorder()
    operator = practice.operator()
    run = await practice.conductor(operator, recorder).declare({**DECLARED, "mode": "recovery", **declared})
    last = run.last("connectivity.credentials")
    assert last is not None
    assert last.verdict == "ATTESTED"
    (ask,) = operator.questions("attest connectivity.credentials")
    assert "rotated" in ask.statement
    assert "after the word 'except'" in ask.asks  # the word by which what was not is told: without it all were
    asked = [place for place, _ in operator.asked]
    assert asked.index("attest connectivity.credentials") < asked.index("confirm connectivity.records")


async def test_what_was_not_rotated_is_a_major_finding_each(practice: Practice) -> None:
    said = "all of them on 2027-01-14 except the GHCR pull token, the SMTP password."
    run = await recovered(practice, said, **{"class": "COMPROMISE"})
    assert [(finding.text, finding.severity) for finding in run.findings if "rotated" in finding.text] == [
        ("older than the incident and not rotated: the GHCR pull token", "major"),
        ("older than the incident and not rotated: the SMTP password", "major"),
    ]


async def test_what_is_not_stated_leaves_the_doors_shut(practice: Practice) -> None:
    run = await practice.conductor(practice.operator({"attest connectivity.credentials": [""]})).declare(
        {**DECLARED, "mode": "recovery", "class": "COMPROMISE"}
    )
    last = run.last("connectivity.credentials")
    assert last is not None
    assert last.verdict == "INCONCLUSIVE"
    assert practice.done("cloudflare:SetRecord") == []


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("everything", []),
        ("everything, except: the VPN key", ["the VPN key"]),
        ("Except a, b,, c .", ["a", "b", "c"]),
        ("rotated all; exceptions were not needed", []),
    ],
)
def test_exceptions_are_read_from_what_was_said(practice: Practice, said: str, named: list[str]) -> None:
    here = Standing(practice, "connectivity.credentials").here
    texts = [finding.text.rpartition(": ")[2] for finding in credentials.judged(here, said)]
    assert texts == named
