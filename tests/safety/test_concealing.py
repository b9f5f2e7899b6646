from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.engine.ports import Secret
from runbook.safety.concealing import MASK, concealed, folded

_LETTERS = st.characters(codec="utf-8", exclude_characters="*")  # the mask's own
_LONG = st.text(_LETTERS, min_size=5, max_size=40)
_BESIDE = st.text(_LETTERS, max_size=20)
_FORMS = {
    "plain": lambda text: text,
    "upper case": lambda text: "".join(c.upper() if c.isascii() else c for c in text),
    "json": lambda text: json.dumps(text)[1:-1],
    "json, letters as they are": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps(text, ensure_ascii=False)[1:-1])[1:-1],
    "percent": lambda text: quote(text, safe=""),
    "percent, slashes as they are": quote,
    "percent, in lower case": lambda text: quote(text, safe="").lower(),
    "encodeURIComponent": lambda text: quote(text, safe="!~*'()"),
    "encodeURI": lambda text: quote(text, safe="!~*'();/?:@&=+$,#"),
    "form": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
}
WORDS = "Request failed payload validation: the variables of this group are based on another version - see details."


@pytest.mark.parametrize("form", _FORMS.values(), ids=_FORMS)
@given(secrets=st.lists(_LONG, min_size=1, max_size=4), before=_BESIDE, after=_BESIDE)
def test_no_secret_of_five_characters_or_more_survives(form, secrets, before, after):
    words = before + after.join(form(secret) for secret in secrets)
    said = concealed(words, map(Secret, secrets))
    for secret in secrets:
        for part in said.split(MASK):
            assert folded(form(secret)) not in folded(part)


@given(secrets=st.lists(st.text(st.characters(codec="utf-8", exclude_characters=WORDS + WORDS.upper()), max_size=9)))
def test_ordinary_words_stay(secrets):
    assert concealed(WORDS, map(Secret, secrets)) == WORDS


@given(short=st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=4))
def test_a_short_secret_is_never_masked_inside_a_word(short):
    said = concealed(WORDS, [Secret(short)])
    told = zip(WORDS.replace(":", " ").split(), said.replace(":", " ").split(), strict=True)
    changed = [(old, new) for old, new in told if old != new]
    assert all(old.strip(".").lower() == short and new.strip(".") == MASK for old, new in changed)


@pytest.mark.parametrize("words", ["Received on", '"on"', "MAIL=on;", "[on]", "on", "ON"])
def test_a_short_secret_is_masked_where_it_is_a_value(words):
    said = concealed(f"{words} in condition", [Secret("on")])
    assert said == f"{words.replace('on', MASK).replace('ON', MASK)} in condition"


def test_the_longest_goes_first_whatever_their_order():
    secrets = [Secret("clinic"), Secret("clinic-password"), Secret("clinic-pass")]
    assert concealed("got clinic-password.", secrets) == "got ***."
    assert concealed("got clinic-password.", reversed(secrets)) == "got ***."


def test_of_two_that_overlap_no_rest_stays():
    assert concealed("<abcdefghij>", [Secret("abcdef"), Secret("defghij")]) == "<***>"


def test_an_empty_secret_masks_nothing():
    assert concealed("as it is", [Secret("")]) == "as it is"
    assert concealed("as it is", []) == "as it is"
