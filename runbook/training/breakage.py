"""The faults of `faults.DATA_FAULTS`, done to running servers; nothing in the product's own code knows of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from runbook.training import production
from runbook.training.archives import Shelf, damaged, foreign
from runbook.training.certificates import Authority
from runbook.training.copies import Copies
from runbook.training.operator_sign_in import OperatorSignIn
from runbook.training.production_vault import ProductionVault
from runbook.training.servers.aws_process import AwsProcess
from runbook.training.servers.egress import EgressProbe
from runbook.training.servers.openbao import Bao
from runbook.training.servers.waiting import Ports


@dataclass
class Breakage:
    """Every method is a fault, its parameters are what the deck may say; `faults` is the table of them."""

    aws: AwsProcess
    production: ProductionVault
    sign_in: OperatorSignIn
    staging: Bao
    probe: EgressProbe
    copies: Copies
    shelf: Shelf
    other_ciphertext: str
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
            "canary-changed": self.canary_changed,
            "database-stopped": self.copies.halt,
            "vault-sealed": self.staging.restart,
            "vault-kms-denied": self.vault_kms_denied,
            "vault-egress-open": self.egress_open,
            "rekeyed": self.production.rekey,
            "stale-backup": self.stale_backup,
            "damaged-snapshot": self.damaged_snapshot,
            "foreign-snapshot": self.foreign_snapshot,
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

    def empty_table(self, table: str = "appointments") -> None:
        """The backup lost the rows: every copy has, the running ones at once."""
        self.copies.damage_backup(lambda copy: production.empty_table(copy, table))

    def canary_changed(self) -> None:
        """In the running copies, or in the next one."""
        self.copies.damage_once(lambda copy: production.change_canary(copy, self.other_ciphertext))

    def stale_backup(self, hours: float = 30.0) -> None:
        """The backup job stopped `hours` ago."""
        self.shelf.age(datetime.now(UTC) - timedelta(hours=hours))

    def damaged_snapshot(self) -> None:
        """Damaged before it was uploaded, so the bucket's own checksums find nothing."""
        self.shelf.replace_newest(damaged(self.shelf.newest))

    def foreign_snapshot(self) -> None:
        """Takes about two seconds: a whole vault is founded for it."""
        home = self.folder / f"foreign-{next(self._count)}"
        bao = Bao("bao foreign", home, self.authority, self.ports)
        self.shelf.replace_newest(foreign(bao, home / "backups", self.shelf.newest.made_at))

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
