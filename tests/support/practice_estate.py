"""The practice estate as training knows it, over the world in memory: no server, no port, no process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from runbook.config import Environment
from runbook.engine.ports import Secret
from runbook.estate.memory import MemoryEstate
from runbook.training.client import PracticeEstate


class MemoryPracticeEstate:
    """What `training.client.PracticeEstate` can be asked; `faults` are those that happened, `stopped` its end."""

    def __init__(self, world: MemoryEstate) -> None:
        self.world = world
        self.faults: list[tuple[str, Mapping[str, Any]]] = []
        self.stopped = False

    def as_client(self) -> PracticeEstate:
        """As the type that is asked for."""
        return cast("PracticeEstate", self)

    # -- questions ------------------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        return {"state": "ready"}

    def environment(self) -> Environment:
        return self.world.environment()

    def credential(self, name: str) -> Secret:
        return Secret(self.world.account.code) if name == "aws-mfa-code" else self.world.credentials()[name]

    def custodians(self) -> tuple[tuple[str, ...], int]:
        return tuple(self.world.custodians()), 3

    def share(self, label: str, *, bad: bool = False, sheet: str = "") -> Secret:
        known = self.world.old_custodians() if sheet == "old" else self.world.custodians()
        return self.world.bad_share() if bad else known[label]

    def read_out(self, label: str) -> Secret:
        return self.share(label) if label in self.world.custodians() else self.credential("aws-mfa-code")

    # -- changes --------------------------------------------------------------------------------------------------
    def stop(self) -> None:
        self.stopped = True

    def hands(self, act: str) -> None:
        self.world.hands(act)

    def fault(self, kind: str, with_: Mapping[str, Any] | None = None) -> None:
        given = with_ or {}
        self.faults.append((kind, given))
        self._makers(given)[kind]()

    def _makers(self, given: Mapping[str, Any]) -> Mapping[str, Callable[[], object]]:
        world = self.world
        return {
            "empty-table": lambda: world.lose_table(f"public.{given.get('table', 'appointments')}"),
            "blind-reader": lambda: world.hide_rows(f"public.{given.get('table', 'patients')}"),
            "canary-changed": lambda: world.change_canary(given.get("to", "other-text")),
            "clock-off": world.clock_off,
            "damaged-pages": lambda: world.change_row("public.appointments"),
            "damaged-snapshot": world.damaged_snapshot,
            "expired-login": world.expire_login,
            "foreign-snapshot": world.foreign_snapshot,
            "incompatible-restore": lambda: world.incompatible_restore(given.get("status", "incompatible-restore")),
            "key-skew": world.key_skew,
            "kms-denied": world.kms_denied,
            "lost-index": lambda: world.break_structure("invalid indexes", "public.patients_nhs_number_key"),
            "no-snapshot-today": lambda: world.no_snapshot_today(given.get("days", 2)),
            "production-lives": world.write,
            "rekeyed": world.rekeyed,
            "shrunk-manifest": lambda: world.shrunk_production("public.clinical_notes", 400),
            "slow-restore": world.slow_restore,
            "source-instead-of-copy": world.endpoint_is_the_source,
            "stale-backup": lambda: world.stale_backup(given.get("hours", 30.0)),
            "vault-kms-denied": world.vault_kms_denied,
            "database-stopped": world.stop_database,
            "vault-sealed": world.seal,
            **_platform_makers(world, given),
            **_edge_makers(world, given),
        }


def _platform_makers(world: MemoryEstate, given: Mapping[str, Any]) -> Mapping[str, Callable[[], object]]:
    return {
        "app-stopped": world.stop_application,
        "digest-swapped": lambda: world.swap_digest("web"),
        "half-boot": lambda: world.half_boot("web"),
        "moved-tag": world.moved_tag,
        "rate-limited": lambda: world.rate_limited(**given),
        "red-checks": world.red_checks,
        "unsigned-image": world.unsigned_image,
        "wrong-database": lambda: world.wrong_database("web"),
    }


def _edge_makers(world: MemoryEstate, given: Mapping[str, Any]) -> Mapping[str, Callable[[], object]]:
    return {
        "bad-certificate": lambda: world.bad_certificate(**given),
        "dns-old-origin": lambda: world.dns_old_origin(**given),
        "http-redirect": world.http_redirect,
        "open-origin": world.open_origin,
        "security-level": lambda: world.security_level(**given),
        "waf-off": lambda: world.waf_off(**given),
        "zone-paused": world.pause_zone,
    }
