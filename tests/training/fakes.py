"""A stand-in for the data layers, so that the outer ones and the supervisor are tested without real servers."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from runbook.training.process import Child


class FakeData:
    """Behaves as `DataLayers` does towards the supervisor; counts what it was asked for."""

    def __init__(self, root: Path, *, processes: int = 0, fails: str = "") -> None:
        self._fails = fails
        self._children = [
            Child(f"fake {number}", [sys.executable, "-c", SLEEPER, str(root)], root / f"fake-{number}.log")
            for number in range(processes)
        ]
        self.extra = root.parent / f"runbook-fake-{root.name}"
        self.calls: list[str] = []
        self.broken: list[tuple[str, dict[str, Any]]] = []

    def start(self) -> None:
        self.extra.mkdir()
        for child in self._children:
            child.start()
        if self._fails:
            raise RuntimeError(self._fails)

    def stop(self) -> None:
        for child in self._children:
            child.stop()

    def children(self) -> list[Child]:
        return [child for child in self._children if child.alive]

    def temporary(self) -> list[Path]:
        return [self.extra]

    def environment(self) -> dict[str, Any]:
        return {"database": {"name": "clinic"}, "canary": {"transit_key": "patient-notes"}}

    def credentials(self) -> dict[str, str]:
        return {
            "aws-access-key": "AKIA",
            "aws-mfa-code": "492039",
            "app-vault-role-id": "role",
            "app-vault-secret-id": "secret",
            "app-database-user": "clinic_app",
            "app-database-password": "p@ss/word",
        }

    def custodians(self, *, old: bool = False) -> dict[str, str]:
        return {f"Custodian {n} (role)": f"{'old-' if old else ''}share-{n}" for n in range(1, 6)}

    def bad_share(self) -> str:
        return "share-of-others"

    def start_copy(self, instance: str, snapshot: str) -> tuple[str, int]:
        self.calls.append(f"start {instance} {snapshot}")
        if not snapshot:
            raise ValueError("no such snapshot")
        return f"{instance}.practice.test", 5432

    def start_copy_at(self, instance: str, moment: datetime) -> tuple[str, int]:
        self.calls.append(f"start {instance} at {moment.isoformat()}")
        return f"{instance}.practice.test", 5433

    def set_copy_password(self, instance: str, user: str, password: str) -> None:
        if user == "nobody":
            raise ValueError("there is no role nobody")
        self.calls.append(f"password {instance} {user} {len(password)}")

    def remove_copy(self, instance: str) -> None:
        self.calls.append(f"remove {instance}")

    def source_endpoint(self) -> tuple[str, int]:
        return "clinic-production.eu-west-2.rds.practice.test", 5

    def staging_vault_address(self) -> str:
        return "https://127.0.0.1:2"

    def production_vault_address(self) -> str:
        return "https://127.0.0.1:3"

    def restart_vault(self) -> None:
        self.calls.append("restart-vault")

    def wipe_vault(self) -> None:
        self.calls.append("wipe-vault")

    def allow_kms(self) -> None:
        self.calls.append("allow-kms")

    def sso_login(self) -> None:
        self.calls.append("sso-login")

    def fault(self, kind: str, with_: dict[str, Any]) -> None:
        self.broken.append((kind, with_))


SLEEPER = "import signal; signal.pause()"


class FakeOuter:
    """Outer layers that run nothing."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def children(self) -> list[Child]:
        return []

    def environment(self) -> dict[str, Any]:
        return {}

    def credentials(self) -> dict[str, str]:
        return {"github-token": "ghp"}

    def fault(self, kind: str, with_: dict[str, Any]) -> None:
        del with_
        self.broken.append(kind)
