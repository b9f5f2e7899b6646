"""Every binding does what it says: by each of its keys, by its button, and by no other way than those.

`CASES` has for each id a face of the gallery on which it is offered, what is typed first, and what must come of it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Input

import screens
from runbook.engine.ports import Act, Choice, Decision, SecretAnswer
from screens.dialogs.ask import Ask
from screens.dialogs.every_word import EveryWord
from screens.dialogs.failure import FailureDialog
from screens.dialogs.help import HelpDialog
from screens.dialogs.keys import KeysScreen
from screens.dialogs.leave import LeaveDialog
from screens.dialogs.note import NoteDialog
from screens.dialogs.reason import ReasonDialog
from screens.home.scenarios import ScenarioScreen
from screens.home.screen import HomeScreen
from screens.looks.keymap import answering, declared, keys_of
from screens.reading.history import HistoryScreen
from screens.reading.reader import Reader
from screens.reading.screen import RecordScreen
from screens.run.screen import RunScreen
from screens.run.steps import StepList
from screens.widgets.inputs import SecretInput
from tests.screens.driving import click, until, words
from tests.screens.fake import SHARE
from tests.screens.gallery import Shown, until_still
from tests.screens.gallery_shots import SHOTS

Effect = Callable[[Shown], bool]
FACES = {shot.name: shot for shot in SHOTS}


# -- what comes of a key --------------------------------------------------------------------------------------------
def answers(*wanted: Any) -> Effect:
    """The run's question was answered so, once."""
    return lambda shown: shown.answers == list(wanted)


def comes_to(kind: type[Screen[Any]]) -> Effect:
    """A screen of that class is on top."""
    return lambda shown: isinstance(shown.app.screen, kind)


def says(text: str) -> Effect:
    """That stands on the screen."""
    return lambda shown: text in words(shown.app)


def copies(text: str) -> Effect:
    """It is in the clipboard."""
    return lambda shown: text in shown.app.clipboard


def opens(what: str | None) -> Effect:
    """That run was opened."""
    return lambda shown: shown.source.opened == [what]


def leaves(code: int) -> Effect:
    """The app ends so."""
    return lambda shown: shown.app.return_code == code


def shows_stage(place: str) -> Effect:
    """The steps of that stage are shown."""
    return lambda shown: place in str(shown.app.screen.query_one(StepList).get_option_at_index(0).prompt)


def closes(shown: Shown) -> bool:
    """What was put on top of the app is gone."""
    return shown.dismissed == [None]


def scrolls(shown: Shown) -> bool:
    """The text does not stand at its beginning any more."""
    return shown.app.screen.query_one(Reader).scroll_y > 0


def rings(shown: Shown) -> bool:
    """What was read out stands in the entry."""
    return shown.app.screen.query_one(SecretInput).value == SHARE


def types_in(place: str) -> Effect:
    """The focus is there."""
    return lambda shown: shown.app.focused is not None and shown.app.focused.id == place


def hands_in(label: str) -> Effect:
    """A secret was handed in, as that one's."""

    def holds(shown: Shown) -> bool:
        return [each.label for each in shown.answers if each.secret is not None] == [label]

    return holds


@dataclass(frozen=True, slots=True)
class Case:
    """On that face, after those keys."""

    face: str
    effect: Effect
    first: tuple[str, ...] = ()
    by_mouse: bool = True  # False: there is no button for it, on purpose
    alone: bool = False  # True: the app is another one afterwards


