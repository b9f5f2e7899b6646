"""Which keys may be given to what: every binding there is, and what is wrong with a wish.

Loads every screen, so it is asked only by who has keys of their own, and by tests.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import chain

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.app import App
from textual.binding import Binding
from textual.keys import key_to_character
from textual.widget import Widget
from textual.widgets import Input, OptionList

import screens
from screens.frame import Frame
from screens.looks.keymap import declared, display, keys_of

EVERYWHERE = "app"
"""The first part of the ids of bindings that work on every screen."""
TYPED_IN = frozenset({
    "attest", "choose", "code", "credential", "fill", "note", "reason", "search", "share", "type-name", "ask",
})  # fmt: skip
"""The first part of the ids of screens on which something is typed: a letter is no key there while it is."""
CHOSEN_FROM = "home"
"""The first part of the ids of the screen on which a line of a list is chosen; other lists leave Enter to theirs."""
KEPT = frozenset({
    "up", "down", "pageup", "pagedown", "home", "end", "tab", "shift+tab", "backspace", "delete", "ctrl+c", "ctrl+p",
    "ctrl+home", "ctrl+end", "ctrl+pageup", "ctrl+pagedown", "ctrl+left", "ctrl+right", "ctrl+v", "ctrl+x",
})  # fmt: skip
"""What lists, tables, entries and the palette need for themselves."""
_SENT = chain.from_iterable(keys for keys in ANSI_SEQUENCES_KEYS.values() if isinstance(keys, tuple))
SENT = frozenset(key.value for key in _SENT if not key.value.startswith("<"))
"""The keys without a character of their own that terminals send."""
_OTHER_NAMES = {"esc": "escape", "return": "enter", "pgup": "pageup", "pgdn": "pagedown", "del": "delete"}


def _used_by(kind: type[Widget]) -> Mapping[str, str]:
    """The keys that it keeps to itself while it has the focus, so that its screen never hears them; and what for."""
    bindings = (each for each in kind.BINDINGS if isinstance(each, Binding))
    return {key: each.description.lower() for each in bindings for key in keys_of(each.key)}


TYPING = {key: what for key, what in _used_by(Input).items() if key != "enter"}  # `Entry` leaves that to its screen
CHOOSING = _used_by(OptionList)


def all_bindings() -> Mapping[type, list[Binding]]:
    """What the app and each screen answer to by default, and what an entry of ours does with keys of its own."""
    for module in pkgutil.walk_packages(screens.__path__, "screens."):
        importlib.import_module(module.name)
    own = {kind: declared(kind) for kind in (*_below(App), *_below(Frame))}
    own |= {kind: [each for each in declared(kind) if each.id] for kind in _below(Input)}
    return {kind: found for kind, found in own.items() if found and kind.__module__.startswith("screens.")}


def _below(kind: type) -> Iterator[type]:
    direct: list[type] = kind.__subclasses__()
    for each in direct:
        yield each
        yield from _below(each)


def mistakes(wishes: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is wrong with keys by the ids of bindings: the id, and a sentence that goes on from it."""
    there = all_bindings()
    ids = {binding.id for bindings in there.values() for binding in bindings if binding.id}
    found = [(name, what) for name, keys in wishes.items() for what in _wrong(name, keys, ids)]
    told = dict(reversed(found))  # one for each is enough, the first
    sound = {name: keys for name, keys in wishes.items() if name not in told}
    for bindings in there.values():
        told |= dict(_clashes(bindings, there, sound))
    return list(told.items())


def _wrong(name: str, keys: str, ids: Iterable[str]) -> Iterator[str]:
    if name not in ids:
        near = get_close_matches(name, ids, n=1)
        yield f"is not an action of the screens{f' (did you mean {near[0]}?)' if near else ''}: ctrl+g lists them"
        return
    if not keys.strip(", "):
        yield "has no key"
        return
    if not all(part.strip() for part in keys.split(",")):
        yield "has a comma with no key beside it (the key of the comma itself is comma)"
        return
    each, where = list(keys_of(keys)), name.partition(".")[0]
    yield from chain.from_iterable(_unusable(key, where) for key in each)
    letters = [key for key in each if _types(key)]
    if letters and where == EVERYWHERE:
        yield "works on every screen, also where something is typed: give it a key that types nothing, such as f6"
    elif letters == each and where in TYPED_IN:
        yield "would not be heard while something is typed: give it one more key that types nothing, such as f6"


def _types(key: str) -> bool:
    """Whether it is a character, and so typed into an entry."""
    return (key_to_character(key) or "\0").isprintable()


def _unusable(key: str, where: str) -> Iterator[str]:
    if key in KEPT:
        yield f"cannot be {key}: lists and entries need that key"
    elif where in TYPED_IN and key in TYPING:
        yield f"cannot be {key}: the entry there needs that key ({TYPING[key]})"
    elif where == CHOSEN_FROM and key in CHOOSING:
        yield f"cannot be {key}: the list there needs that key ({CHOOSING[key]})"
    elif key not in SENT and not _types(key):
        likely = _OTHER_NAMES.get(key.lower(), key.lower())
        near = [likely] if likely in SENT else get_close_matches(likely, SENT, n=1)
        yield f"is not a key that terminals send{f' (did you mean {near[0]}?)' if near else ''}"


def _clashes(
    bindings: list[Binding], there: Mapping[type, list[Binding]], wishes: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Two things of one screen on one key: told of the one that somebody moved there."""
    everywhere = [each for kind, its in there.items() if issubclass(kind, App) for each in its]
    taken: dict[str, list[Binding]] = {}
    for binding in dict.fromkeys([*bindings, *everywhere]):
        for key in keys_of(wishes.get(binding.id or "", binding.key)):
            taken.setdefault(key, []).append(binding)
    for one in chain.from_iterable(taken.values()):
        for key in keys_of(wishes.get(one.id or "", "")):
            others = [each for each in taken.get(key, ()) if each is not one]
            if others:
                yield str(one.id), f"is on the key of {_named(others[0])} ({display(others[0], wishes)})"


def _named(binding: Binding) -> str:
    return binding.id or binding.description or binding.action
