"""Rows that could not be written into their log: a file each, until they are in it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
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
        """Every row that waits for this log, in the order in which they were kept."""
        return tuple(found for _, found in self._found() if not isinstance(found, str))

    def troubles(self) -> tuple[str, ...]:
        """A sentence for each file that is left where it is: it cannot be read, or waits for a log like this one."""
        return tuple(f"{path.parent.name}/{path.name} {found}" for path, found in self._found() if _is_told(found))

    def forget(self, values: Row) -> None:
        """The row is in the log."""
        with contextlib.suppress(OSError):  # a row that waits although it is recorded is recognised later
            self._path(values).unlink(missing_ok=True)

    def _path(self, values: Row) -> Path:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", values.get("run_id", "")) or "unnamed"
        return self._folder / f"{name}.json"

    def _found(self) -> Iterator[tuple[Path, Row | str]]:
        """Each file, and its row or what keeps it from being brought in."""
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob("*.json"), key=lambda each: (_kept_at(each), each.name)):
            yield path, self._row(path)

    def _row(self, path: Path) -> Row | str:
        try:
            note = json.loads(read_whole(path, self._disk))
            schema, log, row = note["schema"], str(note["log"]), note["row"]
            if schema != SCHEMA:
                return f"was kept by another version of this tool (schema {schema}): it is left where it is"
            if log != str(self._log):
                return self._of_another(log)
            values = {str(name): str(value) for name, value in row.items()}
        except (RecordFailed, ValueError, KeyError, TypeError, AttributeError):
            return "holds no row that can be read: it is left where it is"
        if self._path(values) != path or not values.keys() >= _NEEDED:
            return "holds another row than its name says: it is left where it is"
        return values

    def _of_another(self, log: str) -> str:
        """Training's log and the test log share this folder, as do the logs of several platforms."""
        if Path(log).name != self._log.name:
            return ""
        return (
            f"waits for {log}: start the tool with that log's configuration; "
            f'if the log moved to {self._log}, put that path behind "log" in the file'
        )


_NEEDED = frozenset({"run_id", "record_type", "refers_to"})


def _is_told(found: Row | str) -> bool:
    return isinstance(found, str) and found != ""


def _kept_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
