"""Other keys: what may be given to what, that they are then in place, and that everything names them."""

from __future__ import annotations

from collections import defaultdict
from importlib import import_module
from inspect import getsource
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.binding import Binding, BindingsMap
from textual.widgets import Input

from runbook.engine.ports import Act, Operator
from runbook.views import Preferences
from screens.app import RunbookApp
from screens.dialogs.attest import AttestDialog
from screens.dialogs.failure import FailureDialog
from screens.dialogs.help import HelpDialog
from screens.dialogs.keys import KeysScreen
from screens.dialogs.share import ShareDialog
from screens.home.screen import HomeScreen
from screens.looks import keymap, remapping
from tests.screens import questions
from tests.screens.driving import running, shown, until, until_on, words
from tests.screens.fake import FakeSession, a_home


def _failing() -> FakeSession:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.decide(questions.decide()))

    return FakeSession(script)


# -- what there is --------------------------------------------------------------------------------------------------
def test_every_key_that_is_shown_has_an_id_and_says_what_it_does() -> None:
    bindings = [(kind, each) for kind, several in remapping.all_bindings().items() for each in several]
    own = [(kind, each) for kind, each in bindings if kind.__dict__.get("BINDINGS") and each.description]
    assert len(own) > 60
    assert [(kind.__name__, each.action) for kind, each in own if each.show and not each.id] == [
        (kind.__name__, each.action) for kind, each in own if each.show and each.action.startswith("app.focus")
    ]


def test_an_id_belongs_to_one_action_with_one_key_wherever_it_is() -> None:
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for several in remapping.all_bindings().values():
        for each in several:
            if each.id:
                found[each.id].add((each.action, each.key))
    assert {name: what for name, what in found.items() if len(what) > 1} == {}


def test_the_screens_on_which_something_is_typed_are_known_by_their_ids() -> None:
    typed = set()
    for kind, several in remapping.all_bindings().items():
        own = [each.id.partition(".")[0] for each in several if each.id and each in kind.__dict__.get("BINDINGS", ())]
        if issubclass(kind, Input) or "from screens.widgets.inputs import" in getsource(import_module(kind.__module__)):
            typed |= set(own)
    assert typed - remapping.TYPED_IN == set()
    assert remapping.TYPED_IN - typed <= {"ask"}


# -- what may be given ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "wishes",
    [
        {"failure.retry": "f5"},
        {"failure.retry": "s", "failure.sign-in": "r"},
        {"checkpoint.open": "o, f9"},
        {"share.call": "c,f5"},
        {"run.help": "?"},
        {"app.leave": "ctrl+w"},
        {"attest.state": "enter,f6"},
        {"checkpoint.open": "ctrl+u"},
        {"run.note": "n,comma"},
        {"search.back": "f7"},
        {},
    ],
)
def test_what_can_be_pressed_and_clashes_with_nothing_may_be_given(wishes: dict[str, str]) -> None:
    assert remapping.mistakes(wishes) == []


@pytest.mark.parametrize(
    ("wishes", "what"),
    [
        ({"failur.retry": "f5"}, "did you mean failure.retry?"),
        ({"failure.retry": "F5"}, "did you mean f5?"),
        ({"failure.retry": "esc"}, "did you mean escape?"),
        ({"failure.retry": "cmd+r"}, "is not a key that terminals send"),
        ({"failure.retry": ""}, "has no key"),
        ({"failure.retry": " , "}, "has no key"),
        ({"run.note": "f5,"}, "has a comma with no key beside it"),
        ({"run.note": ",f5"}, "has a comma with no key beside it"),
        ({"run.note": "n,,m"}, "has a comma with no key beside it"),
        ({"run.note": "f5, ,f6"}, "has a comma with no key beside it"),
        ({"failure.retry": "down"}, "lists and entries need that key"),
        ({"failure.retry": "s"}, "is on the key of failure.sign-in (s)"),
        ({"failure.retry": "ctrl+q"}, "is on the key of app.leave (ctrl+q)"),
        ({"reason.hand-in": "h"}, "would not be heard while something is typed"),
        ({"note.record": "ctrl+u"}, "cannot be ctrl+u: the entry there needs that key (delete all to the left)"),
        ({"attest.state": "ctrl+a"}, "cannot be ctrl+a: the entry there needs that key (go to start)"),
        ({"fill.hand-in": "ctrl+w"}, "cannot be ctrl+w: the entry there needs that key"),
        ({"note.weigh": "left"}, "cannot be left: the entry there needs that key (move cursor left"),
        ({"ask.help": "f1,ctrl+k"}, "cannot be ctrl+k: the entry there needs that key"),
        ({"search.back": "escape,ctrl+e"}, "cannot be ctrl+e: the entry there needs that key"),
        ({"search.next": "x"}, "would not be heard while something is typed"),
        ({"home.quit": "enter"}, "cannot be enter: the list there needs that key (select)"),
        ({"app.leave": "z"}, "works on every screen"),
        ({"leave.leave": "escape"}, "is on the key of leave.stay"),
    ],
)
def test_what_could_never_work_is_told_with_what_to_do(wishes: dict[str, str], what: str) -> None:
    ((name, told),) = remapping.mistakes(wishes)
    assert name in wishes
    assert what in told


def test_enter_cannot_be_made_to_agree_where_it_must_not() -> None:
    ((name, told),) = remapping.mistakes({"again.agree": "enter"})
    assert name == "again.agree"
    assert "⏎" in told


