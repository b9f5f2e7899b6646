"""Everything that a question carries is said in lines: a field that is new has to find its place in this table."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from io import StringIO
from typing import Any, get_args, get_type_hints

import pytest

from runbook.engine.meaning import MEANS
from runbook.engine.ports import (
    Act,
    AskSecret,
    Attest,
    ByHand,
    Change,
    Choose,
    Confirm,
    Decide,
    Field,
    Form,
    Gate,
    Operator,
    Option,
    Preview,
    RunCommand,
    TypeName,
)
from runbook.engine.verdict import Verdict
from runbook.plain import Keyboard, Lines, PlainOperator
from tests.support.tiny import procedure, stage

Said = pytest.CaptureFixture[str]
RETREAT = "Close the doors: every name gets its record back"
QUESTIONS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "confirm": (
        Confirm(
            "one.confirm",
            "may-this-be-done",
            Preview("the-what", "the-target", ("the-call",), (Change("the-name", "the-before", "the-after"),)),
            optional=True,
            without="without-it-this-comes",
        ),
        ("no",),
    ),
    "type_name": (TypeName("one.type", "the-expected", "the-note-on-typing"), ("x",)),
    "choose": (
        Choose(
            "one.choose",
            "which-one",
            ("a-column", "another-column"),
            (
                Option("a", ("a-cell", "x")),
                Option("b", ("b-cell", "y"), "why-it-is-unfit"),
                Option("c", ("c-cell", "z"), detail="what-it-needs"),
            ),
            "a",
        ),
        ("3", "it", "because"),
    ),
    "secret": (
        AskSecret(
            *("one.secret", "the-prompt", ("Ada", "Bryn"), 1, 7),
            note="what-went-wrong",
            remarks=("in two runs", "never"),
            hint="the-other-way-in",
        ),
        ("1", "s"),
    ),
    "attest": (Attest("one.attest", "the-statement", "the-circumstances"), ("x",)),
    "by_hand": (ByHand("one.hand", "the-handiwork", ("first-turn", "then-wait")), ("done",)),
    "run_command": (RunCommand("one.run", "what-it-signs", ("a-tool", "a-word")), ("no",)),
    "fill": (
        Form(
            *("one.form", "the-form", ("the-text",)),
            (Field("k", "the-label", "the-hint", "the-default", required=False, wrong=lambda t: f"{t} is wrong"),),
            submit="do-it-all",
        ),
        ("mistaken", "stop"),
    ),
    "decide": (
        Decide(
            step="one.only",
            title="the-title",
            verdict=Verdict.INCONCLUSIVE,
            expected="the-expected",
            observed="the-observed",
            source="the-source",
            fix="the-fix",
            provider_text="the-provider's-words",
            why="the-why",
            manual="the-manual",
            options=tuple(Act),
            back_to=("one", "one.only"),
            retreat=RETREAT,
        ),
        ("back", "one", "because"),
    ),
    "gate": (
        Gate(
            *("one", 4, "the-layer", "the-refusal", "the-next", "what-it-touches", tuple(Act), ("one",), RETREAT),
        ),
        ("back", "one", "because"),
    ),
}
SAID: dict[str, tuple[str, ...]] = {
    "Confirm.step": ("one.confirm",),
    "Confirm.title": ("may-this-be-done",),
    "Confirm.optional": ("Enter = no",),
    "Confirm.without": ("without-it-this-comes",),
    "Preview.what": ("the-what",),
    "Preview.target": ("target: the-target",),
    "Preview.calls": ("call:   the-call",),
    "Change.name": ("the-name",),
    "Change.before": ("the-before becomes",),
    "Change.after": ("becomes the-after",),
    "TypeName.expected": ("the-expected exactly",),
    "TypeName.note": ("the-note-on-typing",),
    "Choose.title": ("which-one",),
    "Choose.columns": ("a-column, another-column",),
    "Choose.default": ("a-cell  x (default)",),
    "Option.cells": ("b-cell  y",),
    "Option.unfit": ("cannot be chosen: why-it-is-unfit",),
    "Option.detail": ("what-it-needs: ",),
    "AskSecret.prompt": ("the-prompt of Ada",),
    "AskSecret.labels": ("1  Ada", "2  Bryn"),
    "AskSecret.entered": ("1 of 7 are in",),
    "AskSecret.needed": ("1 of 7 are in",),
    "AskSecret.note": ("what-went-wrong",),
    "AskSecret.remarks": ("Ada  (in two runs)", "Bryn  (never)"),
    "AskSecret.hint": ("the-other-way-in",),
    "AskSecret.kind": ("Whose share",),
    "Attest.statement": ("You state: the-statement",),
    "Attest.asks": ("the-circumstances",),
    "ByHand.what": ("BY HAND: the-handiwork",),
    "ByHand.how": ("1. first-turn", "2. then-wait"),
    "RunCommand.what": ("what-it-signs",),
    "RunCommand.argv": ("command: a-tool a-word",),
    "Form.step": ("one.form: ",),
    "Form.title": ("the-form",),
    "Form.text": ("the-text",),
    "Form.submit": ("do not do-it-all",),
    "Field.label": ("the-label",),
    "Field.hint": ("the-hint",),
    "Field.default": ("Enter = the-default",),
    "Field.required": ("- = none",),
    "Field.wrong": ("mistaken is wrong",),
    "Decide.step": ("one.only is",),
    "Decide.title": ("to be shown: the-title",),
    "Decide.verdict": ("is INCONCLUSIVE",),
    "Decide.expected": ("expected: the-expected",),
    "Decide.observed": ("the-observed",),
    "Decide.source": ("source: the-source",),
    "Decide.fix": ("fix: the-fix",),
    "Decide.provider_text": ("they said: the-provider's-words",),
    "Decide.why": ("why: the-why",),
    "Decide.manual": ("by hand: the-manual",),
    "Decide.options": (
        *(f"    {act}: " for act in Act),
        *(text for act, text in MEANS.items() if act is not Act.CLOSE),
    ),
    "Decide.back_to": ("Back to (one, one.only)",),
    "Decide.retreat": (RETREAT,),
    "Gate.number": ("CHECKPOINT 4",),
    "Gate.title": ("the-layer",),
    "Gate.refusal": ("the-refusal",),
    "Gate.next_title": ("Next: the-next",),
    "Gate.next_touches": ("touches what-it-touches",),
    "Gate.options": (f"[{' / '.join(Act)} / ?]",),
    "Gate.back_to": ("Back to (one)",),
    "Gate.retreat": (RETREAT,),
}
UNSAID = {
    **dict.fromkeys(
        (
            "TypeName.step",
            "Choose.step",
            "AskSecret.step",
            "Attest.step",
            "ByHand.step",
            "RunCommand.step",
            "Gate.stage",
        ),
        "what help is about",
    ),
    "Confirm.preview": "its own fields are said",
    "Choose.options": "their own fields are said",
    "Preview.changes": "their own fields are said",
    "Form.fields": "their own fields are said",
    "ByHand.act": "for the practice estate's hands",
    "RunCommand.act": "for the practice estate's hands",
    "Option.key": "chosen by its number",
    "Field.key": "the name of the answer",
    "Field.exact": "how it is read",
}


def asked() -> dict[str, type]:
    """What each method of an Operator is handed."""
    methods = {name: method for name, method in inspect.getmembers(Operator, inspect.isfunction) if name[0] != "_"}
    return {name: get_type_hints(method)["ask"] for name, method in methods.items() if name != "name"}


def carried(kind: Any) -> set[Any]:
    """That dataclass, and those that its fields hold."""
    if parts := get_args(kind):
        return set().union(*(carried(part) for part in parts))
    if not dataclasses.is_dataclass(kind):
        return set()
    return {kind}.union(*(carried(hint) for hint in get_type_hints(kind).values()))


def test_every_field_of_every_question_has_its_place_here() -> None:
    assert set(asked()) == set(QUESTIONS)
    kinds = set().union(*(carried(kind) for kind in asked().values()))
    fields = {f"{kind.__name__}.{field.name}" for kind in kinds for field in dataclasses.fields(kind)}
    assert fields == set(SAID) | set(UNSAID)


@pytest.mark.parametrize("method", QUESTIONS)
async def test_what_a_question_carries_is_said(method: str, capsys: Said) -> None:
    ask, typed = QUESTIONS[method]
    keyboard = Keyboard(StringIO("".join(f"{line}\n" for line in typed)))
    operator = PlainOperator(Lines(procedure(stage(1, "one")), sys.stdout), keyboard, lambda: None)
    await getattr(operator, method)(ask)
    said = capsys.readouterr().out
    names = {f"{kind.__name__}." for kind in carried(type(ask))}
    wanted = [text for field, texts in SAID.items() if field.startswith(tuple(names)) for text in texts]
    assert [text for text in wanted if text not in said] == []


@pytest.mark.parametrize("act", Act)
def test_what_each_act_does_is_known_in_words(act: Act) -> None:
    assert MEANS[act]
