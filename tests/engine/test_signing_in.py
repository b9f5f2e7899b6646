"""A sign-in that has run out is renewed in place: at a step, at a checkpoint, and never instead of anything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from runbook.engine.desk import Desk
from runbook.engine.errors import SignedOut
from runbook.engine.events import Kind
from runbook.engine.ports import Act, Decision
from runbook.engine.verdict import Observation
from tests.support.operator import OPEN, ScriptedOperator, abort
from tests.support.tiny import Bench, attestation, check, procedure, seen, stage

SIGN_IN = Decision(Act.SIGN_IN)


class Door:
    """A system that knows us or does not; signing in is counted."""

    def __init__(self) -> None:
        self.knows_us = False
        self.signed_in = 0
        self.works = True

    async def sign_in(self, _: Desk) -> Observation:
        self.signed_in += 1
        self.knows_us = self.works
        return seen() if self.works else Observation.inconclusive(expected="in", observed="no device", source="test")

    def asked(self, after: int = 99) -> Callable[[Desk], Awaitable[Observation]]:
        """A look that needs the sign-in, which runs out when it is looked for the `after`th time."""
        times = 0

        async def look(_: Desk) -> Observation:
            nonlocal times
            times += 1
            if times == after:
                self.knows_us = False
            if not self.knows_us:
                raise SignedOut("door", "the door does not know us any more", source="test")
            return seen()

        return look


def bench(door: Door, operator: ScriptedOperator, *, runs_out: int = 99) -> Bench:
    first = stage(1, "one", check("one.sign-in", door.sign_in, signs_in="door"), heartbeat=door.asked(runs_out))
    return Bench(procedure(first, stage(2, "two", check("two.look", door.asked(1)))), operator)


async def test_a_step_that_lost_the_sign_in_offers_it_first_and_goes_on_after_it() -> None:
    door = Door()
    operator = ScriptedOperator({"decide two.look": [SIGN_IN]})
    run = bench(door, operator)
    await run.walk()
    (ask,) = operator.questions("decide two.look")
    assert ask.options[0] is Act.SIGN_IN
    assert (door.signed_in, run.outcome) == (2, "PASS")
    assert run.recorder.verdicts("two.look") == ["INCONCLUSIVE", "PASS"]


async def test_a_heartbeat_that_lost_it_shuts_the_checkpoint_until_it_is_had_again() -> None:
    door = Door()
    operator = ScriptedOperator({"gate one": [OPEN, SIGN_IN]})
    run = bench(door, operator, runs_out=2)
    run.operator._script["decide two.look"] = [SIGN_IN]
    await run.walk()
    asked = operator.questions("gate one")
    assert Act.SIGN_IN not in asked[0].options
    assert "fell: the door does not know us any more" in asked[1].refusal
    assert Act.SIGN_IN in asked[1].options
    assert run.outcome == "PASS"
    beats = [event.data["signed_out"] for event in run.recorder.of(Kind.HEARTBEAT)]
    assert "door" in beats


async def test_a_sign_in_that_does_not_work_is_told_as_any_step_and_can_be_given_up() -> None:
    door = Door()

    def broken(_: object) -> Decision:
        door.works = False
        return SIGN_IN

    script: dict[str, list[Any]] = {
        "decide two.look": [broken, abort("no device")],
        "decide one.sign-in": [abort("no device")],
    }
    run = bench(door, ScriptedOperator(script))
    await run.walk()
    assert run.outcome == "INCONCLUSIVE"
    assert run.recorder.verdicts("one.sign-in") == ["PASS", "INCONCLUSIVE"]


async def test_it_is_not_offered_where_no_step_signs_in_to_that_system() -> None:
    door = Door()
    operator = ScriptedOperator({"decide one.look": [abort()]})
    run = Bench(procedure(stage(1, "one", check("one.look", door.asked()))), operator)
    await run.walk()
    (ask,) = operator.questions("decide one.look")
    assert Act.SIGN_IN not in ask.options


async def test_a_check_that_asks_runs_alone_and_without_a_backstop() -> None:
    begun: list[str] = []

    async def slow(desk: Desk) -> Observation:
        begun.append(desk.step)
        return seen()

    asking = check("one.asks", slow, asks=True, timeout=0.0)
    run = Bench(procedure(stage(1, "one", check("one.a", slow), asking, check("one.b", slow))))
    await run.walk()
    assert begun == ["one.a", "one.asks", "one.b"]
    assert run.outcome == "PASS"


async def test_an_attestation_that_this_mode_does_not_have_is_not_asked_for() -> None:
    from dataclasses import replace

    spared = replace(attestation("one.word"), spared=lambda _: "not in this mode")
    operator = ScriptedOperator()
    run = Bench(procedure(stage(1, "one", spared)), operator)
    await run.walk()
    assert operator.questions("attest one.word") == []
    assert run.recorder.verdicts("one.word") == ["NOT_NEEDED"]
