"""The banner: the mode as a word and a colour, and the exact target; on every screen of a run."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from runbook.views import Banner
from screens.text import one_line


class BannerBar(Static):
    """One line at the top; unknown modes get the colour of the real disaster."""

    def __init__(self, banner: Banner) -> None:
        mode = one_line(banner.mode, 20)
        super().__init__(
            Content.assemble((f" {mode} ", "bold reverse"), "  target: ", (one_line(banner.target, 200), "bold")),
            classes=f"-{mode.lower()}" if mode.isalpha() else "",
        )
