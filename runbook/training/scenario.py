"""A scenario: the story, the faults, what is expected, and the practice operator's script.

The format is documented in `scenarios/FORMAT.md`; `runbook train FILE` takes one that we never saw.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runbook import toml_file
from runbook.engine.errors import WrongUse
from runbook.engine.outcome import Outcome
from runbook.training import relative
from runbook.training.faults import checked, known
from runbook.training.variant import Variant

Mistake = tuple[tuple[int | str, ...], str]  # where in the file, and what is wrong there
GIVEN = ("do", "shares", "pick", "agree", "fill")
SHARE_WORDS = ("right", "wrong", "old")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fault(_Strict):
    """One thing that goes wrong in the estate; `when` is `start`, `before <step id>`, `after <step id>`,
    `checkpoint <stage id>` or `opened <stage id>`."""

    kind: str
    when: str = "start"
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class Answer(_Strict):
    """What the practice operator answers at a place; several for one place are used in their order.

    `at` is a step id or `checkpoint <stage id>`; exactly one of `do`, `shares`, `pick`, `agree`, `fill` is set.
    `detail` is what the picked option asks to be typed, `fill` what is entered into a form, by the field's key; a
    relative moment (`-90s`) counts from when it is answered.
    """

    at: str
    do: Literal["sign-in", "retry", "attest", "accept", "close", "back", "abort", "open"] | None = None
    to: str = ""
    reason: str = ""
    shares: tuple[str, ...] | None = None
    pick: int | None = Field(default=None, ge=1)
    detail: str = ""
    agree: bool | None = None
    fill: Mapping[str, str] | None = None

    @property
    def kind(self) -> str:
        """Which of them it is."""
        return self._given()[0]

    def _given(self) -> list[str]:
        return [name for name in GIVEN if getattr(self, name) is not None]

    @model_validator(mode="after")
    def _one_answer(self) -> Answer:
        given = self._given()
        if len(given) != 1:
            raise ValueError(f"exactly one of {', '.join(GIVEN)} is needed, not {' and '.join(given) or 'none'}")
        if self.do in {"attest", "back", "abort"} and not self.reason:
            raise ValueError(f"do = '{self.do}' needs a reason")
        if self.do == "back" and not self.to:
            raise ValueError("do = 'back' needs `to`: a stage id or a step id")
        if self.shares is not None and not set(self.shares) <= set(SHARE_WORDS):
            raise ValueError("shares is a list of the words right, wrong and old")
        return self

    @model_validator(mode="after")
    def _filled_in(self) -> Answer:
        for key, text in (self.fill or {}).items():
            if not relative.well_formed(text):
                raise ValueError(f"fill: {key} begins like a moment before now and is none: like {relative.FORMS}")
        return self

    @model_validator(mode="after")
    def _detail_of_a_pick(self) -> Answer:
        if self.detail and self.pick is None:
            raise ValueError("detail goes with pick: it is what the picked option asks to be typed")
        if not relative.well_formed(self.detail):
            raise ValueError(f"detail begins like a moment before now and is none: one is like {relative.FORMS}")
        return self


class Practice(_Strict):
    """The practice operator."""

    answers: tuple[Answer, ...] = ()


class Expected(_Strict):
    """How the run should end when the practice operator walks it."""

    outcome: Outcome
    fails_at: str = ""


class Scenario(_Strict):
    """One file of the fault deck."""

    schema_: Literal[1] = Field(alias="schema")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    title: str
    story: str
    good_operator: str
    expect: Expected
    estate: Variant = Variant()
    faults: tuple[Fault, ...] = ()
    operator: Practice = Practice()


def deck() -> tuple[Scenario, ...]:
    """Every scenario that comes with the tool, `calm` first, then by name."""
    found = [toml_file.parse(file.read_text(encoding="utf-8"), Scenario, file.name) for file in _files()]
    return tuple(sorted(found, key=lambda scenario: (scenario.name != "calm", scenario.name)))


def _files() -> list[Traversable]:
    folder = resources.files(__package__).joinpath("scenarios")
    return [file for file in folder.iterdir() if file.name.endswith(".toml")]


def load(name: str, *, steps: Collection[str], stages: Collection[str], asking: Collection[str]) -> Scenario:
    """A scenario of the deck by name, or a file by path; WrongUse names everything that is wrong with it.

    `asking` are the steps at which the operator is asked something: only they have a moment before them.
    """
    text = toml_file.text_of(Path(name)) if "/" in name or name.endswith(".toml") else _of_deck(name)
    scenario = toml_file.parse(text, Scenario, name)
    mistakes = [*_of_faults(scenario, steps, stages, asking), *_of_answers(scenario, steps, stages)]
    if scenario.expect.fails_at and scenario.expect.fails_at not in steps:
        mistakes.append((("expect", "fails_at"), f"{scenario.expect.fails_at} is no step id"))
    if mistakes:
        told = "\n".join(toml_file.mistake(text, name, loc, what) for loc, what in mistakes)
        raise WrongUse(told, fix="Put these right and try again.")
    return scenario


def _of_deck(name: str) -> str:
    known = {file.name.removesuffix(".toml"): file for file in _files()}
    if name not in known:
        names = ", ".join(each.name for each in deck())
        raise WrongUse(f"there is no scenario called {name}", fix=f"One of: {names}; or the path of a .toml file.")
    return known[name].read_text(encoding="utf-8")


def _of_faults(
    scenario: Scenario, steps: Collection[str], stages: Collection[str], asking: Collection[str]
) -> Iterator[Mistake]:
    kinds = known()
    moments = {"start", *(f"{when} {step}" for step in steps for when in ("before", "after"))}
    moments |= {f"{when} {stage}" for stage in stages for when in ("checkpoint", "opened")}
    for number, fault in enumerate(scenario.faults):
        if fault.when not in moments:
            what = f"{fault.when} is none of: start, before/after STEP, checkpoint/opened STAGE"
            yield ("faults", number, "when"), what
        if (step := fault.when.removeprefix("before ")) in set(steps) - set(asking) and step != fault.when:
            what = f"nobody is asked anything at {step}: take the step after which it should happen (after STEP)"
            yield ("faults", number, "when"), what
        if fault.kind not in kinds:
            what = f"no fault is called {fault.kind}: one of {', '.join(sorted(kinds))}"
            yield ("faults", number, "kind"), what
            continue
        if kinds[fault.kind].at_start_only and fault.when != "start":
            yield ("faults", number, "when"), f"{fault.kind} can only be there from the start"
        if kinds[fault.kind].seal not in {"", scenario.estate.seal}:
            yield ("faults", number, "kind"), f'{fault.kind} needs [estate] seal = "{kinds[fault.kind].seal}"'
        try:
            checked(fault.kind, fault.with_, kinds)
        except ValueError as wrong:
            yield ("faults", number, "with"), str(wrong)


def _of_answers(scenario: Scenario, steps: Collection[str], stages: Collection[str]) -> Iterator[Mistake]:
    places = {*steps, *(f"checkpoint {stage}" for stage in stages)}
    for number, answer in enumerate(scenario.operator.answers):
        if answer.at not in places:
            yield ("operator", "answers", number, "at"), f"{answer.at} is no step id and no checkpoint STAGE"
        if answer.to and answer.to not in {*steps, *stages}:
            yield ("operator", "answers", number, "to"), f"{answer.to} is no stage id and no step id"
