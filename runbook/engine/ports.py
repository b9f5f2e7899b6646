"""What the engine needs from outside, as Protocols, and the types that guard the dangerous part.

`Secret` hides what it holds; `Permit` is the conductor's word that an intent is on disk; `Operator` is the
person (or the practice operator, or nobody), asked in few, typed ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest
from typing import Any, Literal, Protocol, final

from runbook.engine.events import Event, Kind
from runbook.engine.verdict import Verdict


@final
class Secret:
    """A string that shows itself as `***`; `reveal()` belongs inside the call that needs it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; never keep it in a variable that outlives the call."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Secret is never pickled")


@dataclass(frozen=True, slots=True)
class Permit:
    """One mutating operation on one target, allowed because its intent is on disk.  Made by the conductor only."""

    run: str
    step: str
    operation: str
    target: str


class Clock(Protocol):
    """Time, so that a 40-minute restore takes none in a test."""

    def now(self) -> datetime:
        """Wall clock, aware, UTC."""
        ...

    def monotonic_ns(self) -> int: ...
    def asleep_s(self) -> float | None:
        """Seconds for which this machine was suspended since it was booted; None where it cannot tell."""
        ...

    def boot_id(self) -> str:
        """What tells one boot of this machine from another: monotonic readings compare only within one."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Recorder(Protocol):
    """The journal as the engine sees it: what was appended is on disk when `append` returns."""

    def append(self, kind: Kind, /, *, stage: str | None, step: str | None, data: Mapping[str, Any]) -> Event:
        """Raises RecordFailed; the caller must then not go on to a side effect."""
        ...


# -- what the operator is asked -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Change:
    """One line of a diff; secrets arrive here already masked."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What an Action will do, before it does it: the sentence, the target, the exact calls, the differences."""

    what: str
    target: str
    calls: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirm:
    """May this Action be done?"""

    step: str
    title: str
    preview: Preview
    optional: bool = False  # where nobody is there to agree, it is not done
    without: str = ""  # what comes of not agreeing to an optional one; "": the run goes on without it


@dataclass(frozen=True, slots=True)
class TypeName:
    """What must be typed exactly, such as production's name; `note` has to be known first (why; that it was not)."""

    step: str
    expected: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One row of a choice; `cells` in the order of `Choose.columns`."""

    key: str
    cells: tuple[str, ...]
    unfit: str = ""  # why it cannot be chosen
    detail: str = ""  # what has to be typed with it, in words (such as a moment, with its format); "": nothing


@dataclass(frozen=True, slots=True)
class Choose:
    """Which one?  Anything but `default` needs a reason."""

    step: str
    title: str
    columns: tuple[str, ...]
    options: tuple[Option, ...]
    default: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen option's key, the reason where it is not the default, and what its `detail` asked for."""

    key: str
    reason: str = ""
    detail: str = ""


CODE_DIGITS = 6  # of a one-time code


@dataclass(frozen=True, slots=True)
class AskSecret:
    """A masked entry.  `labels` are who (or which device) it may come from; `entered` of `needed` are in already.

    While it is open the step may show a `Progress` of its own: what is in by then, entered here or elsewhere.
    """

    step: str
    prompt: str
    labels: tuple[str, ...] = ()
    entered: int = 0
    needed: int = 1
    note: str = ""  # what went wrong with the last one, if anything did
    remarks: tuple[str, ...] = ()  # beside each label, in the same order; empty: none
    hint: str = ""  # how it can be given in another way, such as from the custodian's own machine
    # an unseal share, a one-time code of an MFA device, or a credential that no store of this machine has
    kind: Literal["share", "code", "credential"] = "share"

    @property
    def people(self) -> tuple[tuple[str, str], ...]:
        """Each label and the remark beside it, "" where there is none."""
        return tuple(zip_longest(self.labels, self.remarks[: len(self.labels)], fillvalue=""))


@dataclass(frozen=True, slots=True)
class SecretAnswer:
    """What was typed, and whose it is; None: the operator stopped entering.

    `none_left`: not only for now, nobody else can be reached.
    """

    secret: Secret | None
    label: str = ""
    none_left: bool = False


