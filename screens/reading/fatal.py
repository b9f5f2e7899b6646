"""What is shown when the run could not go on: one line, no local variable, no text that might hold a secret."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from runbook.engine.errors import LayerFailed, NoVerdict, OperatorGone, RecordFailed, Refused, RunbookError, WrongUse
from runbook.views import Banner
from screens.frame import GRACE_S, Frame
from screens.text import plain
from screens.widgets.actions import ActionBar
from screens.widgets.banner import BannerBar
from screens.widgets.pairs import Pair

DEFECT = 1
GOES_ON = "runbook resume goes on"
_EXIT_CODES: tuple[tuple[type[RunbookError], int], ...] = (
    (WrongUse, 2),
    (NoVerdict, 3),
    (Refused, 4),
    (RecordFailed, 7),
    (LayerFailed, 1),
    (OperatorGone, 130),
)


@dataclass(frozen=True, slots=True)
class Fatality:
    """What ended the walk, as far as it may be shown."""

    headline: str
    sentence: str
    fix: str
    exit_code: int


def fatality(error: BaseException | None, *, begun: bool = True, watching: bool = False) -> Fatality:
    """Our own errors are sentences for the operator; of any other only the type is shown.

    `begun`: there is a run to go on with.  `watching`: it is somebody else's, and may well go on.
    """
    sentence, fix = told(error)
    if watching:
        return Fatality("This can be followed no further; the run itself may go on", sentence, fix, _code(error))
    if isinstance(error, RunbookError):
        headline = "The run stopped here" if begun else "No run was begun"
        return Fatality(headline, sentence, fix or (f"{GOES_ON} from here" if begun else ""), _code(error))
    kept = f"The record is complete up to this moment: {GOES_ON} from here." if begun else "Nothing was begun yet."
    return Fatality("The tool failed, not your backup", sentence, f"{kept} Please report the defect.", DEFECT)


def _code(error: BaseException | None) -> int:
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), DEFECT)


def told(error: BaseException | None) -> tuple[str, str]:
    """What may be shown of it: a sentence, and what to do ("" where it does not say)."""
    if isinstance(error, RunbookError):
        return error.sentence, error.fix
    name = f"{type(error).__name__}{_place(error)}" if error is not None else "unknown"
    return f"a defect in runbook itself ({name})", ""


def _place(error: BaseException) -> str:
    """The line that raised it: names no value."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


class FatalScreen(Frame[None]):
    """Read, then closed; the exit code is the fatality's."""

    CSS_PATH = "reading.tcss"
    GRACE_S = GRACE_S
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,enter,escape", "close", "Close", id="fatal.close", key_display="q/⏎"),
    ]

    def __init__(self, what: Fatality, banner: Banner | None) -> None:
        super().__init__()
        self.what = what
        self._banner = banner

    def content(self) -> Iterable[Widget]:
        """What happened and what to do."""
        if self._banner is not None:
            yield BannerBar(self._banner)
        yield Static(plain(f"✗ {self.what.headline}"), id="fatal-headline")
        yield Pair("what", self.what.sentence)
        if self.what.fix:
            yield Pair("do this", self.what.fix)
        yield ActionBar()

    def action_close(self) -> None:
        """Away."""
        self.dismiss(None)
