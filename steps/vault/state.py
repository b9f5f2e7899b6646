"""What this run knows of the target by its own journal: whether it made it, and whether its archive is in it."""

from __future__ import annotations

from datetime import datetime, timedelta

from runbook.engine.errors import LayerFailed
from runbook.engine.verdict import Verdict
from steps.facts import ArchiveKept, TargetProven, VaultRestored
from steps.here import Here

VAULT_DATA = "vault:data"


def made_by_us(here: Here) -> bool:
    """Whether this run's ledger says that it initialised the target."""
    address = here.environment.vault.address
    return any(entry.kind == VAULT_DATA and entry.id == address for entry in here.run.ledger)


def holds_our_archive(here: Here) -> bool:
    """Whether this run restored the archive it holds now into the target, and did not make the target anew since."""
    restored, kept = here.run.former_fact(VaultRestored), here.run.fact(ArchiveKept)
    if restored is None or kept is None or _done(here, "vault.restore") <= _done(here, "vault.initialise"):
        return False
    return (restored.sha256, restored.address) == (kept.sha256, here.environment.vault.address)


def restored_from(here: Here) -> datetime | None:
    """Since when the target may hold production's data: when the last restore that was really done began."""
    number = _done(here, "vault.restore")
    if not number:
        return None
    attempt = here.run.attempts[number - 1]
    return attempt.at - timedelta(milliseconds=attempt.ms)


def _done(here: Here, step: str) -> int:
    """Which attempt of the run last really did that step, counted from 1; 0 = none did."""
    done = [
        number
        for number, attempt in enumerate(here.run.attempts, start=1)
        if attempt.step == step and attempt.verdict is Verdict.PASS and not attempt.adopted
    ]
    return done[-1] if done else 0


async def same_server(here: Here) -> None:
    """The target is known by its certificate: LayerFailed when another server answers at its address by now."""
    proven, shown = here.desk.need(TargetProven), await here.estate.vault.fingerprint()
    if shown != proven.fingerprint:
        raise LayerFailed(
            f"another server answers at {proven.address}: its certificate is {shown[:23]}…, not the proven one",
            fix="Find out who changed it; then go back to vault.target.",
            source="TLS certificate",
        )