@dataclass(frozen=True, slots=True)
class Attest:
    """The operator states what no API can show; `asks` is what is to be typed with it, in words ("": nothing)."""

    step: str
    statement: str
    asks: str = ""


@dataclass(frozen=True, slots=True)
class ByHand:
    """Something that only hands can do; `act` names it for the practice estate's hands."""

    step: str
    what: str
    how: tuple[str, ...]
    act: str = ""


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A command of another tool that needs the terminal to itself (`aws sso login`); `act` as in `ByHand`."""

    step: str
    what: str
    argv: tuple[str, ...]
    act: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form; `default` stands there already.  Never a secret: answers are journalled.

    `wrong` answers a sentence about what was typed, or ""; it is not asked about nothing, which `required` is for.
    `exact`: what is typed is taken to the letter, spaces and a pasted line end too; else the blanks around it go.
    """

    key: str
    label: str
    hint: str = ""
    default: str = ""
    required: bool = True
    wrong: Callable[[str], str] = lambda _: ""
    exact: bool = False

    def taken(self, typed: str) -> str:
        """What counts of what was typed."""
        return typed if self.exact else typed.strip()

    def mistake(self, typed: str) -> str:
        """Why that cannot be taken, in a sentence, or ""."""
        if typed.strip():
            return self.wrong(self.taken(typed))
        return "This is needed." if self.required else ""


@dataclass(frozen=True, slots=True)
class Form:
    """Several things at once; `text` is shown above the fields, `submit` says what filling it in does."""

    step: str
    title: str
    text: tuple[str, ...]
    fields: tuple[Field, ...]
    submit: str = "go on"


class Act(StrEnum):
    """What can be done after a failure or at a checkpoint."""

    SIGN_IN = "sign-in"
    RETRY = "retry"
    ATTEST = "attest"
    ACCEPT = "accept"
    CLOSE = "close"
    BACK = "back"
    ABORT = "abort"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Decide:
    """A step did not pass: what now?  `back_to` lists the stages that may be gone back to; `retreat` says what
    CLOSE does, where it is offered."""

    step: str
    title: str
    verdict: Verdict
    expected: str
    observed: str
    source: str
    fix: str
    provider_text: str
    why: str
    manual: str
    options: tuple[Act, ...]
    back_to: tuple[str, ...]
    retreat: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """A checkpoint: open it?  `refusal` is the sentence that keeps it shut, or None; `retreat` as in `Decide`."""

    stage: str
    number: int
    title: str
    refusal: str | None
    next_title: str | None
    next_touches: str
    options: tuple[Act, ...]
    back_to: tuple[str, ...]
    retreat: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to Decide and Gate: a reason is needed for ATTEST, BACK and ABORT, a stage for BACK; CLOSE is an
    emergency, and needs none."""

    act: Act
    reason: str = ""
    to: str = ""


class Operator(Protocol):
    """The person at the keyboard, or who stands in.  `name` goes into the journal as `by`."""

    @property
    def name(self) -> str: ...
    async def confirm(self, ask: Confirm) -> bool: ...
    async def type_name(self, ask: TypeName) -> str: ...
    async def choose(self, ask: Choose) -> Choice: ...
    async def secret(self, ask: AskSecret) -> SecretAnswer: ...
    async def attest(self, ask: Attest) -> str:
        """The reason or circumstances; empty: not attested."""
        ...

    async def by_hand(self, ask: ByHand) -> bool: ...
    async def run_command(self, ask: RunCommand) -> int | None:
        """The command's exit status; None: it was not run, or there is no such command on this machine."""
        ...

    async def fill(self, ask: Form) -> Mapping[str, str] | None:
        """What was entered, by each field's key, none of it a mistake; "" for what was left out; None: withdrawn."""
        ...

    async def decide(self, ask: Decide) -> Decision: ...
    async def gate(self, ask: Gate) -> Decision: ...


def typed_exactly(expected: str, typed: str) -> bool:
    """Whether a typed confirmation counts: case, spaces, look-alike letters and pasted newlines all refused."""
    return typed == expected
