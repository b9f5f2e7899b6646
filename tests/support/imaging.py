"""The steps that look at images, on their own: over the estate in memory, with an image configured otherwise."""

from __future__ import annotations

from typing import Any

from runbook import config
from runbook.engine.events import Kind
from runbook.engine.verdict import Observation
from steps.application import choose, image
from steps.application.candidates import Candidate
from steps.facts import ImagesSeen
from tests.support.operator import ScriptedOperator
from tests.support.practice import Practice
from tests.support.standing import Standing

NEWEST, OLDER, OLDEST = "v1.8.2", "v1.8.1", "v1.8.0"


def configured(practice: Practice, **changes: Any) -> config.Image:
    """Every image configured so; answers the first."""
    application = practice.environment.application
    images = tuple(config.Image(**{**one.model_dump(), **changes}) for one in application.images)
    application = application.model_copy(update={"images": images})
    practice.environment = practice.environment.model_copy(update={"application": application})
    return images[0]


def standing(practice: Practice, *facts: Any, operator: ScriptedOperator | None = None) -> Standing:
    return Standing(practice, "application.image", *facts, operator=operator)


async def look(practice: Practice) -> Observation:
    """`application.image` for the first time."""
    return await image.newest_is_verified(standing(practice).here)


async def look_again(practice: Practice, operator: ScriptedOperator) -> Observation:
    """The same after an attempt that was refused."""
    again = standing(practice, operator=operator)
    refused = {"verdict": "FAIL", "expected": "", "observed": "", "source": ""}
    again.here.desk._scribe.say(
        Kind.RESULT, stage="application", step="application.image", attempt=1, kind="check", ms=0, **refused
    )
    return await image.newest_is_verified(again.here)


def seen(observation: Observation) -> list[Candidate]:
    """What it established."""
    (fact,) = observation.facts
    assert isinstance(fact, ImagesSeen)
    return [Candidate(**one) for one in fact.candidates]


async def choosing(practice: Practice, looked: Observation, *, operator: ScriptedOperator) -> Observation:
    """`application.choose` after that look."""
    here = Standing(practice, "application.choose", *looked.facts, operator=operator).here
    return await choose.which_image(here)
