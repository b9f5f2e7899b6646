"""Rows that could not be written into their log: a file each, until they are in it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runbook.engine.errors import RecordFailed
from runbook.records.canonical import canonical
from runbook.records.disk import Disk, make_folder, read_whole, replace_file
from runbook.records.log.testlog import Row

SCHEMA = 1


class Pending:
    """The pending folder, as one log sees it."""

    def __init__(self, folder: Path, log: Path, disk: Disk) -> None:
        self._folder = folder
        self._log = log.absolute()  # a home serves several platforms
        self._disk = disk

    def keep(self, values: Row, failure: RecordFailed) -> RecordFailed:
        """Keep the row; answers what to tell the operator: NOT RECORDED, why, and where the row is now."""
        kept = self._path(values)
        note: Mapping[str, Any] = {
            "schema": SCHEMA,
            "log": str(self._log),
            "why": failure.sentence,
            "row": dict(values),
        }
        try:
            make_folder(kept.parent, self._disk)
            replace_file(kept, canonical(note) + b"\n", disk=self._disk)
        except (RecordFailed, ValueError) as worse:
            sentence = f"NOT RECORDED: {failure.sentence}; nor could the row be kept in {kept.parent.name}: {worse}"
        else:
            sentence = f"NOT RECORDED: {failure.sentence}; the row is kept in {kept.parent.name}/{kept.name}"
        return RecordFailed(sentence, fix=failure.fix, source=str(kept))

    def rows(self) -> tuple[Row, ...]:
        """Every row that waits for this log, by name; a file that cannot be read is left where it is."""
        if not self._folder.is_dir():
            return ()
        found = (self._row(path) for path in sorted(self._folder.glob("*.json")))
        return tuple(row for row in found if row is not None)

    def forget(self, values: Row) -> None:
        """The row is in the log."""
        with contextlib.suppress(OSError):  # a row that waits although it is recorded is recognised later
            self._path(values).unlink(missing_ok=True)

    def _path(self, values: Row) -> Path:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", values.get("run_id", "")) or "unnamed"
        return self._folder / f"{name}.json"

    def _row(self, path: Path) -> Row | None:
        try:
            note = json.loads(read_whole(path, self._disk))
            if (note["schema"], note["log"]) != (SCHEMA, str(self._log)):
                return None
            row: Row = {str(name): str(value) for name, value in note["row"].items()}
            named = bool(row["record_type"])
        except (RecordFailed, ValueError, KeyError, TypeError, AttributeError):
            return None
        return row if named and self._path(row) == path else None
