"""What the themes promise: everything that is painted can be read, and without colours nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from rich.color import Color as Ink
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.pilot import Pilot
from textual.widgets import Button
from textual.widgets._footer import FooterKey

from runbook.commands import preferences
from runbook.engine.events import Kind
from runbook.engine.ports import Operator
from runbook.engine.verdict import Verdict
from runbook.views import Banner, Preferences
from screens import words
from screens.app import RunbookApp
from screens.dialogs.checkpoint import CheckpointDialog
from screens.dialogs.choose import ChooseDialog
from screens.dialogs.confirm import ConfirmDialog
from screens.dialogs.failure import FailureDialog
from screens.dialogs.share import ShareDialog
from screens.home.screen import HomeScreen
from screens.looks import themes
from screens.run.screen import RunScreen
from tests.screens import questions
from tests.screens.driving import running, shown, until, until_on
from tests.screens.fake import FakeSession, a_home, an_unfinished_run

pytestmark = pytest.mark.scenarios  # as slow, all together, as a whole run

COLOURED = [name for name in themes.THEMES if name != themes.MONOCHROME]
LEAST = {themes.DARK: 4.5, themes.LIGHT: 4.5, themes.HIGH_CONTRAST: 7.0}
STYLES = sorted({
    *(mark.style for table in (words.VERDICTS, words.OUTCOMES) for mark in table.values()),
    words.GOOD, words.BAD, words.WARN, words.QUIET, words.BUSY, "$foreground", "$text-primary",
})  # fmt: skip
GROUNDS = ("background", "surface", "panel", "block-cursor-background", "block-cursor-blurred-background")
LINES = frozenset("─│┌┐└┘├┤┬┴┼╭╮╰╯▔▁▏▕▎▊▌▐▄▀▆█▇▂▃▅╸╺━┃░▒▓▟▙▜▛⎹│║▁ ")  # no words: borders, scrollbars, bars


def contrast(one: Color, other: Color) -> float:
    """As WCAG 2.2 has it, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(part) for part in colour.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_black_on_white_has_the_contrast_that_the_standard_says() -> None:
    assert contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)
    assert contrast(Color(119, 119, 119), Color(255, 255, 255)) == pytest.approx(4.48, abs=0.01)


# -- as the tables have it ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("theme", COLOURED)
def test_a_word_can_be_read_on_every_ground_that_it_stands_on(theme: str, style: str, ground: str) -> None:
    look = _variables(theme)
    ink = look[style.rsplit(maxsplit=1)[-1].removeprefix("$")]
    assert contrast(Color.parse(ink), Color.parse(look[ground])) >= LEAST[theme]


def _variables(theme: str) -> dict[str, str]:
    found = themes.THEMES[theme]
    return {**found.to_color_system().generate(), **found.variables}


def test_the_names_of_the_themes_are_those_that_a_preference_may_give() -> None:
    assert tuple(themes.THEMES) == preferences.THEMES == tuple(themes.SAID)


# -- as it is painted -----------------------------------------------------------------------------------------------
@asynccontextmanager
async def _asked(question: str, theme: str = "") -> AsyncIterator[tuple[RunbookApp, Pilot[None]]]:
    async def ask(session: FakeSession, operator: Operator) -> None:
        session.stage_done("identity")
        session.opened("identity")
        for step, verdict in zip(session.procedure.stage("vault").steps, Verdict, strict=False):
            session.result(step.id, verdict)
        if question == "gate":
            session.shut = "the vault is sealed"
        await session.ask(_QUESTIONS[question](session, operator))

    session = FakeSession(ask, targets={"rto_s": 3600, "rpo_s": 90000})
    async with running(session, preferences=Preferences(theme)) as (app, pilot):
        await until_on(pilot, _TOPS[question])
        yield app, pilot


