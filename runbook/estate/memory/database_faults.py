"""What can go wrong with the database in memory; each is what the practice estate's fault of that name is."""

from __future__ import annotations

from datetime import timedelta

from runbook.estate.memory import names
from runbook.estate.memory.backups import key_of
from runbook.estate.memory.cloud import MemoryKeys, MemoryObjects
from runbook.estate.memory.contents import BOOKINGS, NOTES, Contents
from runbook.estate.memory.copies import STEPS
from runbook.estate.memory.databases import MemoryDatabases
from runbook.estate.memory.production import Production, ciphertext
from runbook.estate.memory.sql import MemorySql
from runbook.estate.memory.tables import DAY, NEWEST_BACKUP, at, row, sums
from runbook.estate.ports import KeyVersions, Reading, SecurityGroup, SideEffect
from runbook.manifest import BUCKETS

TUNNEL = 15432
_NEWER = 9  # a key version that no backup of the vault holds


class DatabaseFaults:
    """What is done to copies is done to those that run and to those that are restored later."""

    databases: MemoryDatabases
    objects: MemoryObjects
    keys: MemoryKeys
    sql: MemorySql
    hands_open_tunnel = True  # else whoever was asked to open it did something else
    _production: Production

    # -- what a copy holds ---------------------------------------------------------------------------------------
    def lose_table(self, table: str) -> None:
        """The restored database has lost that table's rows."""
        self.databases.spoil(lambda copy: copy.empty(table))

    def change_row(self, table: str = NOTES) -> int:
        """One row of a bucket in which production wrote nothing around the newest backup differs; answers the bucket.

        The manifests still say what production says.
        """
        number, bucket = self._quiet_row(table)

        def change(copy: Contents) -> None:
            copy.tables[table] = copy.tables[table].changed(number)

        self.databases.spoil(change)
        return bucket

    def drop_table(self, table: str) -> None:
        """The restored database has no such table at all."""
        self.databases.spoil(lambda copy: copy.drop(table))

    def hide_rows(self, table: str = NOTES) -> None:
        """Production and its copies show that table's rows to the application and the owner only."""
        self._production.hidden.add(table)
        self.objects.put_manifests()
        self.databases.spoil(lambda copy: copy.hidden.add(table))

    def change_canary(self, to: str = "other-text") -> None:
        """The canary in the databases that are restored holds another ciphertext: of another text, of a `newer-version`
        of the key than there is, or made with an `other-key`; KeyError for any other word."""
        changed = {
            "other-text": self._production.other,
            "newer-version": self._production.canary.replace("vault:v1:", f"vault:v{_NEWER}:"),
            "other-key": ciphertext("made with a key that nobody has"),
        }[to]
        self.databases.spoil(lambda copy: _hold(copy, changed))

    def break_structure(self, name: str, *found: str, not_run: str = "") -> None:
        """A look at the structure finds this, or could not be made; `name` is one of `contents.LOOKS`."""
        self.databases.spoil(lambda copy: copy.readings.update({name: Reading(name, found, not_run)}))

    def act_on_others(self, *effects: SideEffect) -> None:
        """The copy has what acts on others; a cron job, if nothing is said."""
        how = "update cron.job set active = false where jobid = 1"
        known = effects or (SideEffect("cron job", "1 send-reminders", active=True, how=how),)
        self.databases.spoil(lambda copy: copy.effects.extend(known))

    def forget_statistics(self, *tables: str) -> None:
        """The planner knows nothing of these tables."""
        self.databases.spoil(lambda copy: copy.unanalysed.update(tables or (BOOKINGS,)))

    def key_skew(self) -> None:
        """The notes need version 2 of the transit key; of the vault's backups only the newest lacks it."""
        self.objects.rotate((1, 2))
        rows = len(self.databases.source.tables[NOTES].rows)
        self.databases.spoil(lambda copy: copy.keys.update({(NOTES, "ciphertext"): KeyVersions((1, 2), rows)}))

    def shrunk_production(self, table: str = BOOKINGS, keep: int = 12, days: int = 1) -> None:
        """Production itself lost most of a table's rows that many days ago: its manifests say so, too."""
        shrunk = self._production.tables[table].shrunk(keep, days * DAY)
        self._production.tables[table] = shrunk
        self.databases.source.tables[table] = at(shrunk, 0.0)
        self.objects.put_manifests()

    # -- where it is ---------------------------------------------------------------------------------------------
    def stop_database(self) -> None:
        """Every restored database stops answering."""
        for contents in self._copies():
            contents.answers = False

    def start_database(self) -> None:
        """They answer again."""
        for contents in self._copies():
            contents.answers = True

    def endpoint_is_the_source(self) -> None:
        """Whoever connects to a copy's endpoint is connected to production."""
        self.databases.spoil(lambda copy: setattr(copy, "wrong_way", self.databases.source))

    def private_copies(self) -> None:
        """Copies answer through a tunnel only."""
        self.sql.private = True

    def open_tunnel(self) -> None:
        """By hand: it ends at a port of this machine."""
        if self.hands_open_tunnel:
            self.sql.tunnel = TUNNEL

    # -- the source ----------------------------------------------------------------------------------------------
    def write(self, table: str = BOOKINGS, minutes_later: float = 0.0) -> None:
        """Production writes one more row, that long after the world was made."""
        known = self._production.tables[table]
        self._production.tables[table] = known.with_row(row(table, 1_000_000 + len(known.rows), -minutes_later))
        self.databases.source.tables[table] = at(self._production.tables[table], -minutes_later)

    def no_manifests(self) -> None:
        """Nobody made any."""
        self.objects.drop_manifests()

    def only_manifests_before(self) -> None:
        """None was made after the newest backup."""
        self.objects.drop_manifests(since=self._production.made - timedelta(minutes=NEWEST_BACKUP))

    def no_snapshot_today(self, days: int = 2) -> None:
        """The newest days of database snapshots are missing."""
        self.databases.backups.missing_days = days

    def no_point_in_time(self) -> None:
        """Production keeps no log to restore moments from."""
        self.databases.pitr = False

    # -- the provider --------------------------------------------------------------------------------------------
    def incompatible_restore(self, status: str = "incompatible-restore") -> None:
        """Every later restore ends in that status."""
        self.databases.final_status = status

    def slow_restore(self, questions: int = 200, status: str = "storage-initialization") -> None:
        """Every later restore takes that many questions more, in a status that nobody knows."""
        self.databases.steps = (*STEPS[:2], *((status, None) for _ in range(questions)), *STEPS[2:])

    def cleanup_refused(self) -> None:
        """Restored databases may not be deleted."""
        self.databases.refuse_deletion = True

    def no_subnet_group(self) -> None:
        """The network that copies stand in is gone."""
        self.databases.grounds.subnet_groups.clear()

    def quota_full(self) -> None:
        """The account holds as many instances as it may."""
        self.databases.grounds.instances = (40, 40)

    def egress_open(self) -> None:
        """What stands in the security group can reach anything."""
        open_ = SecurityGroup(names.SECURITY_GROUP, names.VPC, ("all to 0.0.0.0/0",))
        self.databases.grounds.security_groups[names.SECURITY_GROUP] = open_

    def cron_in_parameters(self) -> None:
        """The parameter group loads pg_cron, and lets subscriptions run."""
        self.databases.grounds.parameters[names.PARAMETER_GROUP] |= {
            "shared_preload_libraries": "pg_stat_statements,pg_cron",
            "max_logical_replication_workers": "4",
        }

    def come_up_otherwise(self, **drift: object) -> None:
        """Copies come up with other values than were asked for, by the names of `ports.Instance`."""
        self.databases.drift = drift

    def share_snapshots(self, account: str) -> None:
        """That account shares its snapshots of production, and lets us use its key."""
        self.databases.backups.share(account)
        self.keys.shared.add(key_of(account))

    def _copies(self) -> tuple[Contents, ...]:
        return self.databases.running()[1:]

    def _quiet_row(self, table: str) -> tuple[int, int]:
        """The place of a settled row, and its bucket: one of those that are equal half an hour before and after."""
        known = self._production.tables[table]
        before, after = (sums(at(known, age), BUCKETS, known.method)[1] for age in (NEWEST_BACKUP + 30, 40.0))
        quiet = {bucket for bucket in before if before[bucket] == after.get(bucket)}
        rows = enumerate(at(known, NEWEST_BACKUP).rows)
        return next((place, one.key & (BUCKETS - 1)) for place, one in rows if one.key & (BUCKETS - 1) in quiet)


def _hold(copy: Contents, canary: str) -> None:
    """That canary; its key's version is what a look at the column finds."""
    version = int(canary.split(":")[1].removeprefix("v"))
    rows = copy.keys[names.CANARY_TABLE, "ciphertext"].values
    copy.canary = canary
    copy.keys[names.CANARY_TABLE, "ciphertext"] = KeyVersions((version,), rows)
