"""Stage 2's restore: the archive into the target, seen to be in it; a restart where it shows stale figures."""

from __future__ import annotations

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Preview
from runbook.engine.verdict import Observation
from runbook.estate.ports import SealStatus
from steps.facts import ArchiveInspected, ArchiveKept, TargetFresh, TargetProven, VaultRestored
from steps.here import Here
from steps.rate import Rate
from steps.vault.inspect import FILES
from steps.vault.state import VAULT_DATA, holds_our_archive, same_server

RESTARTED = "sealed, with the backup's own threshold"
HOLDS = "the target holds the archive and shows the archive's seal"
SETTLES_S = 120.0


# -- restore ------------------------------------------------------------------------------------------------------
async def archive_already_restored(here: Here) -> Observation | None:
    """The run went back, and the target still holds this archive."""
    status = await here.estate.vault.seal_status()
    if not (status.initialised and holds_our_archive(here)):
        return None
    return _restored(here, status, "restored earlier in this run")


async def show_restore(here: Here) -> Preview:
    """The one call, and what becomes of the target."""
    kept, target = here.desk.need(ArchiveKept), here.desk.need(TargetProven)
    archive = here.desk.need(ArchiveInspected)
    if archive.kind == FILES:
        return Preview(
            what="Unpack the copy of the file storage into the empty target: by hand, and checked as every other way",
            target=target.address,
            calls=("tar xzf, on the vault's own machine",),
        )
    way = "snapshot-force" if archive.shamir else "snapshot"
    proof = "" if archive.shamir else " (not forced: that it is taken proves that the KMS key is the same)"
    return Preview(
        what=f"Restore the archive into the target: all that the target holds is replaced{proof}",
        target=target.address,
        calls=(
            f"POST {target.address}/v1/sys/storage/raft/{way}",
            f"body: {kept.size:,} bytes, sha256 {kept.sha256[:16]}…",
        ),
    )


async def restore_archive(here: Here) -> Observation:
    """Send the archive; the 204 that answers proves nothing, so the server is read until it says the same twice."""
    if here.desk.need(ArchiveInspected).kind == FILES:
        return await _unpacked(here)
    kept, throw_away = here.desk.need(ArchiveKept), here.held.throw_away
    if throw_away is None:
        raise NoVerdict("the throw-away keys are gone", fix="Go back to vault.initialise.", source="this process")
    await same_server(here)
    permit = await here.desk.intend("vault:Restore", here.environment.vault.address)
    await here.estate.vault.restore(
        permit,
        here.house.place(kept.name),
        token=throw_away.root_token,
        force=here.desk.need(ArchiveInspected).shamir,
        progress=Rate(here.desk, "sending the archive"),
    )
    status = await here.until(
        lambda: _settled(here), limit_s=SETTLES_S, waiting_for="the restore to settle", every_s=1.0
    )
    return _restored(here, status, "two equal readings")


async def _unpacked(here: Here) -> Observation:
    """File storage has no API: hands do it, and what the server then says is what counts."""
    kept, address = here.desk.need(ArchiveKept), here.environment.vault.address
    await same_server(here)
    await here.desk.intend("vault:Unpack", address, creates=(VAULT_DATA, address))
    await here.by_hand(
        f"Unpack {here.house.place(kept.name)} into the file storage of the vault at {address}",
        "Stop the vault service. Its storage stanza must be `file`, its folder empty.",
        "Unpack the archive into that folder, so that core/ lies directly in it.",
        "Give the files to the vault's user, mode 0600. Start the service. Do not initialise it.",
        act="unpack-vault",
        undone="the archive was not unpacked",
    )
    status = await here.until(
        lambda: _settled(here), limit_s=SETTLES_S, waiting_for="the vault to come up sealed", every_s=1.0
    )
    return _restored(here, status, "unpacked by hand, two equal readings")


