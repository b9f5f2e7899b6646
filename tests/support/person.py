"""The person at a line-by-line run on the practice estate: reads what is asked, and answers it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from runbook.training.client import PracticeEstate
from tests.support.terminal import Terminal

Answer = Callable[["Person", re.Match[str]], str]
Rule = tuple[str, str | Answer]  # what is asked, to the end of the question → what is typed


def _code(person: Person, _: re.Match[str]) -> str:
    return person.estate.credential("aws-mfa-code").reveal()


def _whose(person: Person, _: re.Match[str]) -> str:
    return "1"


def _share(person: Person, asked: re.Match[str]) -> str:
    return person.estate.share(asked["label"]).reveal()


def _credential(person: Person, asked: re.Match[str]) -> str:
    return person.estate.credential(asked["name"]).reveal()


def _an_hour_ago(_: Person, __: re.Match[str]) -> str:
    return f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%MZ}"


def _told_now(_: Person, __: re.Match[str]) -> str:
    return f"Bo Turing, {datetime.now(UTC):%Y-%m-%dT%H:%MZ}"


def _done(person: Person, asked: re.Match[str]) -> str:
    """By hand, before it is said that it is done; in training the practice estate does that itself."""
    if person.acts:
        what = asked["what"].lower()
        person.estate.hands("restart-vault" if "restart" in what else "wipe-vault")
    return "done"


RULES: Sequence[Rule] = (
    (r"MFA device shows now \(.*\): $", _code),
    (r"of (?P<label>[^,\n]+), \d of \d are in \(not shown\): $", _share),
    (r"Whose share .*: $", _whose),
    (r"\n? *(?P<name>[a-z0-9-]+): [^\n]*\(not shown; Enter = stop\): $", _credential),
    (r"What happened, or what this run is for.*: $", "the quarterly test, on a Friday"),
    (r"Class of the incident.*: $", "LOSS"),
    (r"When the incident .*: $", _an_hour_ago),
    (r"Type the platform's name \((?P<name>.+)\).*: $", lambda _, asked: asked["name"]),
    (r"How you know .*: $", "list of 2026-11-01, all of them reached"),
    (r"BY HAND: (?P<what>.*)\n[\s\S]*Is it \[.*\]: $", _done),
    (r"Type (?P<name>.+) exactly: $", lambda _, asked: asked["name"]),
    (r"Number \(Enter = default\): $", ""),
    (r"Do it \(Enter = no\) \[.*\]: $", ""),
    (r"Do it \[.*\]: $", "yes"),
    (r"Open it \[.*\]: $", "open"),
    (r"Is it so, with that reason \[.*\]: $", "yes"),
    (r"who, when: [^\n]*\n[^\n]* \(Enter = none\): $", _told_now),
    (r"\(Enter = [^\n]+\): $", ""),  # as the configuration has it
)


class Person:
    """Answers by `more`, then by the rules; each answer of a kind is typed again whenever it is asked again.

    `acts`: what is to be done by hand is done on the estate before it is said to be done.
    """

    def __init__(self, estate: PracticeEstate, more: Sequence[Rule] = (), *, acts: bool = True) -> None:
        self.estate = estate
        self.acts = acts
        self.typed: list[tuple[str, str]] = []  # (what was asked, what was typed)
        self._rules = (*more, *RULES)

    @property
    def secrets(self) -> set[str]:
        """What was typed where nothing is shown, but for codes: six digits are found anywhere."""
        return {typed for asked, typed in self.typed if "(not shown" in asked}

    def walk(self, terminal: Terminal, until: str = "") -> int:
        """Answer everything; the exit status.  With `until`, stop before a question that matches it (answers -1)."""
        while asked := terminal.settled():
            if until and re.search(until, asked):
                return -1
            answer = self._answer(asked)
            self.typed.append((asked.rsplit("\n", 1)[-1], answer))
            terminal.type(answer)
        return terminal.ended()

    def _answer(self, asked: str) -> str:
        for pattern, answer in self._rules:
            if found := re.search(pattern, asked):
                return answer if isinstance(answer, str) else answer(self, found)
        raise AssertionError(f"nobody expected this:\n{asked}")