DECLINED, STOPPED = False, SecretAnswer(None)
CASES = {
    "app.leave": Case("run-progress", comes_to(LeaveDialog), by_mouse=False),
    "app.keys": Case("run-progress", comes_to(KeysScreen), by_mouse=False),
    "app.note": Case("failure", comes_to(NoteDialog), by_mouse=False),
    "ask.help": Case("failure", comes_to(HelpDialog)),
    "attest.state": Case("attest", answers("k"), first=("k",)),
    "attest.decline": Case("attest", answers("")),
    "by-hand.done": Case("by-hand", answers(True)),  # noqa: FBT003 - an answer
    "by-hand.not-done": Case("by-hand", answers(DECLINED)),
    "by-hand.copy-manual": Case("by-hand", copies("Press Restart")),
    "checkpoint.open": Case("checkpoint", answers(Decision(Act.OPEN))),
    "checkpoint.sign-in": Case("checkpoint-signed-out", answers(Decision(Act.SIGN_IN))),
    "checkpoint.retry": Case("checkpoint", answers(Decision(Act.RETRY))),
    "checkpoint.close": Case("checkpoint-last", comes_to(ReasonDialog)),
    "checkpoint.back": Case("checkpoint", comes_to(ReasonDialog)),
    "checkpoint.abort": Case("checkpoint", comes_to(ReasonDialog)),
    "checkpoint.every-word": Case("checkpoint", says("as it should be")),
    "choose.take": Case("choose", answers(Choice("new"))),
    "code.hand-in": Case("code", hands_in("arn:aws:iam::1:mfa/cto"), ("1", "2", "3", "4", "5", "6")),
    "code.call": Case("code", rings),
    "code.stop": Case("code", answers(STOPPED)),
    "command.agree": Case("command", answers(None)),  # there is no terminal to lend in a test
    "command.decline": Case("command", answers(None)),
    "command.copy-manual": Case("command", copies("aws sso login --profile restore")),
    "again.agree": Case("confirm-careful", answers(True)),  # noqa: FBT003 - an answer
    "again.decline": Case("confirm-careful", answers(DECLINED)),
    "again.unsure": Case("confirm-careful", answers(), by_mouse=False),
    "confirm.agree": Case("confirm", answers(True)),  # noqa: FBT003 - an answer
    "confirm.decline": Case("confirm", answers(DECLINED)),
    "optional.agree": Case("confirm-optional", answers(True)),  # noqa: FBT003 - an answer
    "optional.decline": Case("confirm-optional", answers(DECLINED)),
    "credential.hand-in": Case("credential", hands_in(""), tuple("token")),
    "credential.stop": Case("credential", answers(STOPPED)),
    "every-word.close": Case("every-word", comes_to(FailureDialog)),
    "every-word.copy-all": Case("every-word", copies("HTTP 503 from S3")),
    "every-word.copy-manual": Case("every-word", copies("AWS console, S3")),
    "every-word.before": Case("every-word-pages", says("page 1 of"), ("n",)),
    "every-word.after": Case("every-word-pages", says("page 2 of")),
    "failure.sign-in": Case("failure-no-verdict", answers(Decision(Act.SIGN_IN))),
    "failure.retry": Case("failure", answers(Decision(Act.RETRY))),
    "failure.attest": Case("failure-no-verdict", comes_to(ReasonDialog)),
    "failure.accept": Case("failure-acceptable", answers(Decision(Act.ACCEPT))),
    "failure.close": Case("failure-no-verdict", comes_to(ReasonDialog)),
    "failure.back": Case("failure", comes_to(ReasonDialog)),
    "failure.abort": Case("failure", comes_to(ReasonDialog)),
    "failure.copy-manual": Case("failure", copies("AWS console, S3")),
    "failure.every-word": Case("failure", comes_to(EveryWord)),
    "fatal.close": Case("fatal", closes, alone=True),
    "fill.go-on": Case("fill", lambda shown: shown.app.screen._at == 1, ("P", "a", "t")),  # type: ignore[attr-defined]  # the dialogue's
    "fill.hand-in": Case("fill", says("This is needed.")),
    "fill.withdraw": Case("fill", answers(None)),
    "help.close": Case("help", comes_to(RunScreen)),
    "help.copy-manual": Case("help", copies("look at content in the provider's console")),
    "history.close": Case("history", comes_to(HomeScreen)),
    "history.log": Case("history", says("TRAINING LOG")),
    "history.mode": Case("history", says("mode: drill")),
    "history.open": Case("history", comes_to(RecordScreen)),
    "history.outcome": Case("history", says("outcome: aborted")),
    "history.plot": Case("history", says("best 42 min 0 s")),
    "home.drill": Case("home", opens("drill"), by_mouse=False, alone=True),
    "home.recover": Case("home", opens("recover"), by_mouse=False, alone=True),
    "home.train": Case("home", comes_to(ScenarioScreen), by_mouse=False),
    "home.resume": Case("home-unfinished", opens(None), by_mouse=False, alone=True),
    "home.history": Case("home", comes_to(HistoryScreen), by_mouse=False),
    "home.quit": Case("home", leaves(0), by_mouse=False, alone=True),
    "keys.close": Case("keys", comes_to(HomeScreen)),
    "leave.stay": Case("leave", comes_to(RunScreen)),
    "leave.leave": Case("leave", leaves(130), alone=True),
    "note.record": Case("note", says("findings 1"), tuple("odd")),
    "note.weigh": Case("note", says("● major")),
    "note.cancel": Case("note", comes_to(RunScreen)),
    "reading.search": Case("record", types_in("words")),
    "reading.before": Case("record", lambda shown: shown.app.screen.query_one(Reader).scroll_y == 0, ("right",)),
    "reading.after": Case("record", scrolls),
    "reading.copy": Case("record", copies("drill-20261013T100000Z-7f3a")),
    "reading.close": Case("record", comes_to(HistoryScreen)),
    "reading.next": Case("record-search", says("2 of 8"), ("escape",)),
    "reading.previous": Case("record-search", says("8 of 8"), ("escape",), by_mouse=False),
    "reason.hand-in": Case("reason-abort", answers(Decision(Act.ABORT, "why")), ("w", "h", "y")),
    "reason.cancel": Case("reason-abort", comes_to(FailureDialog)),
    "run.help": Case("run-progress", comes_to(HelpDialog), by_mouse=False),
    "run.look-right": Case("run-progress", shows_stage("image"), by_mouse=False),
    "run.look-left": Case("run-progress", shows_stage("snapshots"), by_mouse=False),
    "run.note": Case("run-progress", comes_to(NoteDialog), by_mouse=False),
    "run.leave": Case("run-progress", comes_to(LeaveDialog), by_mouse=False),
    "scenarios.start": Case("scenarios", opens("calm"), alone=True),
    "scenarios.back": Case("scenarios", comes_to(HomeScreen)),
    "search.back": Case("record-search", lambda shown: isinstance(shown.app.focused, Reader), by_mouse=False),
    "search.next": Case("record-search", says("2 of 8"), by_mouse=False),
    "share.hand-in": Case("share-practice", hands_in("Ada Lovelace"), ("enter", *SHARE)),
    "share.call": Case("share-practice", rings),
    "share.none-left": Case("share", says("Nobody else can be reached?")),
    "share.stop": Case("share", answers(STOPPED)),
    "type-name.hand-in": Case("type-name", answers("x"), ("x",)),
    "type-name.decline": Case("type-name", answers("")),
}


