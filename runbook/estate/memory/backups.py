"""Production's database backups in memory: a snapshot a day, what is kept of them by hand, and the log between."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.memory import names
from runbook.estate.memory.contents import ENGINE_VERSION
from runbook.estate.memory.tables import NEWEST_BACKUP
from runbook.estate.ports import AutomatedBackup, FromSnapshot, RestoreSpec, Snapshot, ToMoment

DAYS: Final = 30
LAG: Final = timedelta(minutes=5)
_AUTOMATED: Final = "automated"
_COPYING: Final = 2  # questions after which a copy of a snapshot is there


@dataclass
class Kept:
    """A manual snapshot of our own; `of` is what it was copied from, `asked` the questions after it."""

    of: str
    kms_key: str
    tags: dict[str, str] = field(default_factory=dict)
    asked: int = 0


class MemoryBackups:
    """`missing_days` leaves out the newest; `kept` are the manual ones by name, `shared` the ones of another account.

    `pitr` False: there is no log to restore moments from; it ends `lag` ago.  `status` is that of every automated
    snapshot.
    """

    def __init__(self, made: datetime) -> None:
        self._made = made  # snapshots keep their ids and times while the clock goes on
        self.missing_days = 0
        self.kept: dict[str, Kept] = {}
        self.shared: dict[str, tuple[Snapshot, ...]] = {}
        self.pitr = True
        self.status = "available"
        self.encrypted = True
        self.lag = LAG

    def share(self, account: str) -> None:
        """That account has snapshots of production of its own, and shares them with this one."""
        self.shared[account] = tuple(_shared(each, account) for each in self.automated())

    def automated(self) -> list[Snapshot]:
        """Oldest first."""
        return [self._snapshot(age) for age in range(DAYS - 1, self.missing_days - 1, -1)]

    def all(self) -> tuple[Snapshot, ...]:
        """Oldest first, an automated one after the copies of it; each look at a manual one moves it on."""
        manual = [each for each in (self.manual(name) for name in self.kept) if each is not None]
        return tuple(
            sorted((*manual, *self.automated()), key=lambda each: (each.created, each.kind == _AUTOMATED, each.id))
        )

    def manual(self, name: str) -> Snapshot | None:
        """One of our own by name: as old as what it was copied from."""
        kept = self.kept.get(name)
        if kept is None:
            return None
        kept.asked += 1
        status = "available" if kept.asked > _COPYING else "creating"
        was = self._origin(kept.of)
        return replace(
            was, id=name, arn=_arn(name), kind="manual", status=status, kms_key=kept.kms_key, tags=dict(kept.tags)
        )

    def named(self, name: str) -> Snapshot | None:
        """One of our own, automated or manual."""
        return self.manual(name) or next((each for each in self.automated() if each.id == name), None)

    def keep(self, snapshot: str, name: str) -> None:
        """Under the same key; one of that name is left as it is."""
        self.kept.setdefault(name, Kept(snapshot, self._origin(snapshot).kms_key or ""))

    def copy(self, snapshot: str, name: str, kms_key: str, tags: dict[str, str]) -> None:
        """Another account's, under our key; one of that name is left as it is."""
        self._origin(snapshot)
        self.kept.setdefault(name, Kept(snapshot, kms_key, tags))

    def forget(self, snapshot: str) -> None:
        """Automated ones are the provider's own."""
        if snapshot.startswith("rds:"):
            raise _unready(f"{snapshot} is an automated snapshot")
        self.kept.pop(snapshot, None)

    def window(self, now: datetime) -> AutomatedBackup | None:
        """What can be restored to the second."""
        if not self.pitr:
            return None
        return AutomatedBackup(
            instance=names.PRODUCTION_DATABASE,
            status="active",
            earliest=self._snapshot(DAYS - 1).created,
            latest=now - self.lag,
            retention_days=DAYS,
            encrypted=True,
            target="region",
        )

    def moment(self, spec: RestoreSpec, now: datetime) -> datetime:
        """The moment whose data a restore makes; LayerFailed where it cannot be made, NoVerdict where not yet."""
        match spec.origin:
            case FromSnapshot(snapshot):
                return self._until(snapshot)
            case ToMoment(instance, at):
                return self._within(instance, at, now)

    def _until(self, snapshot: str) -> datetime:
        found = self.named(snapshot)
        if found is None:
            raise _refused(f"there is no snapshot {snapshot}", "DBSnapshotNotFound")
        if found.status != "available":
            raise _unready(f"the snapshot {snapshot} is {found.status}")
        return found.data_until or found.created

    def _within(self, instance: str, at: datetime, now: datetime) -> datetime:
        window = self.window(now) if instance == names.PRODUCTION_DATABASE else None
        if window is None or window.earliest is None or window.latest is None:
            raise _refused(f"{instance} has no point-in-time recovery", "PointInTimeRestoreNotEnabled")
        if not window.earliest <= at <= window.latest:
            raise _refused(f"{instance} cannot be restored to {at:%Y-%m-%d %H:%M:%S} UTC", "InvalidParameterValue")
        return at

    def _origin(self, snapshot: str) -> Snapshot:
        ours = [self._snapshot(age) for age in range(DAYS)]
        found = next((each for each in (*ours, *sum(self.shared.values(), ())) if each.id == snapshot), None)
        if found is None:
            raise _refused(f"there is no snapshot {snapshot}", "DBSnapshotNotFound")
        return found

    def _snapshot(self, age: int) -> Snapshot:
        created = self._made - timedelta(days=age, minutes=NEWEST_BACKUP)
        name = f"rds:{names.PRODUCTION_DATABASE}-{created:%Y-%m-%d-%H-%M}"
        return Snapshot(
            id=name,
            instance=names.PRODUCTION_DATABASE,
            kind=_AUTOMATED,
            status=self.status,
            created=created,
            size_gib=100,
            engine="postgres",
            engine_version=ENGINE_VERSION,
            encrypted=self.encrypted,
            kms_key=names.KMS_KEY if self.encrypted else None,
            data_until=created,
            arn=_arn(name),
            target="region",
        )


def _shared(snapshot: Snapshot, account: str) -> Snapshot:
    name = snapshot.id.replace("rds:", "shared-")
    arn = _arn(name, account)
    return replace(snapshot, id=arn, arn=arn, kind="shared", kms_key=key_of(account))


def key_of(account: str) -> str:
    """The key that it encrypts its snapshots with."""
    return names.KMS_KEY.replace(names.ACCOUNT, account)


def _arn(name: str, account: str = names.ACCOUNT) -> str:
    return f"arn:aws:rds:{names.REGION}:{account}:snapshot:{name}"


def _refused(sentence: str, words: str) -> LayerFailed:
    return LayerFailed(sentence, fix="Choose another recovery point.", provider_text=words, source="rds")


def _unready(sentence: str) -> NoVerdict:
    """As AWS has it, a snapshot's state says nothing about what is in it."""
    return NoVerdict(sentence, fix="Wait, or choose another one.", provider_text="InvalidDBSnapshotState", source="rds")