async def _settled(here: Here) -> SealStatus | None:
    """The status that a restored server has, read twice at least one second apart; None while it is not that."""
    first = await here.estate.vault.seal_status()
    await here.desk.clock.sleep(1.0)
    second = await here.estate.vault.seal_status()
    same = (first.sealed, first.threshold, first.shares) == (second.sealed, second.threshold, second.shares)
    return second if same and _took(here, second) else None


def _took(here: Here, status: SealStatus) -> bool:
    """Shamir: sealed, since its own keys are gone.  Auto-unseal: open again, as another cluster than before."""
    if here.desk.need(ArchiveInspected).shamir:
        return status.initialised and status.sealed
    fresh = here.run.fact(TargetFresh)
    other = fresh is None or status.cluster_id != fresh.cluster_id
    return not status.sealed and status.cluster_id is not None and other


def _restored(here: Here, status: SealStatus, how: str) -> Observation:
    kept, address = here.desk.need(ArchiveKept), here.environment.vault.address
    seal = f"sealed, {status.threshold} of {status.shares}" if status.sealed else "open"
    return Observation.passed(
        expected=HOLDS,
        observed=f"{address}: {how}, {seal}",
        source="vault: POST /v1/sys/storage/raft/snapshot(-force), GET /v1/sys/seal-status",
        facts=(VaultRestored(kept.sha256, address),),
    )


# -- restart ------------------------------------------------------------------------------------------------------
def _shows_the_archive(here: Here, status: SealStatus) -> bool:
    archive = here.desk.need(ArchiveInspected)
    return (status.threshold, status.shares) == (archive.threshold, archive.shares)


async def no_restart_needed(here: Here) -> Observation | None:
    """What the server shows of its seal is the archive's own; a vault that unseals itself shows recovery figures."""
    archive, status = here.desk.need(ArchiveInspected), await here.estate.vault.seal_status()
    if not archive.shamir:
        return Observation.not_needed(f"{archive.seal} unseals it: no threshold that could be stale is used")
    if not status.sealed:
        return Observation.not_needed("it is open already")
    if not _shows_the_archive(here, status):
        return None
    return Observation.not_needed(f"it shows the backup's own {status.threshold} of {status.shares}")


async def show_restart(here: Here) -> Preview:
    """What is stale, and how the server is restarted."""
    status, archive = await here.estate.vault.seal_status(), here.desk.need(ArchiveInspected)
    return Preview(
        what=f"Restart the vault: it still shows {status.threshold} of {status.shares}, the backup has "
        f"{archive.threshold} of {archive.shares}, and would refuse every right share",
        target=here.environment.vault.address,
        calls=(_restart_call(here),),
    )


def _restart_call(here: Here) -> str:
    service = here.environment.vault.service
    return f"northflank: POST services/{service}/restart" if service else "by hand: restart the vault service"


async def restart(here: Here) -> Observation:
    """Through the platform's API where the service is configured, else by hand; then what it shows is read again."""
    project, service = here.environment.application.project, here.environment.vault.service
    if service:
        permit = await here.desk.intend("northflank:Restart", f"{project}/{service}")
        await here.estate.platform.restart(permit, project, service)
    else:
        await here.by_hand(
            f"Restart the vault service at {here.environment.vault.address}",
            "Restart the service or its container; its data stays.",
            "Wait until it answers again.",
            act="restart-vault",
            undone="the vault was not restarted",
        )
    await here.until(
        lambda: _true_again(here), limit_s=SETTLES_S, waiting_for="the restarted vault to show the backup's seal"
    )
    status = await here.estate.vault.seal_status()
    if not status.sealed:
        raise LayerFailed(
            "the vault came up open, which a Shamir seal never does",
            fix="Another server answers: go back to vault.target.",
            source="vault: GET /v1/sys/seal-status",
        )
    return Observation.passed(
        expected=RESTARTED,
        observed=f"restarted, shows {status.threshold} of {status.shares}",
        source="vault: GET /v1/sys/seal-status",
    )


async def _true_again(here: Here) -> bool:
    try:
        status = await here.estate.vault.seal_status()
    except NoVerdict:
        return False  # it is being started
    return status.initialised and _shows_the_archive(here, status)
