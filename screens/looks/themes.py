"""How the screens look: four themes of our own, and how one of them is put on.

Each colour of a text keeps the contrast of WCAG 2.2 (4.5 to 1, 7 to 1 in `high-contrast`) on every ground that it is
shown on: plain, raised, and under the cursor.  `monochrome` uses no colour at all, only the terminal's own two, and
says by reverse, bold and underline what the others say by a ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter, Monochrome, NoColor
from textual.theme import Theme

from runbook.views import Preferences

DARK, LIGHT, HIGH_CONTRAST, MONOCHROME = "dark", "light", "high-contrast", "monochrome"


def _theme(name: str, ground: str, ink: str, *, dark: bool, lit: dict[str, str], raised: tuple[str, str, str]) -> Theme:
    """`lit` are the colours of words; `raised` the grounds of what stands out: a surface, a panel, the cursor."""
    surface, panel, cursor = raised
    words = {f"text-{role}": colour for role, colour in lit.items() if role != "quiet"}
    return Theme(
        name=name,
        background=ground,
        foreground=ink,
        surface=surface,
        panel=panel,
        primary=lit["primary"],
        accent=lit["accent"],
        warning=lit["warning"],
        error=lit["error"],
        success=lit["success"],
        dark=dark,
        variables={
            **words,
            "text": ink,
            "text-muted": lit["quiet"],
            "text-disabled": lit["quiet"],
            "block-cursor-foreground": ink,
            "block-cursor-background": cursor,
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-foreground": ink,
            "block-cursor-blurred-background": panel,
            "block-cursor-blurred-text-style": "bold",
            "footer-key-foreground": lit["accent"],
            "footer-foreground": ink,
            "footer-description-foreground": ink,
            "footer-background": panel,
            "input-cursor-background": ink,
            "input-cursor-foreground": ground,
            "input-selection-background": cursor,
            "button-foreground": ink,
            "surface-lighten-1": surface,
            "surface-lighten-2": panel,
            "border": lit["primary"],
            "border-blurred": lit["quiet"],
        },
    )


_DARK = _theme(
    DARK,
    "#11151a",
    "#e8e8e8",
    dark=True,
    lit={
        "primary": "#6cb6ff",
        "accent": "#ffc66d",
        "warning": "#f5b83d",
        "error": "#ff8a8a",
        "success": "#77d68c",
        "quiet": "#a9b1ba",
    },
    raised=("#1a2027", "#262e37", "#1c3f5f"),
)
_LIGHT = _theme(
    LIGHT,
    "#fbfbf9",
    "#16191d",
    dark=False,
    lit={
        "primary": "#0b4f8a",
        "accent": "#7a3e00",
        "warning": "#704700",
        "error": "#a1101f",
        "success": "#0a5a2a",
        "quiet": "#4b535c",
    },
    raised=("#f1f1ee", "#e4e4df", "#bcd9f5"),
)
_HIGH_CONTRAST = _theme(
    HIGH_CONTRAST,
    "#000000",
    "#ffffff",
    dark=True,
    lit={
        "primary": "#8fd0ff",
        "accent": "#ffe066",
        "warning": "#ffd24d",
        "error": "#ffb3b3",
        "success": "#8cff9e",
        "quiet": "#e0e0e0",
    },
    raised=("#000000", "#1c1c1c", "#002b80"),
)
_MONOCHROME = Theme(
    name=MONOCHROME,
    ansi=True,  # the terminal's own ground and ink, whichever of them is the darker
    primary="ansi_default",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables={
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "block-cursor-foreground": "ansi_default",
        "block-cursor-background": "ansi_white",  # sent as reverse, see `Colourless`
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-text-style": "bold underline",
        "scrollbar-background": "ansi_default",
        "input-cursor-text-style": "reverse",
        "footer-key-foreground": "ansi_default",
    },
)
SAID = {
    DARK: "For a dim room",
    LIGHT: "For a bright room, and for a projector",
    HIGH_CONTRAST: "White and clear colours on black",
    MONOCHROME: "Only the terminal's own two colours",
}
THEMES = {theme.name: theme for theme in (_DARK, _LIGHT, _HIGH_CONTRAST, _MONOCHROME)}


def dress(app: App[Any], preferences: Preferences) -> None:
    """Put on the theme that is liked; with NO_COLOR `monochrome`.  Textual's own are not offered: ours are tested."""
    others = [name for name in app.available_themes if name not in THEMES]
    for theme in THEMES.values():
        app.register_theme(theme)
    liked = preferences.theme if preferences.theme in THEMES else DARK
    app.theme = MONOCHROME if app.no_color else liked
    for name in others:
        app.unregister_theme(name)


class Colourless(NoColor):
    """Sends no colour: what has a ground of its own is in reverse, which Textual forgets for a row of a list."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """A line as it is sent."""
        return super().apply([_marked(segment) for segment in segments], background)


def _marked(segment: Segment) -> Segment:
    text, style, control = segment
    has_ground = style is not None and style.bgcolor is not None and not style.bgcolor.is_default
    return Segment(text, style + _REVERSE, control) if style and has_ground else segment


_REVERSE = Style(reverse=True)


def filters(app: App[Any], found: Sequence[LineFilter]) -> Sequence[LineFilter]:
    """What `get_line_filters` answers: `monochrome` sends no colour; Textual's own way with NO_COLOR sends greys."""
    if app.theme != MONOCHROME:
        return found
    return [*(each for each in found if not isinstance(each, Monochrome)), Colourless()]
