"""A log told run by run: the run's own row, what follows it, and how the run stands now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runbook.records.log.further import AMENDMENT, RUN, SIGNOFF, so_far
from runbook.records.log.testlog import Row


@dataclass(frozen=True, slots=True)
class Told:
    """One run.  `further`: its amendments and sign-offs in the log's order; `number`: its own row's, from 1."""

    run: Row
    further: tuple[Row, ...]
    number: int

    @property
    def amendments(self) -> tuple[Row, ...]:
        """What became of it, and what was corrected."""
        return tuple(row for row in self.further if row["record_type"] == AMENDMENT)

    @property
    def signoffs(self) -> tuple[Row, ...]:
        """Who accepted its record, or declined to."""
        return tuple(row for row in self.further if row["record_type"] == SIGNOFF)

    @property
    def now(self) -> Row:
        """The run's own row, under its own name, with what the further rows say since."""
        return so_far(self.run, self.further)

    @property
    def signed(self) -> Row | None:
        """The last sign-off, which may be a declined one; None: by nobody yet."""
        return self.signoffs[-1] if self.signoffs else None

    @property
    def signed_before_amendment(self) -> bool:
        """Whether something was amended after the last sign-off: whoever signed has not seen that."""
        return bool(self.signoffs) and self.further[-1]["record_type"] == AMENDMENT


def told(rows: Iterable[Row]) -> tuple[Told, ...]:
    """In the log's order; a further row whose run does not stand before it is left out, as is a run's second row."""
    runs = dict[str, tuple[Row, int]]()
    further = dict[str, list[Row]]()
    for number, row in enumerate(rows, start=1):
        if row["record_type"] == RUN and row["run_id"] not in runs:
            runs[row["run_id"]], further[row["run_id"]] = (row, number), []
        elif row["record_type"] in {AMENDMENT, SIGNOFF} and row["refers_to"] in runs:
            further[row["refers_to"]].append(row)
    return tuple(Told(run, tuple(further[run_id]), number) for run_id, (run, number) in runs.items())
