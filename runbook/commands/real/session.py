"""A drill, a rehearsal or a recovery: the configured environment, the same procedure, recorded in the test log."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from runbook.commands import anchoring, debug
from runbook.commands.closing import record
from runbook.commands.configured import Configured
from runbook.commands.machine import SystemClock, unclaimed
from runbook.commands.places import JOURNAL, Home, state_of
from runbook.commands.real import again, changed, completing, heads, signing_in, workshop
from runbook.commands.real.beginning import Beginning, Intention, bounds_of
from runbook.commands.real.handover import Handover
from runbook.commands.real.journals import Journals
from runbook.commands.real.leftovers import Leftovers
from runbook.commands.real.named import Named
from runbook.commands.real.workshop import Workshop
from runbook.commands.session import TICK_S, RunSession, Tools, uninterrupted
from runbook.engine.conductor import Conductor
from runbook.engine.errors import RecordFailed, WrongUse
from runbook.engine.ports import Operator, TypeName, typed_exactly
from runbook.engine.run import Run, replay
from runbook.plain.nobody import Nobody
from runbook.records.disk import Disk, free_bytes, read_whole
from runbook.records.journal import Journal, Wired
from runbook.records.remote import TakenOver
from runbook.records.run_lock import local_lock
from runbook.views import Banner, Ending
from steps import PROCEDURE
from steps.here import Here

ROOM = 5 * 1024 * 1024
"""Bytes that must be free at a checkpoint: what is still to be written has to fit."""


async def at_once() -> None:
    """Nothing is kept elsewhere, so nothing is waited for."""


async def taken_over(operator: Operator, run_id: str, sentence: str) -> bool:
    """Another machine's hold is broken by typing its run's id, and by nothing less."""
    typed = await operator.type_name(TypeName("identity.aws-account", run_id, sentence))
    return typed_exactly(run_id, typed)


class RealSession(RunSession):
    """`views.Session` for the real environments.  `walk` may be called once."""

    def __init__(self, home: Home, configured: Configured, intention: Intention) -> None:
        super().__init__(SystemClock(), configured.settings.targets)
        self._home = home
        self._configured = configured
        self._wanted = intention
        self._settings = configured.settings
        self._begin = Beginning(configured, intention)
        self._handover: Handover | None = None
        self._operator: Operator = Nobody()
        self._journals = Journals(configured.shelf, home, self._clock, self._begin.may_go_on_elsewhere)
        self._begin.refuse_variables()

    @property
    def banner(self) -> Banner:
        return self._begin.banner

    async def walk(self, operator: Operator | None) -> Ending:
        """None: nobody is there.  RunbookError; cancelling leaves the run resumable."""
        run_id, configured = self._wanted.run_id or self._fresh_id(), self._configured
        await self._look_at_earlier(configured.book(self._home), configured.shelf, attended=operator is not None)
        await self._load_adapters(attended=operator is not None)
        with local_lock(self._home.root, self._begin.environment.name, run_id) as note:
            if note:
                self._show(note)
            with self._tools(bounds_of(self._configured, self._wanted.mode)) as tools:
                walk = self._new if self._wanted.run_id is None else self._resumed
                ending = await walk(run_id, operator, tools)
        said = await anchoring.offer(anchoring.of_run(ending), self._operator)  # nobody waits for the answer
        return replace(ending, details={**ending.details, "commit": said})

    def _fresh_id(self) -> str:
        return f"{self._wanted.mode}-{self._clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"

    # -- a new run ------------------------------------------------------------------------------------------------
    async def _new(self, run_id: str, operator: Operator | None, tools: Tools) -> Ending:
        await self._finish_earlier()
        self._begin.refuse_unfinished()
        declared = await self._begin.declared(run_id, operator, self.now)
        shop = await workshop.opened(self._configured, self._home, self._wanted.mode, tools, operator)
        who = Nobody() if operator is None else Named(operator, str(declared["operator"]["name"]))
        for line in await Leftovers(shop, self._clock, who, str(declared["operator"]["role"])).offer():
            self._show(line)
        self._known_elsewhere_as(shop, run_id, who)
        journal = await self._journals.created(run_id, self._wired(tools), who)
        conductor = self._conduct(run_id, journal, shop, who)
        return await self._to_the_end(run_id, journal, shop, conductor, lambda walker: walker.declare(declared))

    # -- the same run again ---------------------------------------------------------------------------------------
    async def _resumed(self, run_id: str, operator: Operator | None, tools: Tools) -> Ending:
        shop = await workshop.opened(self._configured, self._home, self._wanted.mode, tools, operator)
        elsewhere = await self._brought(shop, run_id, self._folder(run_id) / JOURNAL, operator)
        journal = self._journals.opened(run_id, self._wired(tools))
        try:
            self._past = replay(journal.past)
            look = partial(again.may_go_on, self._past, self._folder(run_id), self._settings, operator)
            await asyncio.to_thread(look, ended_elsewhere=elsewhere)
            who = await again.who_goes_on(self._past, operator)
            told = await again.taken_as_it_is(journal.past, self._configured.loaded, who, operator)
        except BaseException:
            journal.close()
            raise
        self._known_elsewhere_as(shop, run_id, who)
        if self._handover is not None:
            self._handover.resumes(await asyncio.to_thread(journal.path.read_bytes))
        conductor = self._conduct(run_id, journal, shop, who)
        return await self._to_the_end(run_id, journal, shop, conductor, lambda walker: walker.resume(**told))

    async def _brought(self, shop: Workshop, run_id: str, path: Path, operator: Operator | None) -> bool:
        """The newest that any machine wrote of the run: another may have gone on with it since this one did.

        Answers whether it ended there.

        That lies in the evidence bucket, which only the account can read, so signing in comes first.
        """
        if operator is None:  # nobody is there to take anything over
            if not await asyncio.to_thread(path.exists):
                raise WrongUse(f"the journal of {run_id} is not on this machine", fix="Resume it where it was begun.")
            return False
        handover = workshop.handover(shop, run_id, operator.name, self._clock, self._show)
        if handover is not None:
            await signing_in.signed_in(shop.estate, operator)
            try:
                await handover.take_up(path, partial(taken_over, operator))
            finally:
                await handover.leave()
            run = await asyncio.to_thread(state_of, path.parent)
            if run is not None and run.outcome is not None:
                await handover.release()  # it was only looked at
                return True
        return False

    # -- the walk -------------------------------------------------------------------------------------------------
    async def _finish_earlier(self) -> None:
        """Earlier runs that lack their record; what cannot be finished is said, and stops nothing."""
        done = await asyncio.to_thread(completing.complete, self._home, self._configured)
        for ending in done.endings:
            self._show(f"recorded now: {ending.folder} ended {ending.outcome}")
        for trouble in done.troubles:
            self._show(f"not finished yet: {trouble}")

    def _conduct(self, run_id: str, journal: Journal, shop: Workshop, operator: Operator) -> Conductor[Here]:
        folder, far = journal.path.parent, self._handover
        past = replay(journal.past)
        shop.tools.interlock.know_run(run_id, past)
        recovering = self._wanted.mode == "recovery"
        conductor = Conductor(
            PROCEDURE,
            recorder=journal,
            operator=operator,
            clock=self._clock,
            here_for=shop.here_for(run_id, folder, far.claim if far else unclaimed),
            past=journal.past,
            guard=shop.tools.scanner.register,
            typed_target=self._settings.platform.name if recovering else None,
            accepts=recovering,
            tick_s=TICK_S,
            obstacle=lambda: asyncio.to_thread(self._obstacle, folder),
            settle=far.settle if far else at_once,
        )
        looking_back = self._looking_back(journal, shop.tools.scanner, copied=far is not None)
        for listener in (self._tell, debug.hear, looking_back):
            conductor.subscribe(listener)
        self._conductor, self._operator = conductor, operator
        return conductor

    async def _to_the_end(
        self,
        run_id: str,
        journal: Journal,
        shop: Workshop,
        conductor: Conductor[Here],
        begin: Callable[[Conductor[Here]], Awaitable[Run]],
    ) -> Ending:
        walk, operator = begin, self._operator
        try:
            while True:
                try:
                    self._past = await walk(conductor)
                    break
                except TakenOver:
                    raise
                except RecordFailed as failure:
                    self._show(f"{failure.sentence}. {failure.fix}")
                    journal = await self._journals.rescued(run_id, self._wired(shop.tools), failure, operator)
                    if (past := replay(journal.past)).outcome is not None:  # the last line was whole after all
                        self._past = past
                        break
                    conductor = self._conduct(run_id, journal, shop, operator)
                    walk = _again(operator, journal) if journal.past else begin
        finally:
            journal.close()
            if self._handover is not None and self._past.outcome is None:
                await uninterrupted(self._handover.leave())
        return await uninterrupted(self._written(run_id, shop))

    async def _written(self, run_id: str, shop: Workshop) -> Ending:
        """The record, here and in the bucket; whatever comes of it, the environment is free for other machines then."""
        ending: Ending | None = None
        try:
            ending = await asyncio.to_thread(self._recorded, run_id, shop)
        finally:
            await self._given_back(ending, shop)
        return ending

    async def _given_back(self, ending: Ending | None, shop: Workshop) -> None:
        far = self._handover
        if far is None:
            return
        try:
            said = await self._kept_far(far, ending, shop) if ending is not None else ()
        finally:
            freed = await far.release()
        for each in (*said, freed):
            if each:
                self._show(each)

    async def _kept_far(self, far: Handover, ending: Ending, shop: Workshop) -> tuple[str, str]:
        """The evidence and the log's head in the bucket; a sentence of what came of each."""
        try:
            files = await asyncio.to_thread(_contents, Path(ending.folder))
        except RecordFailed as failure:
            return f"the evidence is not in the evidence bucket: {failure.sentence}", ""
        files["head.json"] = json.dumps({"schema": 1, **ending.details}, indent=2).encode()
        bucket = self._settings.records.bucket
        return await far.keep(files), await heads.lock_head(shop.store, bucket, ending.details, self.now())

    def _obstacle(self, folder: Path) -> str | None:
        free = free_bytes(folder)
        if free < ROOM:
            return f"only {free >> 10:,} KiB are free under {folder}: free some space, or the record cannot go on"
        return changed.obstacle(self._configured.loaded)

    def _recorded(self, run_id: str, shop: Workshop) -> Ending:
        """Everything that follows the journal's last line."""
        folder = self._journals.ended(run_id, self._show)
        private = self._home.private(run_id)
        if private.is_dir() and not any(private.iterdir()):
            private.rmdir()
        book = self._configured.book(self._home)
        with self._home.recording():
            return record(book, folder, scanner=shop.tools.scanner, copied=self._handover is not None)

    # -- small parts ----------------------------------------------------------------------------------------------
    def _wired(self, tools: Tools) -> Wired:
        """What a journal of this run works with."""
        return Wired(scan=tools.scanner.scan, on_line=self._mirrored, calls=lambda: tools.interlock.counts)

    def _folder(self, run_id: str) -> Path:
        return self._configured.shelf.folder(run_id)

    def _known_elsewhere_as(self, shop: Workshop, run_id: str, operator: Operator) -> None:
        self._handover = workshop.handover(shop, run_id, operator.name, self._clock, self._unreachable)

    def _mirrored(self, line: bytes, seq: int) -> None:
        if self._handover is not None:
            self._handover.line(line, seq)

    def _unreachable(self, sentence: str) -> None:
        if self._conductor is not None and self._conductor.run.outcome is None:
            self._conductor.find(sentence)
        else:
            self._show(sentence)


def _again(operator: Operator, journal: Journal) -> Callable[[Conductor[Here]], Awaitable[Run]]:
    """The walk goes on in this process, from a journal in another place."""
    return lambda conductor: conductor.resume(by=operator.name, place=str(journal.path))


def _contents(folder: Path) -> dict[str, bytes]:
    return {each.name: read_whole(each, Disk()) for each in sorted(folder.iterdir()) if each.is_file()}
