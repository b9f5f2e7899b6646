"""How long a key takes to be painted, idle and while a real training run works: `python -m tests.bench.latency`.

The run screen on a terminal of 80 by 24; the arrows move the mark in its list of steps.  Measured from the write of the
key to the first output that paints in that list: what else is repainted meanwhile does not count as its answer.  Busy
is a whole run of the calm scenario, with its real PostgreSQL, OpenBao and simulators on the same machine, from T0 to
its end.  Idle and busy are run in turn (A B A B …), so that a machine whose speed drifts does not tilt the ratios.
It ends with 1 when a limit is passed.
"""

from __future__ import annotations

import itertools
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runbook.training.client import reap
from tests.bench.bench_app import WHERE
from tests.bench.terminal import Terminal
from tests.support import training_run

PAIRS = 3
KEYS = 300  # idle; busy it is as many as a run has time for, and no fewer than this in all
DOWN, UP = b"\x1b[B", b"\x1b[A"
P50_LIMIT, P99_LIMIT, SLOW_LIMIT = 3.0, 5.0, 0.005
SLOW_S = 0.1
LOST_S = 1.0  # a key that is not answered by then is put down as that slow
GAPS_S = (0.015, 0.055)  # between an answer and the next key; by chance, so that no timer of the app is met each time
START_S = 60.0


@dataclass(frozen=True, slots=True)
class Press:
    """One key: how long it took, and what the run was doing."""

    seconds: float
    doing: str


@contextmanager
def app(kind: str) -> Iterator[tuple[Terminal, Path]]:
    """The bench's app in a terminal of its own, with its list of steps painted; whatever it started is ended after."""
    with tempfile.TemporaryDirectory(prefix="runbook-latency-") as folder:
        home = Path(folder)
        try:
            with Terminal([sys.executable, "-m", "tests.bench.bench_app", kind, folder]) as terminal:
                terminal.until((home / WHERE).exists, START_S)
                yield terminal, home
        finally:
            for each in (home / "training").glob("training-*"):
                if each.is_dir():
                    reap(each)


def idle() -> list[Press]:
    """KEYS presses while nothing goes on."""
    with app("idle") as (terminal, home):
        return list(itertools.islice(_presses(terminal, home), KEYS))


def busy() -> list[Press]:
    """As many as fit between T0 and the end of a run."""
    with app("busy") as (terminal, home):
        terminal.until(lambda: _newest(home) != "", START_S)
        found = list(itertools.takewhile(lambda each: each.doing != "ended", _presses(terminal, home)))
        terminal.until(lambda: b"This run ended" in terminal.seen, START_S)
        return found


def _presses(terminal: Terminal, home: Path) -> Iterator[Press]:
    gaps = random.Random(1)  # noqa: S311 - nothing is kept secret by it
    for key in itertools.cycle((DOWN, UP)):
        terminal.drain(gaps.uniform(*GAPS_S))
        x, y, width, height = json.loads((home / WHERE).read_text(encoding="utf-8"))
        seconds = terminal.answer(key, range(y, y + height), range(x, x + width), LOST_S)
        yield Press(seconds, _newest(home))


def _newest(home: Path) -> str:
    """What the run said last: the step, or the kind of event; "" before T0."""
    try:
        newest = training_run.journal(home)[-1]
    except (ValueError, IndexError):
        return ""
    return str(newest["event"] if newest["event"] == "ended" else newest["step"] or newest["event"])


# -- what came of it ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Told:
    """Presses in numbers; milliseconds, and the share above 100 ms."""

    p50: float
    p99: float
    slow: float

    @classmethod
    def of(cls, presses: Sequence[Press]) -> Told:
        """Of all of them."""
        taken = sorted(each.seconds * 1000 for each in presses)
        slow = sum(each > SLOW_S * 1000 for each in taken) / len(taken)
        return cls(statistics.median(taken), taken[min(int(len(taken) * 0.99), len(taken) - 1)], slow)

    def line(self, name: str, count: int) -> str:
        """For a person."""
        return f"{name:<5} {count:>5} keys   p50 {self.p50:6.1f} ms   p99 {self.p99:6.1f} ms   > 100 ms {self.slow:.2%}"


def over(quiet: Told, loaded: Told) -> list[str]:
    """The limits that are passed."""
    ratios = (loaded.p50 / quiet.p50, loaded.p99 / quiet.p99)
    found = [
        (ratios[0] > P50_LIMIT, f"busy p50 is {ratios[0]:.1f} × idle p50, and may be {P50_LIMIT:g} ×"),
        (ratios[1] > P99_LIMIT, f"busy p99 is {ratios[1]:.1f} × idle p99, and may be {P99_LIMIT:g} ×"),
        (loaded.slow > SLOW_LIMIT, f"{loaded.slow:.2%} of the keys took more than 100 ms: {SLOW_LIMIT:.1%} may"),
    ]
    return [sentence for passed, sentence in found if passed]


def main() -> int:
    """A line for each half of each pair, then all of them together; answers the exit status."""
    quiet: list[Press] = []
    loaded: list[Press] = []
    for _ in range(PAIRS):
        for name, press, kept in (("idle", idle, quiet), ("busy", busy, loaded)):
            some = press()
            kept.extend(some)
            print(Told.of(some).line(name, len(some)), flush=True)
    first, second = Told.of(quiet), Told.of(loaded)
    print(f"\n{first.line('idle', len(quiet))}\n{second.line('busy', len(loaded))}")
    print(f"ratios: p50 {second.p50 / first.p50:.2f} ×, p99 {second.p99 / first.p99:.2f} ×")
    for each in sorted(loaded, key=lambda press: -press.seconds)[:8]:
        print(f"  slowest: {each.seconds * 1000:6.1f} ms, at {each.doing}")
    found = over(first, second)
    print("\n".join(found) or "PASS", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