_QUESTIONS: dict[str, Any] = {
    "failure": lambda _, operator: operator.decide(questions.decide()),
    "gate": lambda session, operator: operator.gate(session.gate_of("vault")),
    "confirm": lambda _, operator: operator.confirm(questions.CONFIRM),
    "choose": lambda _, operator: operator.choose(questions.CHOOSE),
    "share": lambda _, operator: operator.secret(questions.ASK_SECRET),
}
_TOPS: dict[str, Any] = {
    "failure": FailureDialog,
    "gate": CheckpointDialog,
    "confirm": ConfirmDialog,
    "choose": ChooseDialog,
    "share": ShareDialog,
}


def _painted(app: RunbookApp) -> Iterator[Segment]:
    """What goes to the terminal, after the filters."""
    update: Any = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    for line in update.strips:
        for strip in line:
            yield from strip


def _said(app: RunbookApp) -> list[tuple[str, Style]]:
    """Words with the style that they are painted in; a border is none."""
    styled = [(segment.text.strip(), segment.style or Style()) for segment in _painted(app)]
    return [(text, style) for text, style in styled if text and not set(text) <= LINES]


def _read(style: Style) -> float:
    assert style.color is not None
    assert style.bgcolor is not None
    ink, ground = (Color.from_rich_color(each) for each in (style.color, style.bgcolor))
    return contrast(ink, ground)


async def _put_on(app: RunbookApp, pilot: Pilot[None], theme: str) -> None:
    app.theme = theme
    await pilot.pause()
    await pilot._wait_for_screen()


@pytest.mark.parametrize("question", [*_QUESTIONS])
async def test_all_that_a_dialogue_says_can_be_read_in_every_theme(question: str) -> None:
    async with _asked(question) as (app, pilot):
        for theme in COLOURED:
            await _put_on(app, pilot, theme)
            faint = [(text, round(_read(style), 1)) for text, style in _said(app) if _read(style) < LEAST[theme]]
            assert [each for each in faint if not _is_greyed(app, each[0])] == [], theme


def _is_greyed(app: RunbookApp, text: str) -> bool:
    """A key that is not possible now; the sentence beside it says why, and is no fainter than others."""
    buttons = app.screen.query(Button).results()
    keys = app.screen.query(FooterKey).results()
    return text in {str(each.label) for each in buttons if each.disabled} or any(
        text in f"{each.key_display} {each.description}" for each in keys if each.has_class("-disabled")
    )


async def test_a_run_and_home_can_be_read_in_every_theme() -> None:
    async def wait(session: FakeSession, operator: Operator) -> None:
        session.stage_done("identity")
        session.opened("identity")
        session.say(Kind.STARTED, "vault", "vault.backup", attempt=1)
        session.note("something odd")
        await session.ask(operator.confirm(questions.CONFIRM))

    async with running(FakeSession(wait)) as (app, pilot):
        await until_on(pilot, ConfirmDialog)
        await app.pop_screen()
        await _readable(app, pilot, RunScreen)
    async with running(home=a_home(an_unfinished_run()), start=None) as (app, pilot):
        await _readable(app, pilot, HomeScreen)


async def _readable(app: RunbookApp, pilot: Pilot[None], kind: type[Any]) -> None:
    await until_on(pilot, kind)
    for theme in COLOURED:
        await _put_on(app, pilot, theme)
        assert [text for text, style in _said(app) if _read(style) < LEAST[theme] and not _is_greyed(app, text)] == []


@pytest.mark.parametrize("mode", ["TRAINING", "DRILL", "REHEARSAL", "RECOVERY", "UNKNOWN"])
async def test_a_banner_can_be_read_in_every_theme_and_has_the_same_colour_in_all(mode: str) -> None:
    async def wait(session: FakeSession, operator: Operator) -> None:
        await session.ask(operator.confirm(questions.CONFIRM))

    async with running(FakeSession(wait, banner=Banner(mode, "the target", "LOOPBACK"))) as (app, pilot):
        grounds = set()
        for theme in COLOURED:
            await _put_on(app, pilot, theme)
            line = [style for text, style in _said(app) if text in {mode, "target:", "the target"}]
            assert len(line) >= 3
            assert min(_read(style) for style in line) >= LEAST[themes.DARK]
            grounds |= {style.bgcolor for style in line}
        assert len(grounds) <= 2  # the mode is in reverse