def _bindings() -> Iterator[tuple[type, Binding]]:
    """Every binding that a class in `screens` declares."""
    for module in pkgutil.walk_packages(screens.__path__, "screens."):
        for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if each.__module__ == module.name:
                yield from ((each, entry) for entry in each.__dict__.get("BINDINGS", ()) if isinstance(entry, Binding))


def test_each_binding_that_is_shown_has_a_name_and_stands_in_the_table() -> None:
    nameless = [f"{kind.__name__}: {binding.key}" for kind, binding in _bindings() if binding.show and not binding.id]
    assert not nameless
    assert {binding.id for _, binding in _bindings() if binding.id} == set(CASES)


def _binding(shown: Shown, name: str) -> Binding:
    has = (binding for of in (*answering(shown.app.screen), shown.app) for binding in declared(type(of)))
    return next(binding for binding in has if binding.id == name)


async def _come_about(shown: Shown, name: str, way: str) -> None:
    try:
        await until(shown.pilot, lambda: CASES[name].effect(shown))
    except AssertionError as never:
        raise AssertionError(f"{name} by {way}: {never}") from None


def _together() -> Iterator[tuple[str, ...]]:
    """The cases of a face in one app, but for those that make it another one."""
    faces = dict.fromkeys(case.face for case in CASES.values())
    for face in faces:
        names = tuple(name for name, case in CASES.items() if case.face == face and not case.alone)
        yield from ((name,) for name, case in CASES.items() if case.face == face and case.alone)
        if names:
            yield names


@pytest.mark.parametrize("names", tuple(_together()), ids=" ".join)
async def test_its_first_key_does_it_and_the_others_are_bound_to_the_same(names: tuple[str, ...]) -> None:
    face = FACES[CASES[names[0]].face]
    async with face.shown() as shown:
        for name in names:
            await face.come_back(shown)
            await _ready(shown)
            await _press(shown, name)


async def _ready(shown: Shown) -> None:
    """As it was at first: nothing typed, nothing answered, nothing copied."""
    typed = shown.app.screen.query(Input) if isinstance(shown.app.screen, Ask) else ()
    for entry in typed:
        entry.value = ""
    shown.answers.clear()
    shown.app.copy_to_clipboard("")


async def _press(shown: Shown, name: str) -> None:
    case = CASES[name]
    await shown.pilot.press(*case.first)
    binding = _binding(shown, name)
    first, *others = keys_of(binding.key)
    active = shown.app.screen.active_bindings
    assert first not in active or active[first].enabled  # the app's own are in force without being listed
    assert {active[key].binding.action for key in others if key in active} <= {binding.action}
    await shown.pilot.press(first)
    await _come_about(shown, name, first)


A_BUTTON_OF_EACH = {name.partition(".")[0]: name for name, case in reversed(CASES.items()) if case.by_mouse}


@pytest.mark.scenarios  # an app for each, half a minute together; what buttons do is looked at in every walk by mouse
@pytest.mark.parametrize("name", tuple(A_BUTTON_OF_EACH.values()))
async def test_its_button_does_the_same(name: str) -> None:
    case = CASES[name]
    async with FACES[case.face].shown() as shown:
        await shown.pilot.press(*case.first)
        await until_still(shown)
        await click(shown.pilot, _binding(shown, name).action)
        await _come_about(shown, name, "mouse")
