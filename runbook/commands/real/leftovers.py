"""What ended runs left behind, by their own record: offered for removal at every start, and closed in the test log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from runbook import __version__
from runbook.commands.configured import Configured
from runbook.commands.places import ELSEWHERE, JOURNAL, Home, removals
from runbook.commands.real.workshop import Workshop
from runbook.config.file import ENVIRONMENT_OF
from runbook.engine.conductor import NOT_FINISHED, settled
from runbook.engine.errors import RecordFailed
from runbook.engine.events import Event, Kind
from runbook.engine.few import few
from runbook.engine.performer import Performer
from runbook.engine.ports import Clock, Confirm, Operator, Preview, TypeName, typed_exactly
from runbook.engine.run import LedgerEntry, Run, apply, replay
from runbook.engine.scribe import Scribe
from runbook.engine.verdict import Finding, Observation
from runbook.records import journal
from runbook.records.canonical import stamp
from runbook.records.evidence import aftermath, sealing, sweeping
from runbook.records.evidence.summary import summary
from runbook.records.journal import Journal
from runbook.records.log.folding import told
from runbook.records.log.logs import TestLog
from runbook.records.scanner import Scanner
from runbook.records.signoff.findings import standing as standing_findings
from steps import PROCEDURE
from steps.here import Here

CLEANUP = f"{PROCEDURE.closing.id}.cleanup"
SIGN_IN = "identity.aws-mfa"
_NAMED = 4


@dataclass(frozen=True, slots=True)
class Left:
    """One ended run, as it stands after every later removal; `past` are its events and theirs."""

    folder: Path
    run: Run
    past: tuple[Event, ...]
    removals: int  # how many were tried

    @property
    def entries(self) -> tuple[LedgerEntry, ...]:
        """What is still there."""
        return self.run.open_ledger

    @property
    def words(self) -> str:
        """In one sentence."""
        return f"{self.run.id} left {few([f'{each.name} ({each.kind})' for each in self.entries], _NAMED)}"


def found(configured: Configured, environment: str) -> tuple[Left, ...]:
    """Of the runs on that environment, oldest first; a damaged journal is told elsewhere and stops nothing here."""
    folders = configured.shelf.folders()
    return tuple(left for each in folders if (left := _left(each, environment)) is not None and left.entries)


class Leftovers:
    """Those of the environment that this process works on; `operator`, in that `role`, is who removes them."""

    def __init__(self, shop: Workshop, clock: Clock, operator: Operator, role: str) -> None:
        self._role = role
        self._shop = shop
        self._clock = clock
        self._operator = operator

    async def offer(self) -> list[str]:
        """Ask about each, remove what is agreed to; answers what was done, as lines."""
        left = found(self._shop.configured, self._shop.environment.name)
        return [line for each in left for line in await self._offered(each)]

    async def _offered(self, left: Left) -> list[str]:
        if not await self._agreed(left):
            return [f"{left.words}: not removed, it stays an open finding"]
        seen = await self._removed(left)
        return [f"{left.run.id}: {seen.observed}"]

    async def _agreed(self, left: Left) -> bool:
        """In production the platform's name is typed besides, as before every Action there."""
        environment, name = self._shop.environment.name, self._shop.configured.settings.platform.name
        if not await self._operator.confirm(_asked(left, environment)):
            return False
        return environment != "production" or typed_exactly(
            name, await self._operator.type_name(TypeName(CLEANUP, name))
        )

    async def _removed(self, left: Left) -> Observation:
        """Each entry undone by the Action that made it, written into a journal of its own; the row is amended."""
        name = f"{left.run.id}.cleanup-{left.removals + 1}"
        folder = left.folder.with_name(name)
        hits, scanner = list[str](), self._shop.tools.scanner

        def scan(record: Mapping[str, Any]) -> Mapping[str, Any]:
            hits.extend(scanner.found(record))
            return scanner.masked(record)

        log = Journal.create(folder / JOURNAL, self._clock, scan=scan)
        try:
            log.append(Kind.DECLARED, stage=None, step=None, data=self._declared(name, left.run))
            scribe = Scribe(log, left.past)
            seen = await self._undone(scribe, left, folder)
            for where in dict.fromkeys(hits):
                scribe.say(Kind.FINDING, **asdict(sweeping.on_its_way(where)))
            scribe.say(Kind.ENDED, stage=PROCEDURE.closing.id, outcome=str(left.run.outcome))
        finally:
            log.close()
        configured, home = self._shop.configured, self._shop.home
        now = replace(left, run=scribe.run)
        sealed(home, configured, now, folder, scanner)
        amend(home, configured, left.run.id, folder)
        return seen

    def _declared(self, name: str, run: Run) -> Mapping[str, Any]:
        return {
            "run_id": name,
            "refers_to": run.id,
            "mode": run.declared["mode"],
            "scenario": f"removal of what {run.id} left",
            "operator": {"name": self._operator.name, "role": self._role},
            "tool_version": __version__,
        }

    async def _undone(self, scribe: Scribe, left: Left, folder: Path) -> Observation:
        self._shop.tools.interlock.know_run(left.run.id, left.run)
        performer: Performer[Here] = Performer(
            PROCEDURE,
            scribe=scribe,
            operator=self._operator,
            clock=self._clock,
            here_for=self._shop.here_for(left.run.id, folder),
            typed_target=None,
            settle=settled,
            guard=self._shop.tools.scanner.register,
        )
        await performer.attempt(PROCEDURE.step(SIGN_IN))
        return await performer.undo(left.entries, stage=PROCEDURE.closing.id, step=CLEANUP)


