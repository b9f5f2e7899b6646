"""Every state can be told without colour: a word and a glyph for each, no two of one kind alike, each seen in a face
of the gallery as text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from screens.reading import recorded
from screens.words import ACCEPTED, AGAIN, OUTCOMES, PENDING, QUARTERS, RUNNING, TO_COME, VERDICTS, Mark

STORED = {path.name: path for path in Path(__file__).parent.glob("__snapshots__/test_gallery_*/*.txt")}
KINDS: Mapping[str, Mapping[str, Mark]] = {
    "step": {
        **{str(verdict): mark for verdict, mark in VERDICTS.items()},
        "accepted": ACCEPTED,
        "to do": PENDING,
        "to do again": AGAIN,
        "running": RUNNING,
    },
    "outcome": OUTCOMES,
    "quarter": QUARTERS,
    "sign-off": recorded.SIGNOFF,
}
SAID: Mapping[
    str, tuple[str, ...]
] = {  # what has no table of its own: how it is said, a face in which it holds, and how it is said on the narrow rail
    "stage to come": (TO_COME.word, "run-early", "5·"),
    "stage under way": ("▸ under way", "run-progress"),
    "stage passed": ("✓ passed", "run-progress", "1✓ 2✓"),
    "stage accepted or not passed": ("✗ not passed", "run-every-mark"),
    "stage fell": ("✗ fell", "run-layer-fallen", "1✓ 2✗"),
    "layer alive": ("● alive", "run-progress", "1✓ 2✓"),
    "layer down": ("✗ DOWN", "run-layer-fallen", "1✓ 2✗"),
    "working": ("▸ working, nothing to press", "run-progress"),
    "waiting for a person": ("waiting for the operator's answer", "run-watching"),
    "watching": ("WATCHING, read-only", "run-watching"),
    "run over": ("run over: ■ ABORTED", "run-over"),
    "time target missed": ("EXCEEDED", "run-over-target"),
    "forecast too late": ("TOO LATE", "run-over-target"),
    "forecast in time": ("in time", "run-progress"),
    "stage over its budget": ("OVER", "run-over-target"),
    "stand-ins": ("providers: LOOPBACK", "run-drill"),
    "findings": ("findings 1", "run-every-mark"),
    "paused": ("suspended 0:14:00", "run-back-again"),
    "signed in with a second factor": ("MFA proven", "run-mfa"),
    "a second factor that somebody vouches for": ("MFA attested", "run-mfa-attested"),
    "signed in without a second factor": ("NO MFA", "run-no-mfa"),
    "checkpoint open": ("✓ CAN BE OPENED", "checkpoint"),
    "checkpoint shut": ("✗ SHUT", "checkpoint-shut"),
    "option that cannot be chosen": ("✗ cannot be chosen: still being made", "choose-unfit"),
    "log sound": ("✓ verified (OK)", "home"),
    "log damaged": ("✗ ROW_ALTERED", "home-damaged"),
    "row damaged": (recorded.ROW_DAMAGED.word, "history-damaged"),
    "never drilled": ("✗ NEVER DRILLED", "home-never-drilled"),
    "run unfinished": ("… UNFINISHED", "home-unfinished"),
    "no platform": ("Start here: Train", "home-first-run"),
}


@cache
def _text(face: str, size: str) -> str:
    stored = STORED[f"test_it_looks_as_it_did[{face}][{size}].txt"]
    return " ".join(stored.read_text(encoding="utf-8").split())


@cache
def _every_text() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for _, path in sorted(STORED.items()))


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_states_of_a_kind_share_their_word_and_each_has_a_glyph_too(kind: str) -> None:
    marks = KINDS[kind].values()
    assert len({mark.word.casefold() for mark in marks}) == len(marks)
    assert all(mark.glyph.strip() and mark.word.strip() for mark in marks)


@pytest.mark.parametrize("kind", KINDS)
def test_good_and_bad_of_a_kind_never_share_their_glyph(kind: str) -> None:
    glyphs = {style: {mark.glyph for mark in KINDS[kind].values() if mark.style == style} for style in _styles(kind)}
    good = glyphs.get("$text-success", set())
    assert not any(good & others for style, others in glyphs.items() if style != "$text-success")


def _styles(kind: str) -> set[str]:
    return {mark.style for mark in KINDS[kind].values()}


@pytest.mark.parametrize(("kind", "state"), [(kind, state) for kind, marks in KINDS.items() for state in marks])
def test_each_state_is_seen_somewhere_as_glyph_and_word(kind: str, state: str) -> None:
    mark = KINDS[kind][state]
    assert f"{mark.glyph} {mark.word}" in _every_text()


@pytest.mark.parametrize("size", ["80x24", "60x20"])
@pytest.mark.parametrize("state", SAID)
def test_what_has_no_mark_is_said_where_it_holds(state: str, size: str) -> None:
    said, face, *on_the_narrow_rail = SAID[state]
    wanted = on_the_narrow_rail[0] if on_the_narrow_rail and size == "60x20" else said
    assert wanted in _text(face, size)


def test_nothing_of_it_is_said_everywhere() -> None:
    texts = [path.read_text(encoding="utf-8") for name, path in STORED.items() if "80x24" in name]
    assert texts
    always = [state for state, (said, *_) in SAID.items() if all(said in " ".join(text.split()) for text in texts)]
    assert not always
