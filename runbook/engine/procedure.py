"""The procedure as data: five stages in order, each made of steps, and the closing.

A step is a Check (reads, decides), an Action (changes something), a Question (needs a choice or a secret) or an
Attestation (the operator states what no API can show).  `H` is what a step sees; the engine does not look inside.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from runbook.engine.ports import Form, Preview
from runbook.engine.verdict import Finding, Observation

if TYPE_CHECKING:  # run.py folds over this module's nouns
    from runbook.engine.run import LedgerEntry, Run

H = TypeVar("H")
Look: TypeAlias = Callable[[H], Awaitable[Observation]]


class Lasting(StrEnum):
    """How long a Check's verdict is worth something."""

    STANDING = "standing"  # run again at the checkpoint when older than the freshness limit
    MOMENT = "of its moment"  # negative controls, backup, inspect, target …: never goes stale
    HEAVY = "heavy"  # run again only when a heartbeat failed since


class Repeat(StrEnum):
    """What may be done about an Action whose result is not known."""

    ONCE = "once"  # found by identifier and tag, adopted
    AGAIN = "again"  # its result is a secret held in memory, or repeating is harmless


@dataclass(frozen=True, kw_only=True)
class Step(Generic[H]):
    """What every step has.  `why` is one sentence for the operator; `manual` the way without this tool."""

    id: str
    title: str
    why: str
    manual: str
    attestable: bool = True  # an INCONCLUSIVE may be attested; the three criteria and some others never
    acceptable: bool = False  # a FAIL may be accepted, by two named people, where the run's mode allows it
    signs_in: str = ""  # the system (aws, vault) that this step signs in to, so that it can be done again in place
    regain: Callable[[Run], bool] = lambda _: False  # after a resume: is what it held in memory needed again?
    regained_alone: bool = False  # once it is had again, what was seen after it still holds
    needed_to_close: bool = False  # had again after a resume even where only the closing is left, to undo what was made

    @property
    def kind(self) -> str:
        """`check`, `action`, `question` or `attestation`, as run.json says it."""
        return type(self).__name__.lower()

    @property
    def stage(self) -> str:
        """The stage's part of the id."""
        return self.id.partition(".")[0]

    @property
    def expected(self) -> str:
        """What is to be seen, where a step comes to no result that says it: a title is a statement."""
        return self.title


@dataclass(frozen=True, kw_only=True)
class Check(Step[H]):
    """Reads and decides.  Checks that stand next to each other run side by side unless `after` names one of them."""

    look: Look[H]
    after: tuple[str, ...] = ()
    lasting: Lasting = Lasting.STANDING
    timeout: float = 60.0  # seconds; a backstop, every client has its own
    asks: bool = False  # it may ask the operator: then it runs alone and has no backstop
    criterion: str = ""  # boots, connects, decrypts: one of the three that make a restore a success
    control: str = ""  # sealed, damaged: a negative control


@dataclass(frozen=True, kw_only=True)
class Action(Step[H]):
    """Changes something: `find` (done by this run already?) → `preview` → asked → `perform`, each call announced.

    `retreat` is offered from then on, wherever the run stands: each entry that it has in the ledger is undone.
    """

    aim: str  # what is to be seen once it was done; its title says what is done
    find: Callable[[H], Awaitable[Observation | None]]
    preview: Callable[[H], Awaitable[Preview]]
    perform: Look[H]
    repeat: Repeat
    undo: Callable[[H, LedgerEntry], Awaitable[Observation]] | None = None
    asks: bool = True  # False: the operator is asked inside `perform`, or nothing outside the tool changes
    keeps: Callable[[H], bool] = lambda _: False  # at the closing what it made is handed over, and not undone
    retreat: str = ""  # what it is called to take its changes back in mid-run; "": only the closing undoes them

    @property
    def expected(self) -> str:
        """Its aim."""
        return self.aim


@dataclass(frozen=True, kw_only=True)
class Question(Step[H]):
    """Needs a choice from the operator."""

    ask: Look[H]


@dataclass(frozen=True, kw_only=True)
class Attestation(Step[H]):
    """The operator states what no API can show; `statement` is what they put their name to, `asks` what is to be
    typed with it, in words ("": nothing).

    `spared` is why this mode does not have it, or ""; `judge` is what becomes of what they said, as findings.
    With a `form` it is filled in instead, and `filled` makes of the answers what is stated, and the findings; a form
    that was withdrawn has no answers, and states nothing.
    """

    statement: str
    asks: str = ""
    spared: Callable[[H], str] = lambda _: ""
    judge: Callable[[H, str], tuple[Finding, ...]] = lambda _, __: ()
    form: Callable[[H], Form] | None = None
    filled: Callable[[H, Mapping[str, str]], tuple[str, tuple[Finding, ...]]] = lambda _, __: ("", ())


AnyStep: TypeAlias = Check[H] | Action[H] | Question[H] | Attestation[H]


@dataclass(frozen=True, kw_only=True)
class Stage(Generic[H]):
    """One layer.  `heartbeat` is the cheap check by which it goes on being watched once its checkpoint is open;
    `at_opening` are looked at whenever its checkpoint is opened, whatever their age."""

    number: int
    id: str
    title: str
    clause: str
    touches: str  # what the stage will touch, for the checkpoint before it
    steps: tuple[AnyStep[H], ...]
    heartbeat: Look[H] | None = None
    at_opening: tuple[Look[H], ...] = ()

    def __post_init__(self) -> None:
        for step in self.steps:
            if step.stage != self.id:
                raise ValueError(f"{step.id} stands in stage {self.id}: its id must begin with {self.id}.")

    def step(self, step_id: str) -> AnyStep[H]:
        """The step of that id; KeyError where there is none."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)


@dataclass(frozen=True, kw_only=True)
class Procedure(Generic[H]):
    """The stages in the policy's order, and what closes a run.  The order cannot be changed by any caller."""

    stages: tuple[Stage[H], ...]
    closing: Stage[H]

    def __post_init__(self) -> None:
        if [stage.number for stage in self.stages] != list(range(1, len(self.stages) + 1)):
            raise ValueError("stages are numbered 1, 2, 3 … in the policy's order")
        ids = [step.id for step in self.steps()]
        if len(set(ids)) != len(ids):
            raise ValueError("a step id stands twice in the procedure")

    def steps(self) -> Iterator[AnyStep[H]]:
        """Every step, in order, the closing's last."""
        for stage in (*self.stages, self.closing):
            yield from stage.steps

    def stage(self, stage_id: str) -> Stage[H]:
        """The stage of that id, the closing included; KeyError where there is none."""
        for stage in (*self.stages, self.closing):
            if stage.id == stage_id:
                return stage
        raise KeyError(stage_id)

    def step(self, step_id: str) -> AnyStep[H]:
        """The step of that id; KeyError where there is none."""
        return self.stage(step_id.partition(".")[0]).step(step_id)

    def before(self, stage: Stage[H]) -> tuple[Stage[H], ...]:
        """The stages that stand before this one."""
        return tuple(other for other in self.stages if other.number < stage.number)

    def after(self, stage: Stage[H]) -> Stage[H] | None:
        """The next stage, or None after the last."""
        return next((other for other in self.stages if other.number == stage.number + 1), None)
