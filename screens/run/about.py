"""One step: what it is, whether it changes anything, why it is there, what was expected and seen; in a given room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from textual.content import Content

from runbook.engine.events import Progress
from runbook.engine.procedure import Action, Attestation, Check, Question, Stage, Step
from runbook.engine.run import Run
from screens.text import one_line, within
from screens.words import QUIET, so_far

LABEL = 10  # cells of what stands before a text


@dataclass(frozen=True, slots=True)
class Entry:
    """A text and what it is; `needed`: a line is kept for it, however long what stands before it is."""

    label: str
    text: str
    needed: bool = False


def about(run: Run, stage: Stage[Any], step: Step[Any], told: Progress | None, lasting: str) -> list[Entry]:
    """`told` and `lasting`: of a step that runs, how far it is and for how long it has been."""
    what = _now(told, lasting) if step.id in run.begun else _seen(run, step)
    why = Entry("why", f"{step.why.rstrip('.')} (policy {stage.clause})")
    return [*(entry for entry in what if entry.text), Entry("does", effect(run, step)), why]


def _now(told: Progress | None, lasting: str) -> Iterator[Entry]:
    yield Entry("now", so_far(told, 300) if told else "", needed=True)
    yield Entry("taken", lasting)


def _seen(run: Run, step: Step[Any]) -> Iterator[Entry]:
    result = run.result(step.id) or run.last(step.id)
    if result is not None:
        void = "void now: " if run.result(step.id) is None else ""
        yield Entry("observed", f"{void}{result.observed}", needed=True)
        yield Entry("expected", result.expected, needed=True)
        yield Entry("fix", result.fix, needed=True)
        yield Entry("reason", result.reason)
        yield Entry("source", result.source)


def effect(run: Run, step: Step[Any]) -> str:
    """What it does outside this tool: the newest call that it announced, else whether it makes any at all."""
    called = next((each for each in reversed(run.announced) if each.step == step.id), None)
    if called is not None:
        return f"changes something: {called.operation} on {called.target}"
    return _effect(step)


def _effect(step: Step[Any]) -> str:
    match step:
        case Check(criterion=criterion) if criterion:
            return f"only reads; one of the three criteria ({criterion})"
        case Check(control=control) if control:
            return f"only reads; a negative control ({control}): it must fail first"
        case Check():
            return "only reads"
        case Action(asks=True):
            return "changes something: the exact calls are shown and asked about first"
        case Action():
            return "changes something"
        case Question():
            return "asks you to choose"
        case Attestation():
            return "asks for your word, where no API can show it"
        case _:
            return ""


def fitted(title: str, entries: Sequence[Entry], width: int, lines: int) -> Content:
    """The title, and below it as many of the entries as there is room for; what is cut ends with a sign."""
    shown, left = [Content.styled(one_line(title, width), "bold")], lines - 1
    for number, entry in enumerate(entries):
        kept = sum(later.needed for later in entries[number + 1 :])
        most = max(left - kept, 1)
        if left > 0:
            text = within(entry.text, width - LABEL, most).replace("\n", "\n" + " " * LABEL)
            shown.append(Content.assemble((f"{entry.label:<{LABEL}}", QUIET), text))
            left -= 1 + text.count("\n")
    return Content("\n").join(shown)
