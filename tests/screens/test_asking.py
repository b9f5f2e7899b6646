"""What the smaller dialogues say and let be copied: statements, hands, commands, help, diffs; and all of their keys."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from textual.binding import Binding
from textual.widgets import Static

from runbook.engine.forecast import Forecast
from runbook.engine.ports import Change, Operator, Preview, RunCommand
from screens import dialogs
from screens.dialogs.ask import Ask
from screens.dialogs.attest import AS_STATED, AttestDialog
from screens.dialogs.confirm import differs
from screens.dialogs.doubt import SecondThought
from screens.dialogs.help import HelpDialog
from tests.screens.driving import click, running, until, until_on, words
from tests.screens.fake import FakeSession
from tests.screens.questions import ASK_SECRET, ATTEST, BY_HAND, CONFIRM

SIZES = ((80, 24), (60, 20))
PRINTED = "the list's print date, as 2026-09-30"
COMMAND = RunCommand("identity.tool", "Sign in", ("aws", "sso", "login", "--profile", "the clinic"))
Question = Callable[[Operator], Awaitable[Any]]


def asking(question: Question, **more: Any) -> FakeSession:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(question(operator))

    return FakeSession(script, **more)


# -- statements ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", SIZES)
async def test_what_a_statement_asks_for_is_asked_for_where_it_is_typed(size: tuple[int, int]) -> None:
    session = asking(lambda o: o.attest(replace(ATTEST, asks=PRINTED)))
    async with running(session, size) as (app, pilot):
        await until_on(pilot, Ask)
        await until(pilot, lambda: words(app).count(PRINTED) == 2)  # what to type, and in the entry
        assert "circumstances" not in words(app)
        await pilot.press(*"2026-09-30", "enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == ["2026-09-30"]


async def test_a_statement_without_what_it_asks_for_takes_a_second_press() -> None:
    session = asking(lambda o: o.attest(replace(ATTEST, asks=PRINTED)))
    async with running(session) as (app, pilot):
        screen = await until_on(pilot, Ask)
        await pilot.press("enter")
        await until(pilot, lambda: f"Not typed yet: {PRINTED}" in words(app))
        assert not session.answers
        await pilot.press("x", "backspace", "enter")  # who typed did not leave it out: asked for again
        assert not session.answers
        await until(pilot, lambda: screen._doubt.sure)  # type: ignore[attr-defined]  # a moment later
        await pilot.press("enter")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers == [AS_STATED]


@pytest.mark.parametrize("asks", ["", PRINTED])
async def test_who_presses_enter_over_and_over_states_nothing(asks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SecondThought, "AFTER_S", 3600.0)
    session = asking(lambda o: o.attest(replace(ATTEST, asks=asks)))
    async with running(session) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press(*["enter"] * 5)
        await click(pilot, "state")
        await click(pilot, "state")
        await until(pilot, lambda: "nce more states it" in words(app))
        assert not session.answers
        await pilot.press("x")
        await until(pilot, lambda: "nce more states it" not in words(app))
        app._leave(130)
    assert not session.answers


@pytest.mark.parametrize("between", [("tab",), ("left",), ("up",), ("f1", "escape"), ("f3", "escape")])
async def test_whatever_is_done_in_between_takes_the_first_press_back(between: tuple[str, ...]) -> None:
    session = asking(lambda o: o.attest(ATTEST))
    async with running(session) as (app, pilot):
        screen: Any = await until_on(pilot, AttestDialog)
        await pilot.press("enter")
        await until(pilot, lambda: screen._doubt.sure)
        for key in between:
            await pilot.press(key)
        await until_on(pilot, AttestDialog)
        assert "once more states it" not in words(app)
        await pilot.press("enter")
        await until(pilot, lambda: "once more states it" in words(app))
        assert not session.answers
        app._leave(130)


# -- copying ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("question", "what", "text"),
    [
        (lambda o: o.by_hand(BY_HAND), "these lines", "Press Restart\nWait for Running"),
        (lambda o: o.run_command(COMMAND), "the command", "aws sso login --profile 'the clinic'"),
    ],
)
async def test_what_is_done_elsewhere_is_copied(question: Question, what: str, text: str) -> None:
    async with running(asking(question)) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press("m")
        await until(pilot, lambda: f"✓ copied: {what}" in words(app))
        assert app.clipboard == text
        app._leave(130)


# -- help ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("forecast", "said"),
    [
        (Forecast(steps={"vault.restore": 190.0}, runs=4), "usually takes 0:03:10 (median; 4 earlier runs looked at)"),
        (Forecast(steps={"vault.restore": 190.0}, runs=1), "0:03:10 (median; 1 earlier run looked at)"),
        (Forecast(runs=4), "usually takes no forecast yet"),
    ],
)
async def test_help_tells_the_clause_how_long_it_usually_takes_and_the_manual_way(
    forecast: Forecast, said: str
) -> None:
    async with running(asking(lambda o: o.confirm(CONFIRM), forecast=forecast)) as (app, pilot):
        await until_on(pilot, Ask)
        await pilot.press("question_mark")
        await until_on(pilot, HelpDialog)
        await until(pilot, lambda: said in words(app))
        assert "policy § 3.2, stage 2: Encryption Vault" in words(app)
        await pilot.press("m")
        assert app.clipboard == "look at restore in the provider's console"
        app._leave(130)


# -- diffs --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "other", "part"),
    [
        ("https://vault.clinic:8200", "https://vault-2.clinic:8200", ""),
        ("https://vault-2.clinic:8200", "https://vault.clinic:8200", "-2"),
        ("CNAME old.origin, proxied", "CNAME new.edge, proxied", "old.origin"),
        ("240", "(absent)", ""),
        ("same", "same", ""),
        ("aaaa", "aaaaaa", ""),
        ("aaaaaa", "aaaa", "aa"),
    ],
)
def test_what_differs_of_a_value_is_found_between_what_is_alike(text: str, other: str, part: str) -> None:
    start, end = differs(text, other)
    assert text[start:end] == part


def _underlined(said: Any) -> list[str]:
    return [str(said)[span.start : span.end] for span in said.spans if "underline" in str(span.style)]


async def test_what_differs_is_underlined_and_nothing_else_is() -> None:
    changes = (Change("address", "https://vault.clinic:8200", "https://vault-2.clinic:8200"),)
    ask = replace(CONFIRM, preview=Preview("what", "target", (), changes))
    async with running(asking(lambda o: o.confirm(ask))) as (app, pilot):
        screen = await until_on(pilot, Ask)
        marked = [_underlined(each.content) for each in screen.query(".change .pair-text").results(Static)]
        assert marked == [[], ["-2"]]
        app._leave(130)


# -- marks --------------------------------------------------------------------------------------------------------
async def test_the_marked_line_of_a_list_has_a_sign() -> None:
    async with running(asking(lambda o: o.secret(ASK_SECRET))) as (app, pilot):
        await until_on(pilot, Ask)
        await until(pilot, lambda: "▸1 Ada Lovelace" in words(app))
        await pilot.press("down")
        await until(pilot, lambda: "▸2 Grace Hopper" in words(app))
        assert words(app).count("▸") == 1
        app._leave(130)


# -- keys ---------------------------------------------------------------------------------------------------------
def _dialogs(kind: type[Any] = Ask) -> Iterator[type[Any]]:
    for each in pkgutil.iter_modules(dialogs.__path__, "screens.dialogs."):
        importlib.import_module(each.name)
    for below in kind.__subclasses__():
        yield below
        yield from _dialogs(below)


def test_every_key_of_every_dialogue_has_an_id_a_word_and_a_line_that_says_what_it_does() -> None:
    poor = [
        f"{kind.__name__}: {binding.action}"
        for kind in _dialogs()
        for binding in kind.__dict__.get("BINDINGS", ())
        if not isinstance(binding, Binding) or not (binding.id and binding.description and binding.tooltip)
    ]
    assert poor == []
