"""Home: what is the state of things, and what can be done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from runbook.views import DRILL, RECOVER, HomeView, RunLine
from screens.frame import Frame
from screens.text import one_line, plain
from screens.words import BAD, QUIET, outcome
from screens.words import ago as words_ago

PRACTICE = "training"  # every other mode is about the real estate


class HomeScreen(Frame[None]):
    """Reads its view when it is shown, and again each time it is come back to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "drill", "Drill", id="home.drill", tooltip="Restore into staging, and prove it"),
        Binding("p", "recover", "Recover", id="home.recover", tooltip="Restore production after an incident"),
        Binding("t", "train", "Train", id="home.train", tooltip="Practise on an estate on this machine"),
        Binding("r", "resume", "Resume", id="home.resume", tooltip="Go on with the unfinished run"),
        Binding("q", "quit", "Quit", id="home.quit"),
    ]

    class Chosen(Message):
        """`drill`, `recover`, `train`, `resume` or `quit`."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self, view: Callable[[], HomeView]) -> None:
        super().__init__()
        self._read = view
        self.view = view()
        self._painted = False

    def content(self) -> Iterable[Widget]:
        """Headline, state, what can be done, earlier runs."""
        yield Static(id="home-title", markup=False)
        yield Static(id="home-state", markup=False)
        yield OptionList(id="menu", markup=False)
        yield Static("Earlier runs", classes="section")
        yield VerticalScroll(Static(id="home-runs", markup=False), id="home-history", can_focus=False)

    def on_mount(self) -> None:
        """Show what was read."""
        self._paint()
        self._painted = True

    def on_screen_resume(self) -> None:
        """Something may have changed while another screen was shown."""
        if self._painted:
            self.view = self._read()
            self._paint()

    def _paint(self) -> None:
        view = self.view
        self.query_one("#home-title", Static).update(
            Content.assemble((" RUNBOOK ", "bold reverse"), f"  {one_line(view.platform, 60)}")
        )
        self.query_one("#home-state", Static).update(_state(view))
        self.query_one("#home-runs", Static).update(_history(view))
        menu = self.query_one(OptionList)
        marked = menu.highlighted or 0
        menu.set_options(_options(view))
        menu.highlighted = min(marked, menu.option_count - 1)
        menu.focus()
        self.refresh_bindings()

    def may(self, action: str) -> bool | None:
        """Resume is there when there is something to resume; the real estate when it is configured."""
        if action in {DRILL, RECOVER}:
            return bool(self.view.configured)
        return self.view.unfinished is not None if action == "resume" else True

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        event.stop()
        self._choose(event.option_id or "")

    def action_drill(self) -> None:
        """A drill: staging only."""
        self._choose(DRILL)

    def action_recover(self) -> None:
        """A recovery: production."""
        self._choose(RECOVER)

    def action_train(self) -> None:
        """To the scenarios."""
        self._choose("train")

    def action_resume(self) -> None:
        """Go on with the unfinished run."""
        self._choose("resume")

    def action_quit(self) -> None:
        """Away."""
        self._choose("quit")

    def _choose(self, what: str) -> None:
        if self.check_action(what, ()):
            self.post_message(self.Chosen(what))


def _options(view: HomeView) -> Iterable[Option]:
    resume = view.unfinished
    if resume is not None:
        what = f"{resume.mode} {resume.scenario}".strip()
        yield Option(plain(f"Resume   {what}, begun {words_ago(resume.started_at, view.now)}"), id="resume")
    if view.configured:
        name = one_line(view.configured, 40)
        yield Option(plain(f"Drill    restore {name} into staging, and prove it"), id=DRILL)
        yield Option(plain(f"Recover  restore production of {name} after an incident"), id=RECOVER)
    yield Option(plain(f"Train    practise on this machine: {len(view.scenarios)} scenarios"), id="train")
    yield Option(plain("Quit"), id="quit")


def _state(view: HomeView) -> Content:
    lines = [_proof(view), *(plain(f"! {notice}") for notice in view.notices)]
    return Content("\n").join(lines)


def _proof(view: HomeView) -> Content:
    """When this estate was last restored for real; training proves nothing about it."""
    real = next((run for run in view.runs if run.mode.casefold() != PRACTICE and run.outcome), None)
    if real is None:
        return Content.assemble(
            ("✗ NEVER DRILLED", BAD), "  no restore of the real backups is on record; training does not count"
        )
    return Content.assemble(
        outcome(real.outcome).content, f"  last {one_line(real.mode.lower())} {words_ago(real.started_at, view.now)}"
    )


def _history(view: HomeView) -> Content:
    if not view.runs:
        return Content.styled("none yet", QUIET)
    return Content("\n").join(_run(run, view.now) for run in view.runs)


def _run(run: RunLine, now: datetime) -> Content:
    mark = outcome(run.outcome)
    return Content.assemble(
        (f"{mark.glyph} {mark.word:<17}", mark.style),
        f"{run.started_at:%Y-%m-%d %H:%M}  ",
        one_line(f"{run.mode.lower()} {run.scenario}", 40),
        (f"  {words_ago(run.started_at, now)}", QUIET),
    )
