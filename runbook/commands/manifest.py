"""`runbook manifest`: what a database holds, stated beside its backup."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from runbook.commands.exits import ExitCode
from runbook.engine.errors import WrongUse
from runbook.engine.ports import Secret
from runbook.manifest import LIMIT, Manifest, file_name
from runbook.records.disk import PRIVATE, replace_file
from runbook.safety.outside_text import outside_text

_SIGNALS: Final = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.HANGUP,
}
_MIB: Final = 1 << 20
_LIVE_S: Final = 0.2
_WIDTH: Final = 78


def run(arguments: argparse.Namespace) -> int:
    """Make it and write it, privately and in one piece, or not at all."""
    _check_output(arguments.output)
    password = _password(from_stdin=arguments.password_stdin, user=arguments.user)
    caught: list[ExitCode] = []
    try:
        made = asyncio.run(_made(arguments, password, caught))
    except asyncio.CancelledError:
        print("\nrunbook: interrupted; nothing was written", file=sys.stderr)
        return caught[0]
    where = _write(_document(made), made, arguments.output)
    rows = sum(table.rows for table in made.tables.values())
    print(
        f"runbook: {len(made.tables):,} tables, {rows:,} rows, as of {made.made_at:%H:%M:%S} UTC{where}",
        file=sys.stderr,
    )
    return ExitCode.PASS


async def _made(arguments: argparse.Namespace, password: Secret, caught: list[ExitCode]) -> Manifest:
    from runbook.estate.door import Door
    from runbook.estate.ports import Endpoint
    from runbook.estate.postgres.conninfo import conninfo, forget_service
    from runbook.estate.postgres.server import PostgresDatabase
    from runbook.estate.postgres.session import Session
    from runbook.safety import bounds
    from runbook.safety.interlock import Interlock

    _end_in_order(caught)
    forget_service()
    where = Endpoint(arguments.host, arguments.port, arguments.hostaddr)
    parameters = partial(
        conninfo, user=arguments.user, database=arguments.database, password=password, ca_file=arguments.ca_file
    )
    door = Door()
    try:
        database = PostgresDatabase(Session(where, parameters, Interlock(bounds.reading()), door))
        return await database.manifest(
            buckets=arguments.buckets, connections=arguments.connections, progress=_Told(time.monotonic)
        )
    finally:
        door.close()


def _end_in_order(caught: list[ExitCode]) -> None:
    """What is being asked of the server is withdrawn there too when we are told to stop."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None  # we are in it

    def stop(code: ExitCode) -> None:
        caught.append(code)
        task.cancel()

    for number, code in _SIGNALS.items():
        loop.add_signal_handler(number, stop, code)


def _password(*, from_stdin: bool, user: str) -> Secret:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = getpass.getpass(f"Password of {outside_text(user)}: ")
    else:
        raise WrongUse(
            "there is no terminal to ask for the password on",
            fix="Give it on standard input, with --password-stdin: no argument and no variable may hold it.",
        )
    if not password:
        raise WrongUse("the password is empty", fix="Give it in one line.")
    return Secret(password)


def _check_output(output: Path | None) -> None:
    """Before an hour is spent on what cannot be kept."""
    if output is not None and not output.is_dir() and not output.parent.is_dir():
        raise WrongUse(f"there is no folder {outside_text(output.parent)}", fix="Make it, or choose another one.")


def _document(made: Manifest) -> bytes:
    """WrongUse when it is larger than what a check of the copy would read of it."""
    document = made.as_json()
    if len(document) > LIMIT:
        raise WrongUse(
            f"the manifest would take {-(-len(document) // _MIB):,} MiB, and at most {LIMIT // _MIB} MiB of one are"
            " read when a copy is compared; nothing was written",
            fix=f"Make it with fewer --buckets than {made.buckets}.",
        )
    return document


def _write(document: bytes, made: Manifest, output: Path | None) -> str:
    """Answers where it went, as the end of a sentence."""
    if output is None:
        sys.stdout.buffer.write(document)
        sys.stdout.buffer.flush()
        return ""
    path = output / file_name(made.made_at) if output.is_dir() else output
    replace_file(path, document, mode=PRIVATE)
    return f", in {path}"


class _Told:
    """Progress on standard error: a line that renews itself on a terminal, else a line for each tenth part."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._live = sys.stderr.isatty()
        self._told = now()
        self._tenth = 0

    def __call__(self, done: int, total: int, table: str) -> None:
        line = f"{done * 100 // total:3} % of {total / _MIB:,.0f} MiB, {table}"
        if self._live:
            if done == total or self._now() - self._told >= _LIVE_S:
                self._told = self._now()
                print(f"\r\033[K{line[:_WIDTH]}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif (tenth := done * 10 // total) > self._tenth:
            self._tenth = tenth
            print(f"runbook: {line}", file=sys.stderr, flush=True)
