"""What an app shows, as text and as an SVG that is small and always the same.

Textual's own picture names a font on the web, has an id made of its content and 26 kB for an empty screen; this one
has a rectangle for each ground and a text for each run of one style, in cells of 10 by 20.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.color import blend_rgb
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.app import App

WIDTH, HEIGHT = 10, 20  # of a cell
FONT = "font:16.6px Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
LIGHT, DARK = ColorTriplet(224, 224, 224), ColorTriplet(0, 0, 0)  # of a terminal that is asked for its own colours


PATIENCE_S = 4.0  # for what is stored to come about
STILL_S = 0.3  # what stands so long, and is not stored yet, is taken as it stands


async def settled(look: Callable[[], str], stored: str | None, still_s: float = STILL_S) -> str:
    """What is looked at, once it is as stored, or when patience ends; without anything stored, once it stands still."""
    loop = asyncio.get_running_loop()
    began = since = loop.time()
    seen = look()
    while seen != stored and loop.time() - began < PATIENCE_S:
        if stored is None and loop.time() - since > still_s:
            break
        await asyncio.sleep(0.04)
        before, seen = seen, look()
        since = since if seen == before else loop.time()
    return seen


class Run(NamedTuple):
    """Cells of one line that look alike."""

    row: int
    column: int
    text: str
    ink: str  # as in a stylesheet
    ground: str


def text(app: App[Any]) -> str:
    """The screen as text, a line a row, without the blanks at the ends of lines."""
    lines = ("".join(segment.text for segment in line).rstrip() for line in _lines(app))
    return "\n".join(lines).rstrip("\n") + "\n"


def svg(app: App[Any], *, margin: int = 0) -> str:
    """The screen as a picture; `margin` is the width of the frame around it, in pixels."""
    columns, rows = app.size
    runs = [run for row, line in enumerate(_lines(app)) for run in _runs(row, line)]
    ground = _most(runs)
    inks = {ink: f"i{number}" for number, ink in enumerate(dict.fromkeys(run.ink for run in runs if run.text.strip()))}
    width, height = columns * WIDTH + 2 * margin, rows * HEIGHT + 2 * margin
    styles = "".join(f".{name}{{{ink}}}" for ink, name in inks.items())
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">',
            f"<style>text{{{FONT};white-space:pre}}{styles}</style>",
            f'<rect width="{width}" height="{height}" rx="{margin}" fill="{ground}"/>',
            f'<g transform="translate({margin} {margin})">',
            *(_ground(run) for run in _joined(runs) if run.ground != ground),
            *(_ink(run, inks[run.ink]) for run in runs if run.text.strip()),
            "</g>",
            "</svg>\n",
        )
    )


def _lines(app: App[Any]) -> Iterator[list[Segment]]:
    """What is painted, with what shines through from the screens below."""
    update: Any = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens, simplify=True)
    for strips in update.strips:
        yield [segment for strip in strips for segment in strip]


def _runs(row: int, line: Iterable[Segment]) -> Iterator[Run]:
    column = 0
    for segment in line:
        ink, ground = _look(segment.style or Style())
        yield Run(row, column, segment.text, ink, ground)
        column += cell_len(segment.text)


def _look(style: Style) -> tuple[str, str]:
    """Ink and ground, as a stylesheet says them."""
    ink = style.color.get_truecolor() if style.color and not style.color.is_default else LIGHT
    ground = style.bgcolor.get_truecolor(foreground=False) if style.bgcolor and not style.bgcolor.is_default else DARK
    if style.reverse:
        ink, ground = ground, ink
    if style.dim:
        ink = blend_rgb(ink, ground, 0.4)
    lines = [name for name, on in (("underline", style.underline), ("line-through", style.strike)) if on]
    more = (
        (style.bold, "font-weight:700"),
        (style.italic, "font-style:italic"),
        (lines, f"text-decoration:{' '.join(lines)}"),
    )
    return ";".join((f"fill:{ink.hex}", *(said for on, said in more if on))), ground.hex


def _most(runs: Iterable[Run]) -> str:
    cells: Counter[str] = Counter()
    for run in runs:
        cells[run.ground] += cell_len(run.text)
    return cells.most_common(1)[0][0]


def _joined(runs: Iterable[Run]) -> Iterator[Run]:
    """Neighbours on one ground as one."""
    held: Run | None = None
    for run in runs:
        if held and held.row == run.row and held.ground == run.ground:
            held = held._replace(text=held.text + run.text)
            continue
        if held:
            yield held
        held = run
    if held:
        yield held


def _ground(run: Run) -> str:
    place = f'x="{run.column * WIDTH}" y="{run.row * HEIGHT}"'
    return f'<rect {place} width="{cell_len(run.text) * WIDTH}" height="{HEIGHT}" fill="{run.ground}"/>'


def _ink(run: Run, name: str) -> str:
    """Without the blanks around it, and exactly as wide as its cells, whatever the font is."""
    shown = run.text.strip()
    column = run.column + cell_len(run.text[: run.text.index(shown)])
    place = f'x="{column * WIDTH}" y="{run.row * HEIGHT + 15}" textLength="{cell_len(shown) * WIDTH}"'
    return f'<text class="{name}" {place}>{escape(shown, quote=False)}</text>'
