"""History: what is recorded, what it answers, where RTO and RPO go; the report of each run is one key away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from runbook.views import HistoryView, Source
from screens.frame import Frame
from screens.reading import recorded
from screens.reading.fatal import told
from screens.reading.plot import TrendPlot
from screens.reading.runlist import FILTERS, MODE, OUTCOME, RunList
from screens.text import one_line
from screens.widgets.actions import ActionBar
from screens.widgets.marks import MarkList
from screens.words import BAD, QUIET

WIDE, HIGH = 110, 34  # cells from which a trend stands beside the runs; lines from which both do
RUNS, RTO, RPO = PARTS = ("runs", "rto", "rpo")
TITLES = {False: ("TEST LOG", "every recorded drill, rehearsal and recovery"), True: ("TRAINING LOG", "practice")}
OTHERWISE = {False: "t shows training's log.", True: "t shows the test log."}


class HistoryScreen(Frame[None]):
    """Reads the log in a thread when it is shown, and when the other one is asked for."""

    CSS_PATH = "reading.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Report", id="history.open", key_display="⏎", tooltip="Read the marked run's report"),
        Binding("m", "mode", "Mode", id="history.mode", tooltip="Only drills, rehearsals or recoveries"),
        Binding("o", "outcome", "Outcome", id="history.outcome", tooltip="Only those that ended so"),
        Binding("p", "part", "Plot", id="history.plot", tooltip="RTO, RPO, or the runs"),
        Binding("t", "log", "Other log", id="history.log", tooltip="The test log, or training's"),
        Binding("q,escape", "close", "Close", id="history.close"),
    ]

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._training = False
        self._view: HistoryView | None = None
        self._part = RUNS  # what is shown where there is room for one thing

    def content(self) -> Iterable[Widget]:
        """Title, log, answer, quarters; the runs and their trends; buttons."""
        yield Static(id="history-title", classes="title", markup=False)
        for part in ("state", "answer", "quarters"):
            yield Static(id=f"history-{part}", markup=False)
        trends = Vertical(TrendPlot(id="history-rto"), TrendPlot(id="history-rpo"), id="history-trends")
        yield Horizontal(RunList(), trends, id="history-middle")
        yield ActionBar()

    def on_mount(self) -> None:
        """Begin to read."""
        self._read()

    # -- reading ------------------------------------------------------------------------------------------------------
    def _read(self) -> None:
        name, about = TITLES[self._training]
        title = self.query_one("#history-title", Static)
        title.update(Content.assemble((f" {name} ", "bold reverse"), f"  {about}"))
        title.set_class(self._training, "-training")
        self._view, self._part = None, RUNS
        self._tell(state=Content.styled("reading the log …", QUIET))
        work = asyncio.to_thread(_read, self._source, self._training)
        self.run_worker(work, name="history", description="read a log", exit_on_error=False, exclusive=True)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """It was read, or why it could not be."""
        if event.state is WorkerState.SUCCESS and event.worker.result is not None:
            self._show(event.worker.result)
        elif event.state is WorkerState.ERROR:
            sentence, fix = told(event.worker.error)
            to_do = f"Do this: {fix.removesuffix('.')}. " if fix else ""
            self._tell(
                state=Content.styled(f"✗ {one_line(sentence)}", BAD),
                answer=Content(one_line(f"{to_do}{OTHERWISE[self._training]}")),
            )

    def _show(self, view: HistoryView) -> None:
        self._view = view
        for trend in view.trends:
            self.query_one(f"#history-{trend.name.lower()}", TrendPlot).show(trend)
        self.query_one(RunList).show(view.runs)
        self._tell(state=recorded.state(view), answer=recorded.answer(view), quarters=recorded.quarters(view))

    def _tell(self, **said: Content) -> None:
        for part in ("state", "answer", "quarters"):
            line = self.query_one(f"#history-{part}", Static)
            line.display = part in said and bool(said[part])
            line.update(said.get(part, Content("")))
        self._lay_out()

    # -- what there is room for -------------------------------------------------------------------------------------
    def _lay_out(self) -> None:
        """Side by side, or one after the other."""
        shown = self._in_sight() if self._view and self._view.runs else frozenset()
        runs = self.query_one(RunList)
        runs.display = RUNS in shown
        self.query_one("#history-trends").display = bool(shown & {RTO, RPO})
        for part in (RTO, RPO):
            self.query_one(f"#history-{part}").display = part in shown
        if runs.display:
            runs.query_one(MarkList).focus()
        self.refresh_bindings()

    def _in_sight(self) -> frozenset[str]:
        """One of the parts; of a wide terminal the runs and a trend beside them, of a high one both."""
        if not self._is_wide:
            return frozenset({self._part})
        if self.app.size.height >= HIGH:
            return frozenset(PARTS)
        return frozenset({RUNS, self._part if self._part != RUNS else RTO})

    @property
    def _is_wide(self) -> bool:
        return self.app.size.width >= WIDE

    def on_resize(self) -> None:
        """There may be more room, or less."""
        super().on_resize()
        self._lay_out()

    def on_run_list_marked(self) -> None:
        """What can be opened is another run, or none."""
        self.refresh_bindings()

    # -- keys ---------------------------------------------------------------------------------------------------------
    def may(self, action: str) -> bool | None:
        """What would change nothing is greyed; where the trends are in sight anyway, no key shows them."""
        if not self.is_mounted:
            return None
        runs = self.query_one(RunList)
        if action in FILTERS:
            return True if len(runs.choices(action)) > 1 else None
        if action == "open":
            return True if runs.display and runs.marked else None
        if action == "part":
            some = bool(self._view and self._view.runs)
            return len(self._in_sight()) < len(PARTS) and (some or None)
        return True

    def _only(self, what: str) -> None:
        self._part = RUNS
        self.query_one(RunList).step(what)
        self._lay_out()

    def action_mode(self) -> None:
        """Only runs of the next mode."""
        self._only(MODE)

    def action_outcome(self) -> None:
        """Only runs that ended the next way."""
        self._only(OUTCOME)

    def action_part(self) -> None:
        """The runs, the RTO, the RPO, the runs again; beside the runs, the other trend."""
        shown = [part for part in PARTS if part in self._in_sight() and (part != RUNS or not self._is_wide)]
        following = PARTS[PARTS.index(shown[0]) + 1 :]
        self._part = next(iter(following), RTO if self._is_wide else RUNS)
        self._lay_out()

    def action_log(self) -> None:
        """The other log."""
        self._training = not self._training
        self._read()

    def action_open(self) -> None:
        """The report of the marked run."""
        from screens.reading.screen import RecordScreen  # noqa: PLC0415 - loaded when the first one is read

        if run := self.query_one(RunList).marked:
            self.app.push_screen(RecordScreen(self._source, run.run_id))

    def action_close(self) -> None:
        """Home again."""
        self.dismiss(None)


def _read(source: Source, training: bool) -> HistoryView:  # noqa: FBT001 - as `Source.history` has it
    import plotext  # noqa: F401, PLC0415 - loaded here, in the thread, and not when the first picture is drawn

    return source.history(training=training)
