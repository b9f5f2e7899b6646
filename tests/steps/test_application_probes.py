"""Requests that the operator named, and the erasures that only people know of."""

from __future__ import annotations

from typing import Any

import pytest

from runbook import config
from runbook.engine.verdict import Verdict
from steps.application.people import ERASURES
from tests.support.practice import DECLARED, Practice
from tests.support.stage4 import attempt, configure, through_stage_4, up_to_stage_4


def probing(practice: Practice, **more: Any) -> None:
    (known,) = practice.environment.application.probes
    configure(practice, probes=(known, config.Probe(**{**known.model_dump(), "name": "the other", **more})))


def health_of(practice: Practice) -> str:
    health = practice.environment.application.services[0].health
    assert health is not None
    return health.url


async def test_every_probe_is_asked_and_named(practice: Practice) -> None:
    run = await through_stage_4(practice)
    assert attempt(run, "application.probes").observed == "1 of 1 answered: appointments page"


async def test_a_probe_judges_fields_too(practice: Practice) -> None:
    probing(practice, url=health_of(practice), contains="", fields={"outbound": "off"})
    run = await through_stage_4(practice)
    assert attempt(run, "application.probes").observed == "2 of 2 answered: appointments page, the other"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"status": 204}, "HTTP 200 instead of 204"),
        ({"contains": "Fully booked."}, "the answer does not contain “Fully booked.”"),
        ({"fields": {"open": "yes"}}, "open is missing"),
    ],
)
async def test_what_is_not_as_configured_is_named(practice: Practice, more: dict[str, Any], said: str) -> None:
    probing(practice, **more)
    run = await through_stage_4(practice)
    last = attempt(run, "application.probes")
    assert last.verdict is Verdict.FAIL
    assert last.observed == f"1 of 2: the other: {said}"


async def test_what_an_answer_says_instead_is_not_repeated_since_it_may_be_about_a_person(practice: Practice) -> None:
    practice.world.application.said_of_health = {"patient": "Edith Clarke"}
    probing(practice, url=health_of(practice), contains="", fields={"patient": "Test Record"})
    recorder = practice.recorder()
    run = await through_stage_4(practice, recorder=recorder)
    assert attempt(run, "application.probes").observed.endswith("patient is not Test Record")
    assert "Edith" not in str(recorder.events)


async def test_without_probes_there_is_nothing_to_ask(practice: Practice) -> None:
    configure(practice, probes=())
    run = await through_stage_4(practice)
    assert attempt(run, "application.probes").verdict is Verdict.NOT_NEEDED


async def test_erasures_are_a_matter_of_a_recovery(practice: Practice) -> None:
    operator = up_to_stage_4(practice)
    run = await through_stage_4(practice, operator=operator)
    assert attempt(run, "application.erasures").verdict is Verdict.NOT_NEEDED
    assert operator.questions("attest application.erasures") == []


async def test_in_a_recovery_they_are_stated_by_name_before_the_checkpoint(practice: Practice) -> None:
    operator = up_to_stage_4(practice, {"attest application.erasures": ["three, ticket 4711, applied at 14:02"]})
    run = await practice.conductor(operator).declare({**DECLARED, "mode": "recovery"})
    last = attempt(run, "application.erasures")
    assert last.verdict is Verdict.ATTESTED
    assert (last.expected, last.observed) == (ERASURES, "three, ticket 4711, applied at 14:02")