def _left(folder: Path, environment: str) -> Left | None:
    try:
        left = standing(folder)
    except RecordFailed:
        return None
    return left if left is not None and ENVIRONMENT_OF[str(left.run.declared["mode"])] == environment else None


def standing(folder: Path) -> Left | None:
    """An ended run as it stands after every removal of what it left; None for others.  RecordFailed where damaged."""
    if (folder / ELSEWHERE).exists() or not (folder / JOURNAL).exists():
        return None
    past = journal.read(folder / JOURNAL)
    run = replay(past)
    if run.outcome is None:
        return None
    later = [journal.read(each / JOURNAL) for each in removals(folder)]
    events = tuple(event for each in later for event in each[1:])  # each begins by declaring itself
    for event in events:
        run = apply(run, event)
    return Left(folder, run, (*past, *events), len(later))


def sealed(home: Home, configured: Configured, left: Left, removal: Path, scanner: Scanner | None = None) -> None:
    """The removal's own record beside the run's, which stays as it was sealed; RecordFailed.

    `scanner` knows this process's secrets and takes its last look.
    """
    found = sweeping.sweep(removal, scanner)
    declared = journal.read(removal / JOURNAL)[0].data
    document = {
        **_since(_corrected(sealing.read_document(left.folder), left, configured.log(home)), left.run, found),
        "amends": left.run.id,
        "removed_by": declared["operator"],
        "previous_head": configured.log(home).head,
    }
    sealing.write_document(removal, scanner.masked(document) if scanner else document)
    sealing.seal(removal)


def amend(home: Home, configured: Configured, run_id: str, folder: Path) -> None:
    """The row of a sealed removal, where it does not stand in the log yet; RecordFailed as for any row."""
    log, path = configured.log(home), configured.book(home).evidence_path(folder)
    if not (folder / sealing.SUMS).exists() or any(row["evidence_path"] == path for row in log.verify().rows):
        return
    document = sealing.read_document(folder)
    log.amend(run_id, document, evidence_path=path, evidence_digest=sealing.sealed_digest(folder), own=folder.name)


def _asked(left: Left, environment: str) -> Confirm:
    """Nothing is removed because a run is started: it is offered."""
    preview = Preview(
        what=f"Remove what {left.run.id} left in {environment} ({len(left.entries)} entries), and see that it is gone",
        target=environment,
        calls=tuple(f"{each.kind} {each.id} (made by {each.step})" for each in left.entries),
    )
    return Confirm(
        step=CLEANUP,
        title="An earlier run left something behind: remove it now",
        preview=preview,
        optional=True,
        without="it stays where it is, and goes on costing money or holding patient data",
    )


def _corrected(document: Mapping[str, Any], left: Left, log: TestLog) -> Mapping[str, Any]:
    """With its findings as removals and people have them since; as the run left them, where that cannot be read."""
    try:
        about = next((each for each in told(log.verify().rows) if each.run["run_id"] == left.run.id), None)
        now = standing_findings(document, left.folder.parent, about.amendments if about else ())
    except RecordFailed:
        return document
    return {**document, "findings": [each.said for each in now]}


def _since(document: Mapping[str, Any], now: Run, found: Iterable[Finding]) -> dict[str, Any]:
    """The document as it is now: what is gone since, the findings that said it was not, and the row's sentence.

    What the removals found themselves, `found` at the sealing too, is added.
    """
    gone = [entry.destroyed for entry in now.ledger if entry.destroyed is not None]
    done = not now.open_ledger
    ends = {(entry.kind, entry.id): entry.destroyed for entry in now.ledger}
    created = [
        {**each, "destroyed_at": stamp(at) if (at := ends.get((each["kind"], each["id"]))) else each["destroyed_at"]}
        for each in document["created"]
    ]
    known = {each["text"] for each in document["findings"]}
    new = [aftermath.finding(each) for each in (*now.findings, *found) if each.text not in known]
    findings = [
        {**each, "status": "CLOSED"} if done and each["text"].startswith(NOT_FINISHED) else each
        for each in (*document["findings"], *new)
    ]
    cleanup = {"state": "DONE", "at": stamp(max(gone))} if done and gone else document["cleanup"]
    whole = {
        **document,
        "created": created,
        "findings": findings,
        "cleanup": cleanup,
        "remaining": aftermath.remaining(now),
    }
    return {**whole, "summary": summary(whole)}
