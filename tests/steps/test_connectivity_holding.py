"""Whether everything below still holds, asked right before the doors: told with the layer's name, as what it is."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.engine.errors import HardStop, LayerFailed, NoVerdict, RunbookError, SignedOut
from runbook.engine.events import Progress
from runbook.engine.ports import Act, Decision
from runbook.engine.verdict import Observation
from runbook.estate.http_errors import Passing
from steps import holding
from steps.facts import ZoneKnown
from steps.here import Here
from tests.support.practice import DECLARED, Practice
from tests.support.standing import Standing


def at(practice: Practice) -> Here:
    return Standing(practice, "connectivity.still-holds", ZoneKnown("zone", "clinic.test")).here


def raising(trouble: RunbookError) -> Any:
    async def look(_: Here) -> Observation:
        raise trouble

    return look


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (LayerFailed("it is another", fix="f", provider_text="p", source="s"), LayerFailed),
        (HardStop("it is another", fix="f", provider_text="p", source="s"), HardStop),
        (NoVerdict("it is another", fix="f", provider_text="p", source="s"), NoVerdict),
        (Passing("it is another", wait=3, fix="f", provider_text="p", source="s"), NoVerdict),
        (SignedOut("aws", "it is another", fix="f", provider_text="p", source="s"), SignedOut),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, RunbookError) else "",
)
async def test_an_error_stays_what_it_is_and_says_which_layer(
    practice: Practice, trouble: RunbookError, kind: type[RunbookError]
) -> None:
    with pytest.raises(RunbookError) as told:
        await holding._holds(at(practice), "Core Database", raising(trouble))
    assert type(told.value) is kind
    assert told.value.sentence == "Core Database does not hold any more: it is another"
    assert (told.value.fix, told.value.provider_text, told.value.source) == ("f", "p", "s")
    assert getattr(told.value, "system", "aws") == "aws"


async def test_a_layer_that_fails_without_raising_is_told_too(practice: Practice) -> None:
    async def fails(_: Here) -> Observation:
        return Observation.that(False, expected="up", observed="down", source="s")  # noqa: FBT003  # as steps say it

    async def unclear(_: Here) -> Observation:
        return Observation.inconclusive(expected="up", observed="who knows", source="s")

    with pytest.raises(LayerFailed, match=r"^X does not hold any more: down$"):
        await holding._holds(at(practice), "X", fails)
    with pytest.raises(NoVerdict, match=r"^X does not hold any more: who knows$"):
        await holding._holds(at(practice), "X", unclear)


async def test_all_seven_are_looked_at_and_shown(practice: Practice) -> None:
    conductor = practice.conductor()
    shown: list[str] = []
    conductor.subscribe(
        lambda said: (
            shown.append(said.text) if isinstance(said, Progress) and said.step == "connectivity.still-holds" else None
        )
    )
    run = await conductor.declare(DECLARED)
    assert run.outcome == "PASS"
    names = ["Identity & Access", "Encryption Vault", "Core Database", "Application Tier"]
    assert [text for text in shown if text in names or text.startswith("criterion")] == [
        *names,
        "criterion 1",
        "criterion 2",
        "criterion 3",
    ]


async def test_a_sign_in_that_ran_out_while_the_operator_thinks_is_renewed_in_place(practice: Practice) -> None:
    def meanwhile(_: Any) -> bool:
        practice.world.expire_login()
        return True

    script: dict[str, list[Any]] = {
        "confirm connectivity.records": [meanwhile],
        "decide connectivity.records": [Decision(Act.SIGN_IN)],
    }
    operator = practice.operator(script)
    run = await practice.walk(operator)
    (ask,) = operator.questions("decide connectivity.records")
    assert Act.SIGN_IN in ask.options
    assert run.outcome == "PASS"


async def test_a_vault_that_is_sealed_keeps_the_stage_shut_and_can_never_be_attested(practice: Practice) -> None:
    operator = practice.operator()
    conductor = practice.conductor(operator)

    def seal_once_opened(said: Any) -> None:
        data = getattr(said, "data", {})
        if data.get("decision") == "opened" and said.stage == "application":
            practice.world.seal()

    conductor.subscribe(seal_once_opened)
    run = await conductor.declare(DECLARED)
    last = run.last("connectivity.still-holds")
    assert last is not None
    assert last.verdict == "FAIL"
    assert last.observed.startswith("Encryption Vault does not hold any more: ")
    (ask,) = operator.questions("decide connectivity.still-holds")
    assert Act.ATTEST not in ask.options
