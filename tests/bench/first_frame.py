"""How long `runbook` alone takes to its first frame that can be used: `python -m tests.bench.first_frame`.

Measured from the spawn to the moment at which every named entry of home stands on a terminal of 80 by 24, as a ratio
to a bare Textual app's first word.  The two are run in turn (A B A B …), so that a machine whose speed drifts does not
tilt the ratio.  Exits 1 where the limit is passed.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.terminal import Terminal

PAIRS = 15
LIMIT, AIM = 1.8, 1.6
ENTRIES = ("Drill", "Recover", "Train", "History", "Quit")
HELLO = """\
from textual.app import App
from textual.widgets import Static

class Hello(App[None]):
    def compose(self):
        yield Static("Hello-world")

Hello().run()
"""
DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Start:
    """A program, and the words that stand in the first frame that counts."""

    command: Sequence[str]
    words: Sequence[str]

    def seconds(self) -> float:
        """From the spawn to the frame, in a terminal of its own."""
        with Terminal(self.command) as terminal:
            return terminal.painted(self.words, DEADLINE_S)


def compared(own: Start, base: Start, pairs: int) -> tuple[float, float, float]:
    """Median ratio, and the two medians in seconds."""
    for each in (own, base):
        each.seconds()  # warm-up: .pyc files and the page cache
    found = [(own.seconds(), base.seconds()) for _ in range(pairs)]
    return (
        statistics.median(one / other for one, other in found),
        statistics.median(one for one, _ in found),
        statistics.median(other for _, other in found),
    )


def main() -> int:
    """One line; 1 where it is over the limit."""
    with tempfile.TemporaryDirectory() as home:
        own = Start([sys.executable, "-m", "runbook", "--home", home], ENTRIES)
        base = Start([sys.executable, "-c", HELLO], ["Hello-world"])
        ratio, took, hello = compared(own, base, PAIRS)
    judged = "PASS" if ratio <= LIMIT else "OVER THE LIMIT"
    times = f"{took * 1000:.0f} ms, {hello * 1000:.0f} ms"
    print(f"first frame of home: {ratio:.2f} × a bare Textual hello-world   ({times})")
    print(f"{judged}: at most {LIMIT} ×, aimed at {AIM} ×, median of {PAIRS} pairs")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
