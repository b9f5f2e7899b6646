"""What people type, paste or are tricked into instead of a name: nothing of it may count as that name."""

from __future__ import annotations

from hypothesis import strategies as st

LOOK_ALIKES = {
    "a": "\N{CYRILLIC SMALL LETTER A}",
    "c": "\N{CYRILLIC SMALL LETTER ES}",
    "e": "\N{CYRILLIC SMALL LETTER IE}",
    "i": "\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}",
    "o": "\N{GREEK SMALL LETTER OMICRON}",
    "p": "\N{CYRILLIC SMALL LETTER ER}",
    "C": "\N{CYRILLIC CAPITAL LETTER ES}",
    "P": "\N{CYRILLIC CAPITAL LETTER ER}",
    "l": "1",
    " ": "\N{NO-BREAK SPACE}",
}
INVISIBLE = (
    "\N{ZERO WIDTH SPACE}",
    "\N{ZERO WIDTH NON-JOINER}",
    "\N{ZERO WIDTH JOINER}",
    "\N{WORD JOINER}",
    "\N{ZERO WIDTH NO-BREAK SPACE}",
    "\N{SOFT HYPHEN}",
    "\N{RIGHT-TO-LEFT OVERRIDE}",
    "\N{COMBINING GRAPHEME JOINER}",
)
LINE_ENDS = ("\n", "\r", "\r\n", "\x85", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}")
SPACES = (" ", "\t", "\N{NO-BREAK SPACE}", "\N{EM SPACE}", "\N{IDEOGRAPHIC SPACE}")


def of(name: str, *others: str) -> tuple[str, ...]:
    """One of each kind; `others` are names of other environments."""
    looks = next(letter for letter in name if letter in LOOK_ALIKES)
    return (
        name.swapcase(),
        name.lower(),
        name.upper(),
        f"{name} ",
        f" {name}",
        name.replace(" ", ""),
        name.replace(looks, LOOK_ALIKES[looks], 1),
        *(name[:2] + invisible + name[2:] for invisible in INVISIBLE),
        *(name + end for end in LINE_ENDS),
        f"{name}\n{name}",
        f"'{name}'",
        name[:-1],
        name + name[-1],
        "yes",
        *others,
    )


def altered(name: str) -> st.SearchStrategy[str]:
    """Any one change of it: a character put in anywhere, left out, or another in its place."""
    places = st.integers(0, len(name))
    odd = st.sampled_from((*INVISIBLE, *LINE_ENDS, *SPACES, *LOOK_ALIKES.values())) | st.characters()
    put_in = st.builds(lambda at, what: name[:at] + what + name[at:], places, odd)
    replaced = st.builds(lambda at, what: name[:at] + what + name[at + 1 :], places, odd)
    left_out = st.builds(lambda at: name[:at] + name[at + 1 :], st.integers(0, len(name) - 1))
    return st.one_of(put_in, replaced, left_out, st.text()).filter(lambda text: text != name)
