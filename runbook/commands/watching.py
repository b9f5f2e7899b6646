"""A run that another process walks, as a session for the screens: its journal is followed, and nothing is written."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from runbook.commands.closing import Book, training_book
from runbook.commands.configured import Configured, configured
from runbook.commands.places import REAL, Shelf, home_of
from runbook.commands.session import RunSession
from runbook.commands.tail import looks
from runbook.config import Targets
from runbook.engine.errors import WrongUse
from runbook.engine.events import Event, Kind
from runbook.engine.ports import Clock, Operator
from runbook.engine.run import apply
from runbook.records.chain import read_chain
from runbook.records.disk import Disk, reading
from runbook.views import Banner

AT_ONCE = 100  # events that are told before the screen is painted again: a long journal must not hold it up


@dataclass(frozen=True, slots=True)
class Kept:
    """Where runs of that kind are kept: the platform (None in training), their folders, their log."""

    platform: Configured | None
    shelf: Shelf
    book: Book


def kept(arguments: argparse.Namespace) -> Kept:
    """Of the run that is named; WrongUse where nothing is configured for it."""
    home = home_of(arguments)
    if arguments.run.partition("-")[0] in REAL:
        platform = configured(arguments)
        return Kept(platform, platform.shelf, platform.book(home))
    return Kept(None, home.shelf, training_book(home))


class Watched(RunSession):
    """`views.Session` over a journal that somebody else writes; what the run declared says what it is about."""

    def __init__(self, path: Path, where: Kept, clock: Clock) -> None:
        self._declared = _declared(path)
        super().__init__(clock, _targets(self._declared))
        self._path = path
        self._kept = where

    @property
    def banner(self) -> Banner:
        return _banner(self._declared)

    def refusal(self, stage: str) -> str | None:
        del stage
        return "this terminal only watches"

    async def walk(self, operator: Operator | None) -> NoReturn:
        """Follow it until this is cancelled: what ended stays to be read.  RecordFailed names damage."""
        del operator
        await self._look_at_earlier(self._kept.book, self._kept.shelf, attended=bool(self._declared.get("attended")))
        await self._follow()
        await asyncio.Event().wait()
        raise AssertionError("nothing sets it")

    async def _follow(self) -> None:
        """Until the run ended: its record is sealed then, and the journal may be masked."""
        async with aclosing(looks(self._path, self._clock)) as looked:
            async for events in looked:
                for number, event in enumerate(events, start=1):
                    self._past = apply(self._past, event)
                    self._tell(event)
                    if event.kind is Kind.ENDED:
                        return
                    if number % AT_ONCE == 0:
                        await asyncio.sleep(0)


def _declared(path: Path) -> Mapping[str, Any]:
    """The journal's first line; WrongUse where it is not written yet, RecordFailed where it is damaged."""
    with reading(path, Disk()) as file:
        events: tuple[Event, ...] = read_chain(file.readline(), path).events
    if not events:
        raise WrongUse(f"{path.parent.name} has declared nothing yet", fix="Watch it again in a moment.")
    return events[0].data


def _targets(declared: Mapping[str, Any]) -> Targets:
    """As they were declared, each stage's budget among them; none where that cannot be read."""
    try:
        return Targets.model_validate(declared.get("targets") or {})
    except ValidationError:
        return Targets()


def _banner(declared: Mapping[str, Any]) -> Banner:
    mode = str(declared.get("mode", "")).upper()
    if mode == "TRAINING":
        from runbook.commands.training_session import BANNER

        return BANNER
    environment, settings = declared.get("environment", ""), declared.get("configuration") or {}
    account = settings.get(f"{environment}.aws.account_id", "not stated")
    note = "providers: LOOPBACK" if declared.get("providers") == "LOOPBACK" else ""
    return Banner(mode, f"{declared.get('platform', '')} {environment}, account {account}".strip(), note)