# -- without colours ------------------------------------------------------------------------------------------------
def _colours(app: RunbookApp) -> set[str]:
    colours = (
        each for segment in _painted(app) if segment.style for each in (segment.style.color, segment.style.bgcolor)
    )
    return {each.name for each in colours if each is not None}


async def test_monochrome_sends_no_colour_at_all() -> None:
    async with _asked("choose", themes.MONOCHROME) as (app, _):
        assert _colours(app) == {"default"}


async def test_no_color_begins_in_monochrome_whatever_is_liked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with _asked("failure", themes.LIGHT) as (app, _):
        assert app.theme == themes.MONOCHROME
        assert _colours(app) == {"default"}


async def test_without_colours_what_is_marked_and_what_has_the_focus_is_in_reverse() -> None:
    async with _asked("choose", themes.MONOCHROME) as (app, pilot):
        marked = [text for text, style in _said(app) if style.reverse]
        assert any("rds:prod-22" in text for text in marked)
        assert not any("rds:prod-20" in text for text in marked)
        await pilot.press("tab", "tab")
        await until(pilot, lambda: isinstance(app.screen.focused, Button))
        focused = app.screen.query_one("Button:focus", Button)
        assert any(str(focused.label) in text for text, style in _said(app) if style.reverse)


async def test_without_colours_the_banner_is_a_bar_in_reverse() -> None:
    async with _asked("confirm", themes.MONOCHROME) as (app, _):
        bar = [style for text, style in _said(app) if "practice estate on 127.0.0.1" in text]
        assert [style.reverse for style in bar] == [True]


# -- what is offered ------------------------------------------------------------------------------------------------
async def test_only_our_themes_are_offered_and_dark_is_where_it_begins() -> None:
    async with running(start=None) as (app, _):
        assert set(app.available_themes) == set(themes.THEMES)
        assert app.theme == themes.DARK


async def test_the_theme_that_somebody_likes_is_there_with_the_first_frame() -> None:
    async with running(start=None, preferences=Preferences(themes.LIGHT)) as (app, pilot):
        await until_on(pilot, HomeScreen)
        assert app.theme == themes.LIGHT
        assert Color.parse("#fbfbf9").rich_color.name in _colours(app)
        assert "Train" in shown(app)


# -- sixteen colours ------------------------------------------------------------------------------------------------
# the colours of the Linux console, which is also what a serial line usually ends at
CONSOLE = ["000000", "aa0000", "00aa00", "aa5500", "0000aa", "aa00aa", "00aaaa", "aaaaaa"]
CONSOLE += ["555555", "ff5555", "55ff55", "ffff55", "5555ff", "ff55ff", "55ffff", "ffffff"]


@pytest.mark.parametrize("theme", [themes.DARK, themes.HIGH_CONTRAST])
@pytest.mark.parametrize("question", ["failure", "choose", "gate"])
async def test_on_a_console_of_sixteen_colours_no_word_is_lost(theme: str, question: str) -> None:
    async with _asked(question, theme) as (app, _):
        faint = {text: round(seen, 1) for text, style in _said(app) if (seen := _on_console(style)) < 3}
        assert not {text for text in faint if not _is_greyed(app, text)}, faint


def _on_console(style: Style) -> float:
    assert style.color is not None
    assert style.bgcolor is not None
    ink, ground = (_console(each) for each in (style.color, style.bgcolor))
    return contrast(*((ground, ink) if style.reverse else (ink, ground)))


def _console(colour: Ink) -> Color:
    return Color.parse(f"#{CONSOLE[colour.downgrade(ColorSystem.STANDARD).number or 0]}")
