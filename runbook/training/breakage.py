"""The faults of `faults.DATA_FAULTS`, done to running servers; nothing in the product's own code knows of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg import sql

from runbook.training import damage
from runbook.training.archives import damaged, foreign
from runbook.training.certificates import Authority
from runbook.training.copies import Copies
from runbook.training.filling import Filled
from runbook.training.manifests import Manifests
from runbook.training.operator_sign_in import OperatorSignIn
from runbook.training.production_vault import ProductionVault
from runbook.training.servers.aws_process import AwsProcess
from runbook.training.servers.egress import EgressProbe
from runbook.training.servers.openbao import Bao
from runbook.training.servers.postgres import Cluster
from runbook.training.servers.waiting import Ports
from runbook.training.writer import Writer


@dataclass
class Breakage:
    """Every method is a fault, its parameters are what the deck may say; `faults` is the table of them."""

    aws: AwsProcess
    production: ProductionVault
    sign_in: OperatorSignIn
    staging: Bao
    probe: EgressProbe
    source: Cluster
    copies: Copies
    manifests: Manifests
    newest: datetime
    """When the newest snapshot was made."""
    writer: Writer
    filled: Filled
    authority: Authority
    ports: Ports
    folder: Path
    """Private; the other cluster of `foreign-snapshot` lives here for a moment."""
    _count: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def faults(self) -> dict[str, Callable[..., None]]:
        """Kind to what does it."""
        return {
            "empty-table": self.empty_table,
            "damaged-pages": self.damaged_pages,
            "lost-index": self.lost_index,
            "blind-reader": self.blind_reader,
            "shrunk-manifest": self.shrunk_manifest,
            "source-instead-of-copy": self.copies.mislead,
            "production-lives": self.writer.start,
            "canary-changed": self.canary_changed,
            "database-stopped": self.copies.halt,
            "vault-sealed": self.staging.restart,
            "vault-kms-denied": self.vault_kms_denied,
            "vault-egress-open": self.egress_open,
            "rekeyed": self.production.rekey,
            "stale-backup": self.stale_backup,
            "damaged-snapshot": self.damaged_snapshot,
            "foreign-snapshot": self.foreign_snapshot,
            "key-skew": self.key_skew,
            "no-snapshot-today": self.no_snapshot_today,
            "incompatible-restore": self.incompatible_restore,
            "slow-restore": self.slow_restore,
            "kms-denied": lambda: self._weather(kms_denied=True),
            "cleanup-refused": lambda: self._weather(protect_restored=True),
            "expired-login": self.sign_in.expire,
            "clock-off": self.clock_off,
        }

    def _weather(self, **changes: object) -> None:
        self.aws.ask("weather", **changes)

    def vault_kms_denied(self) -> None:
        """What a lost permission looks like: the running vault notices nothing, the next start stays sealed."""
        self._weather(vault_kms_denied=True)
        self.staging.restart()

    def egress_open(self) -> None:
        """The probe beside the vault connects for real from now on."""
        self.probe.shut = False

    # -- the restored database ------------------------------------------------------------------------------------
    def empty_table(self, table: str = "appointments") -> None:
        """The backup lost the rows: every copy has, the running ones at once."""
        self.copies.damage_backup(lambda copy: damage.empty_table(copy, table))

    def damaged_pages(self) -> None:
        """In the files of every later copy; checksums find the flipped page, and not the one of zeros."""
        file = damage.file_of(self.source, "appointments")
        self.copies.damage_files(lambda data: damage.pages(data, file))

    def lost_index(self) -> None:
        """Every copy has it, and nothing uses it."""
        self.copies.damage_backup(lambda copy: damage.lose_index(copy, "patients_nhs_number_key"))

    def blind_reader(self, table: str = "patients") -> None:
        """In production, in what it states of itself, and in every copy."""
        damage.hide_rows(self.source, table)
        self.manifests.make_all_again()
        self.copies.damage_backup(lambda copy: damage.hide_rows(copy, table))

    def shrunk_manifest(self) -> None:
        """The newest snapshot and the manifests around it agree: nine of ten rows are not there."""
        kept = sql.SQL("id % 10 = 0")
        self.manifests.make_again([self.newest], {"public.clinical_notes": kept})
        self.copies.damage_backup(lambda copy: damage.thin_out(copy, "clinical_notes", kept), self.newest)

    def canary_changed(self, to: str = "other-text") -> None:
        """In the running copies, or in the next one."""
        changes: dict[str, Callable[[str], str]] = {
            "other-text": lambda _: self.filled.ciphertexts.other,
            "newer-version": damage.of_a_newer_version,
            "other-key": damage.of_another_key,
        }
        self.copies.damage_once(lambda copy: damage.change_canary(copy, changes[to]))

    # -- the vault's backups --------------------------------------------------------------------------------------
    def key_skew(self) -> None:
        """A sound archive of another day under today's name; the older ones have the key."""
        self.filled.shelf.replace_newest(self.filled.keyless)

    def stale_backup(self, hours: float = 30.0) -> None:
        """The backup job stopped `hours` ago."""
        self.filled.shelf.age(datetime.now(UTC) - timedelta(hours=hours))

    def damaged_snapshot(self) -> None:
        """Damaged before it was uploaded, so the bucket's own checksums find nothing."""
        self.filled.shelf.replace_newest(damaged(self.filled.shelf.newest))

    def foreign_snapshot(self) -> None:
        """Takes about two seconds: a whole vault is founded for it."""
        home = self.folder / f"foreign-{next(self._count)}"
        bao = Bao("bao foreign", home, self.authority, self.ports)
        self.filled.shelf.replace_newest(foreign(bao, home / "backups", self.filled.shelf.newest.made_at))

    # -- the cloud ------------------------------------------------------------------------------------------------
    def no_snapshot_today(self, days: int = 1) -> None:
        """The newest automated snapshots are gone."""
        self.aws.ask("withhold-snapshots", days=days)

    def incompatible_restore(self, status: str = "incompatible-restore") -> None:
        """Restores that start from now on end in that status."""
        self._weather(restore_ends_as=status)

    def slow_restore(self, seconds: float = 8.0, calls: int = 6) -> None:
        """Of the next `calls` RDS calls every second is throttled, the others answer 503."""
        self._weather(restore_seconds=seconds, rough_calls=calls)

    def clock_off(self, seconds: float = 900.0) -> None:
        """The HTTP `Date` of every AWS answer."""
        self._weather(clock_offset=seconds)
