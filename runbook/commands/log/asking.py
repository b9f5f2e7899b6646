"""What `log sign` and `log amend` need to be told: by options, else asked for on a terminal."""

from __future__ import annotations

import contextlib
import os
import platform
import pwd
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from runbook.config.checks.pasted import marked
from runbook.engine.errors import WrongUse
from runbook.engine.ports import Field, Form, Operator
from runbook.plain import Keyboard, Lines, PlainOperator
from runbook.records.signoff import documents
from runbook.safety.outside_text import outside_text
from steps import PROCEDURE

LIMIT: Final = 120  # characters of a name, a role
REASON: Final = 300  # of a reason
WIDTH: Final = 80  # columns of what is shown


@dataclass(frozen=True, slots=True)
class Wanted:
    """One answer: the option that gives it, what was given by it (None: nothing), and how it is asked for."""

    option: str
    given: str | None
    field: Field


@contextlib.contextmanager
def person() -> Iterator[Operator | None]:
    """Whoever sits at this terminal; None where standard input is none."""
    if not sys.stdin.isatty():
        yield None
        return
    with closing(Keyboard(sys.stdin)) as keyboard:
        yield PlainOperator(Lines(PROCEDURE, sys.stdout), keyboard, lambda: None)


async def answers(
    asked: Operator | None, title: str, wanted: Sequence[Wanted], *, submit: str, text: tuple[str, ...] = ()
) -> Mapping[str, str]:
    """By each field's key.  What no option gave is asked for, or has its default where nobody is there (`needed`).

    WrongUse where they withdraw, or an option gave what cannot be taken.
    """
    given = {each.field.key: _given(each) for each in wanted if each.given is not None}
    missing = [each.field for each in wanted if each.given is None]
    if asked is None or not missing:
        return given | {field.key: field.default for field in missing}
    filled = await asked.fill(Form("", title, text, tuple(missing), submit=submit))
    if filled is None:
        raise WrongUse("stopped: nothing was written")
    return {**given, **filled}


def needed(asked: Operator | None, lacking: Mapping[str, bool], example: str) -> None:
    """WrongUse that names every option that lacks, where nobody is there to be asked."""
    missing = [option for option, lacks in lacking.items() if lacks]
    if missing and asked is None:
        raise WrongUse(f"there is no terminal to ask on, and these are missing: {', '.join(missing)}", fix=example)


def _given(wanted: Wanted) -> str:
    text = wanted.field.taken(wanted.given or "")
    if mistake := wanted.field.mistake(text):
        raise WrongUse(f"{wanted.option}: {mistake}")
    return text


def line(what: str, limit: int = LIMIT) -> Callable[[str], str]:
    """What is wrong with a text that a record keeps for good: it is one line, harmless, short, and no secret."""

    def wrong(text: str) -> str:
        if outside_text(text, limit) != text:
            return f"Write {what} of at most {limit} ordinary characters, on one line."
        return f"That looks like a secret: write {what} without it." if marked(text) else ""

    return wrong


def keyboard() -> documents.Keyboard:
    """Whose account this is, as the system says: who was at the keyboard, and no proof of it."""
    uid = os.getuid()
    try:
        account = pwd.getpwuid(uid).pw_name
    except KeyError:
        account = f"uid {uid}"
    return documents.Keyboard(outside_text(account, LIMIT), outside_text(platform.node(), LIMIT))
