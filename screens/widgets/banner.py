"""The banner: the mode as a word and a colour, what must not be missed, the exact target; on every screen of a run."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from runbook.views import Banner
from screens.text import one_line


class BannerBar(Static):
    """One line at the top; unknown modes get the colour of the real disaster."""

    def __init__(self, banner: Banner, *, watching: bool = False) -> None:
        mode = one_line(banner.mode, 20)
        notes = [*(["WATCHING, read-only"] if watching else []), *([banner.note] if banner.note else [])]
        note = [("  ! " + one_line(each, 30), "bold") for each in notes]
        target = ("  target: ", (one_line(banner.target, 200), "bold"))
        super().__init__(
            Content.assemble((f" {mode} ", "bold reverse"), *note, *target),
            classes=f"-{mode.lower()}" if mode.isalpha() else "",
        )
