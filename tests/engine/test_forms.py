"""Forms as the engine asks them: judged field by field, journalled with what was entered, withdrawn from as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.engine.desk import Desk
from runbook.engine.events import Event, Kind
from runbook.engine.ports import Field, Form
from runbook.engine.procedure import Attestation
from runbook.engine.verdict import Finding, Observation, Verdict
from tests.support.operator import ScriptedOperator, abort
from tests.support.tiny import Bench, procedure, question, seen, stage, unknown

FORM = Form(
    "one.a",
    "Who was told?",
    (),
    (Field("who", "Who", default="Dr Reed"), Field("at", "At"), Field("note", "Note", required=False)),
)


def journal(bench: Bench) -> list[Event]:
    return [e for e in bench.recorder.events if e.step == "one.a" and e.kind in {Kind.ASKED, Kind.ANSWERED}]


async def asked(filled: dict[str, str] | None) -> Bench:
    async def ask(desk: Desk) -> Observation:
        return seen() if await desk.operator.fill(FORM) is not None else unknown("withdrawn")

    script: dict[str, list[Any]] = {"fill one.a": [filled], "decide one.a": [abort()]}
    bench = Bench(procedure(stage(1, "one", question("one.a", ask))), ScriptedOperator(script))
    await bench.walk()
    return bench


async def test_what_was_entered_is_in_the_journal_by_its_label() -> None:
    question_, answer, *_ = journal(await asked({"who": "Sam", "at": "10:00", "note": ""}))
    assert question_.data["text"] == "Who was told?"
    assert (answer.data["answer"], answer.data["detail"]) == ("filled in", "Who: Sam; At: 10:00")
    assert answer.data["by"] == "tester"


async def test_that_it_was_withdrawn_from_is_in_the_journal() -> None:
    _, answer, *_ = journal(await asked(None))
    assert (answer.data["answer"], answer.data.get("detail")) == ("withdrawn", None)


@pytest.mark.parametrize(
    ("field", "typed", "mistake"),
    [
        (Field("a", "A"), "", "This is needed."),
        (Field("a", "A"), "  ", "This is needed."),
        (Field("a", "A", required=False), " ", ""),
        (Field("a", "A", wrong=lambda t: f"not {t}"), " x ", "not x"),
        (Field("a", "A", wrong=lambda t: f"not {t}", exact=True), " x ", "not  x "),
        (Field("a", "A", required=False, wrong=lambda t: f"not {t}"), "", ""),
        (Field("a", "A"), "x", ""),
    ],
)
def test_a_field_judges_what_was_typed(field: Field, typed: str, mistake: str) -> None:
    assert field.mistake(typed) == mistake


def stating(here: object) -> Form:
    del here
    return FORM


async def stated(filled: dict[str, str] | None) -> Bench:
    step = Attestation[Desk](
        id="one.a",
        title="It is stated",
        why="because",
        manual="say it",
        statement="everybody was told",
        form=stating,
        filled=lambda _, answers: (
            f"{answers.get('who', 'nobody')} was told",
            () if answers else (Finding("nobody was told"),),
        ),
    )
    script: dict[str, list[Any]] = {"fill one.a": [filled], "decide one.a": [abort()]}
    bench = Bench(procedure(stage(1, "one", step)), ScriptedOperator(script))
    await bench.walk()
    return bench


async def test_a_statement_with_a_form_states_what_was_entered() -> None:
    bench = await stated({"who": "Sam", "at": "10:00"})
    result = bench.conductor.run.result("one.a")
    assert result is not None
    assert (result.verdict, result.observed) == (Verdict.ATTESTED, "Sam was told")
    assert bench.outcome == "PASS"


async def test_a_statement_that_was_withdrawn_from_states_nothing_and_is_a_finding() -> None:
    bench = await stated(None)
    assert bench.recorder.verdicts("one.a") == ["INCONCLUSIVE"]
    assert [finding.text for finding in bench.conductor.run.findings] == ["nobody was told"]
