"""What goes into a pack of a run: the sealed files of its own folder and of its further rows' folders."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runbook.engine.errors import RecordFailed
from runbook.records.audit.evidence_check import LARGEST_SUMS, Trouble, below
from runbook.records.disk import read_at_most
from runbook.records.evidence.sealing import SUMS
from runbook.records.history.rows import time_of
from runbook.records.log.folding import Told
from runbook.records.log.testlog import Row
from runbook.records.pack.sack import EARLIEST, Sack


@dataclass(frozen=True, slots=True)
class Evidence:
    """Puts it in.  `root`: what evidence paths are seen from."""

    root: Path
    sack: Sack

    def put(self, run: Told) -> Iterator[str]:
        """Of the run and of each further row; says, a sentence each, what could not be read."""
        for row in (run.run, *run.further):
            yield from self._folder(row)

    def _folder(self, row: Row) -> Iterator[str]:
        """Only what was sealed, reached through folders only.  What else is wrong with it the log's check says."""
        folder = below(self.root, row["evidence_path"])
        if isinstance(folder, Trouble):
            return
        at = time_of(row["ended_at"]) or EARLIEST
        for path in _sealed(folder, row["evidence_digest"], self.sack):
            name = path.relative_to(self.root).as_posix()
            if name in self.sack.sums:
                continue
            try:
                self.sack.file(name, path, at)
            except RecordFailed as failure:
                yield f"{row['run_id']}: {failure.sentence}"


def _sealed(folder: Path, digest: str, sack: Sack) -> list[Path]:
    """The seal and the files that it lists, in order; none where there is no seal: nothing says what is the record.

    Of a seal that is not the row's own only itself: what it lists may have been added.
    """
    try:
        sums = read_at_most(folder / SUMS, LARGEST_SUMS, sack.disk)
    except RecordFailed:
        return []
    own = "sha256:" + hashlib.sha256(sums).hexdigest() == digest
    names = {SUMS, *(line[66:] for line in sums.decode("utf-8", "replace").splitlines() if own)}
    found = (Path(at, name) for at, _, files in os.walk(folder) for name in files)
    return sorted(path for path in found if path.relative_to(folder).as_posix() in names and not path.is_symlink())