def test_every_mistake_is_told_at_once() -> None:
    wishes = {"failur.retry": "f5", "failure.retry": "s", "share.call": "c", "leave.leave": "y"}
    assert {name for name, _ in remapping.mistakes(wishes)} == {"failur.retry", "failure.retry", "share.call"}


ANY_KEYS = st.lists(st.sampled_from(["f5", "n", "", " ", "ctrl+", "+", "plus", "\t"]) | st.text(max_size=4), max_size=4)
ANY_ID = st.sampled_from(
    sorted({each.id for several in remapping.all_bindings().values() for each in several if each.id})
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(ANY_ID | st.text(), ANY_KEYS.map(",".join) | st.text(), max_size=3))
def test_whatever_is_wished_is_told_or_can_be_put_in_place(wishes: dict[str, str]) -> None:
    if remapping.mistakes(wishes):
        return
    for several in remapping.all_bindings().values():
        placed = BindingsMap(several)
        placed.apply_keymap(RunbookApp._normalize_keymap(wishes))
        assert all(keymap.display(each, wishes) for _, each in placed)


async def test_where_a_question_mark_is_typed_the_key_that_opens_help_is_named() -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.attest(questions.ATTEST))
        await session.ask(operator.decide(questions.decide()))

    async with running(FakeSession(script)) as (app, pilot):
        await until_on(pilot, AttestDialog)
        await until(pilot, lambda: "F1 Help" in words(app))
        assert "? Help" not in words(app)
        assert (await _listed(app, pilot))["ask.help"].startswith("?/F1 Help")
        await pilot.press("escape")
        await until_on(pilot, AttestDialog)
        await until(pilot, lambda: bool(app.screen.check_action("decline", ())))
        await pilot.press("f1")
        await until_on(pilot, HelpDialog)
        await pilot.press("escape")
        await until_on(pilot, AttestDialog)
        await until(pilot, lambda: bool(app.screen.check_action("decline", ())))
        await pilot.press("escape")
        await until_on(pilot, FailureDialog)
        await until(pilot, lambda: "? Help" in words(app))


# -- that they are in place -----------------------------------------------------------------------------------------
async def test_another_key_does_it_and_the_old_one_does_not() -> None:
    session = _failing()
    async with running(session, preferences=Preferences(keys={"failure.retry": "f5"})) as (app, pilot):
        await until_on(pilot, FailureDialog)
        await pilot.press("r")
        assert isinstance(app.screen, FailureDialog)
        await pilot.press("f5")
        await until(pilot, lambda: bool(session.answers))
    assert session.answers[0].act is Act.RETRY


async def test_the_footer_and_every_text_name_the_key_that_is_in_place() -> None:
    liked = Preferences(keys={"failure.retry": "f5,x"})
    async with running(_failing(), preferences=liked) as (app, pilot):
        screen = await until_on(pilot, FailureDialog)
        await until(pilot, lambda: "F5/x Retry" in words(app))
        assert keymap.key_of(screen, "failure.retry") == "F5/x"
        assert keymap.key_of(screen, "failure.back") == "b"
        assert keymap.key_of(screen, "app.leave") == "ctrl+q"
        assert keymap.key_of(screen, "share.call") == ""


@pytest.mark.parametrize(
    ("key", "said"),
    [("ctrl+k", "ctrl+k"), ("f5,enter", "F5/⏎"), ("n,escape", "n/esc"), ("question_mark", "?"), ("+", "+")],
)
def test_a_key_is_named_as_it_stands_on_the_keyboard(key: str, said: str) -> None:
    assert keymap.display(Binding(key, "anything"), {}) == said


# -- the list of them -----------------------------------------------------------------------------------------------
async def _listed(app: RunbookApp, pilot: Any) -> dict[str, str]:
    """What the list says of each binding, by its id."""
    await pilot.press("ctrl+g")
    await until_on(pilot, KeysScreen)
    lines = [[str(each.render()) for each in line.children] for line in app.screen.query(".keys-line").results()]
    return {name: f"{key} {said}" for key, said, name in lines if name}


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 40)])
async def test_the_list_has_every_key_of_the_screen_below_with_its_id(size: tuple[int, int]) -> None:
    async with running(_failing(), size=size) as (app, pilot):
        await until_on(pilot, FailureDialog)
        listed = await _listed(app, pilot)
        assert listed["failure.retry"].startswith("r Retry")
        assert listed["app.leave"].startswith("ctrl+q Leave")
        assert "failure.attest" not in listed  # not offered for a FAIL
        assert "TRAINING" in shown(app).splitlines()[0]  # whose run it is stays in sight
        await pilot.press("escape")
        await until_on(pilot, FailureDialog)


async def test_the_list_says_what_is_not_possible_now_and_which_key_was_given() -> None:
    async with running(home=a_home(), start=None, preferences=Preferences(keys={"home.train": "f5"})) as (app, pilot):
        await until_on(pilot, HomeScreen)
        listed = await _listed(app, pilot)
        assert listed["home.train"].startswith("F5 Train")
        assert "(not now)" in listed["app.note"]
        assert "preferences.toml" in words(app)


async def test_the_list_comes_once_and_over_an_entry_too() -> None:
    async def script(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.secret(questions.ASK_SECRET))

    async with running(FakeSession(script)) as (app, pilot):
        await until_on(pilot, ShareDialog)
        await pilot.press("tab", "ctrl+g", "ctrl+g")
        await until_on(pilot, KeysScreen)
        assert sum(isinstance(each, KeysScreen) for each in app.screen_stack) == 1
