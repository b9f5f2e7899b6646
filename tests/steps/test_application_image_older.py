"""When the newest is refused: an older one only on a further attempt, and only if the operator agrees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runbook.engine.verdict import Verdict
from tests.support.imaging import NEWEST, OLDER, look, look_again, seen
from tests.support.operator import ScriptedOperator
from tests.support.practice import Practice

CONFIRM = "confirm application.image"


def agreeing() -> ScriptedOperator:
    return ScriptedOperator({CONFIRM: [True]})


async def test_the_first_refusal_asks_nobody(practice: Practice) -> None:
    practice.world.images.redden()
    operator = agreeing()
    assert (await look(practice)).verdict is Verdict.FAIL
    assert operator.asked == []


async def test_on_a_further_attempt_an_older_one_is_gone_on_with_as_a_major_finding(practice: Practice) -> None:
    practice.world.images.redden()
    operator = agreeing()
    observation = await look_again(practice, operator)
    assert observation.verdict is Verdict.PASS
    (finding,) = observation.findings
    assert finding.severity == "major"
    assert f"{NEWEST} = sha256:" in finding.text
    assert finding.text.endswith("was refused: its checks are not green: test is failure")
    assert f"{OLDER} = sha256:" in observation.observed
    assert "not the newest" in observation.observed
    first, second, *_ = seen(observation)
    assert first.refused == ("its checks are not green: test is failure",)
    assert second.refused == ()


async def test_the_question_shows_which_is_refused_and_which_would_be_taken(practice: Practice) -> None:
    practice.world.images.redden()
    operator = agreeing()
    await look_again(practice, operator)
    (ask,) = operator.questions(CONFIRM)
    assert ask.optional
    (change,) = ask.preview.changes
    assert "test is failure" in change.before
    assert change.after.startswith(f"{OLDER} = sha256:")


async def test_an_older_one_that_is_refused_too_is_passed_over(practice: Practice) -> None:
    practice.world.images.redden()
    practice.world.images.unsign(OLDER)
    observation = await look_again(practice, agreeing())
    assert "v1.8.0 = sha256:" in observation.observed


async def test_who_does_not_agree_stays_refused(practice: Practice) -> None:
    practice.world.images.redden()
    observation = await look_again(practice, ScriptedOperator({CONFIRM: [False]}))
    assert observation.verdict is Verdict.FAIL
    assert observation.facts == ()


async def test_nobody_is_asked_where_there_is_no_older_one(practice: Practice) -> None:
    practice.world.images.protected = False
    operator = agreeing()
    assert (await look_again(practice, operator)).verdict is Verdict.FAIL
    assert operator.asked == []


async def test_nobody_is_asked_where_the_newest_is_verified_by_now(practice: Practice) -> None:
    operator = agreeing()
    observation = await look_again(practice, operator)
    assert (observation.verdict, observation.findings) == (Verdict.PASS, ())
    assert operator.asked == []


async def test_of_several_packages_only_those_that_are_refused_are_asked_about(tmp_path: Path) -> None:
    practice = Practice(tmp_path, packages=3)
    practice.world.images.tamper()
    operator = agreeing()
    observation = await look_again(practice, operator)
    (ask,) = operator.questions(CONFIRM)
    assert len(ask.preview.changes) == 1
    assert len(observation.findings) == 1
    assert observation.verdict is Verdict.PASS


async def test_one_package_without_an_older_one_refuses_them_all(tmp_path: Path) -> None:
    practice = Practice(tmp_path, packages=2)
    images = practice.world.images
    images.tamper()
    other = practice.environment.application.images[1].package
    for one in [one for one in images.images if one.package == other]:
        images.served[one.digest] = b"something else"
    operator = agreeing()
    observation: Any = await look_again(practice, operator)
    assert observation.verdict is Verdict.FAIL
    assert observation.observed.startswith("2 of 2: ")
    assert operator.asked == []
