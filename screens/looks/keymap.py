"""Other keys for what the screens do: put in place, and named wherever a key is named.

`preferences.toml` gives keys by the id of a binding (`screens.looks.remapping` says which may be given); Textual's
keymap puts them in place.  The footer, the palette and every text that names a key then name the one that is in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from textual.app import App
from textual.binding import Binding, BindingsMap
from textual.dom import DOMNode
from textual.keys import format_key
from textual.screen import Screen

from runbook.views import Preferences


def apply(app: App[Any], preferences: Preferences) -> None:
    """Put the keys in place that somebody likes."""
    app.set_keymap(preferences.keys)


def display(binding: Binding, keys: Mapping[str, str]) -> str:
    """How its keys are shown: those that `keys` gives it, else as it says itself."""
    own = keys.get(binding.id or "", "")
    if not own and binding.key_display:
        return binding.key_display
    return "/".join(_spelled(key.strip()) for key in (own or binding.key).split(","))


def key_of(screen: Screen[Any], binding_id: str) -> str:
    """The key of that binding as it is now, as the footer shows it; "" when the screen has no such binding."""
    has = (*declared(type(screen)), *declared(type(screen.app)))
    return next((screen.app.get_key_display(each) for each in has if each.id == binding_id), "")


def declared(kind: type) -> list[Binding]:
    """What a screen, or the app, answers to by default: what it inherits, but for the keys that it uses otherwise.

    One binding for each action, as written, with all of its keys.
    """
    by_key: dict[str, Binding] = {}
    for base in reversed(kind.__mro__):
        entries = (each for each in base.__dict__.get("BINDINGS", ()) if isinstance(each, Binding))
        by_key |= {key: binding for binding in entries for key in keys_of(binding.key)}
    return list(dict.fromkeys(by_key.values()))


def answering(screen: Screen[Any]) -> list[DOMNode]:
    """What answers to keys there, beside the app: what has the focus, then the screen itself."""
    return [*filter(None, [screen.focused]), screen]


def keys_of(several: str) -> Iterable[str]:
    """The keys of `o,enter`, by the names that Textual has for them; none of ""."""
    named = BindingsMap([Binding(several, "any")]) if several else BindingsMap()
    return tuple(named.key_to_bindings)


def _spelled(key: str) -> str:
    """`f5` as F5, `enter` as ⏎; `ctrl+k` stays, as our texts have it."""
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    is_function = last[:1] == "f" and last[1:].isdecimal()
    return "+".join([*modifiers, last.upper() if is_function else format_key(last)])
