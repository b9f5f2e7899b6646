"""Point-in-time recovery for real: production's WAL archive, replayed into a copy up to exactly one moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from runbook.training.servers.postgres import Cluster, own
from runbook.training.servers.waiting import until

_BEAT = "select pg_current_xact_id()"  # its commit is the record by which replay knows that it went far enough
_SWITCH = "select pg_walfile_name(pg_switch_wal())"
_ARCHIVED = "select last_archived_wal >= %s from pg_stat_archiver"


class Archive:
    """Where production's finished WAL segments go; its folder belongs to the server's user."""

    def __init__(self, folder: Path, source: Cluster) -> None:
        self._folder = folder
        self._source = source

    def make(self) -> None:
        """The folder."""
        own(self._folder, self._source.binaries.user)

    @property
    def command(self) -> str:
        """For `archive_command`; a segment that is there already is never written over."""
        return f'test ! -f "{self._folder}/%f" && cp "%p" "{self._folder}/%f"'

    def catch_up(self) -> None:
        """Everything that production committed before now is archived, and something later too."""
        with self._source.connect() as connection:
            connection.autocommit = True
            connection.execute(_BEAT)
            row = connection.execute(_SWITCH).fetchone()
            assert row is not None  # it is about no rows

            def archived() -> bool:
                told = connection.execute(_ARCHIVED, row).fetchone()
                return told is not None and told[0] is True

            until(archived, self._source.child)

    def recover(self, copy: Cluster, at: datetime, settings: Mapping[str, str]) -> None:
        """Start a copy of the base backup as production was at `at` (aware): all commits until then, none after it.

        `settings` are what the copy is configured with in any case.
        """
        target = {
            "restore_command": f'cp "{self._folder}/%f" "%p"',
            "recovery_target_time": f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00",
            "recovery_target_action": "promote",
        }
        copy.configure(**(dict(settings) | target))
        copy.signal("recovery.signal")
        copy.start()
        with copy.connect() as connection:
            connection.autocommit = True
            until(lambda: connection.execute("select pg_is_in_recovery()").fetchone() == (False,), copy.child)
            copy.configure(
                **(dict(settings) | target | {"restore_command": ""})
            )  # it has no more business in the archive
            connection.execute("select pg_reload_conf()")
