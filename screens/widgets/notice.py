"""What a terminal that is too small shows instead of half a gate."""

from __future__ import annotations

from textual.app import RenderResult
from textual.geometry import Size
from textual.widget import Widget

LEAST = Size(60, 20)


def too_small(size: Size) -> bool:
    """Whether a screen of that size is not usable; Size(0, 0) is a screen that is not laid out yet."""
    return size.area > 0 and (size.width < LEAST.width or size.height < LEAST.height)


class TooSmall(Widget):
    """Shown by the stylesheet when the terminal is below the least size; no key of the run works meanwhile."""

    def render(self) -> RenderResult:
        """The sentence, with the size as it is now."""
        size = self.app.size
        return (
            f"This terminal is {size.width} by {size.height}; at least {LEAST.width} by {LEAST.height} is needed.\n"
            "Make it larger. A run goes on meanwhile and waits at its next question.\n"
            "Or leave with ctrl+q and go on in plain mode: runbook resume --plain"
        )
