"""Stage 2's actions on the target server: make it fresh, restore the archive into it, open it, sign in."""

from __future__ import annotations

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import ByHand, Preview
from runbook.engine.run import LedgerEntry, Run
from runbook.engine.verdict import Observation, Verdict
from runbook.estate.ports import SealStatus, ThrowAway
from steps.facts import ArchiveInspected, ArchiveKept, SharesUsed, TargetProven, VaultRestored
from steps.here import Here
from steps.shares import enter_shares

VAULT_DATA = "vault:data"
VAULT_TOKEN = "vault:token"  # noqa: S105  # a kind of ledger entry, not a token


# -- initialise ---------------------------------------------------------------------------------------------------
async def target_already_made(here: Here) -> Observation | None:
    """The target holds this very archive already (the run went back), or its fresh keys are still in our memory."""
    status = await here.estate.vault.seal_status()
    if status.initialised and holds_our_archive(here):
        return _initialised(here, "it holds this run's archive already")
    held = here.held.throw_away
    if status.initialised and not status.sealed and held and await here.estate.vault.token_works(held.root_token):
        return _initialised(here, "initialised a moment ago by this run")
    return None


async def show_initialise(here: Here) -> Preview:
    """What will be made, with the archive's own figures."""
    archive = here.desk.need(ArchiveInspected)
    address = here.environment.vault.address
    wipe = ("wipe the data of the attempt that was cut short",) if made_by_us(here) else ()
    return Preview(
        what="Initialise the empty target with throw-away keys, so that it can take the archive",
        target=address,
        calls=(
            *wipe,
            f"PUT {address}/v1/sys/init secret_shares={archive.shares} secret_threshold={archive.threshold}",
            f"PUT {address}/v1/sys/unseal × {archive.threshold}, with the throw-away keys",
        ),
    )


async def initialise_target(here: Here) -> Observation:
    """Initialise with the *archive's* shares and threshold: after the restore the server goes on showing these."""
    vault, address, archive = here.estate.vault, here.environment.vault.address, here.desk.need(ArchiveInspected)
    if (await vault.seal_status()).initialised:
        await _clean_ground(here)
    permit = await here.desk.intend("vault:Initialise", address, creates=(VAULT_DATA, address))
    throw_away = await vault.initialise(permit, shares=archive.shares, threshold=archive.threshold)
    here.held.keep(throw_away)
    await _open_with(here, throw_away, archive.threshold)
    await here.until(lambda: is_active(here), limit_s=60, waiting_for="the fresh target to become active", every_s=0.2)
    return _initialised(here, f"fresh, {archive.threshold} of {archive.shares}, throw-away keys in memory only")


async def _open_with(here: Here, keys: ThrowAway, threshold: int) -> None:
    for number, key in enumerate(keys.keys[:threshold], start=1):
        label = f"throw-away key {number}"
        permit = await here.desk.intend("vault:Unseal", here.environment.vault.address, label=label)
        await here.estate.vault.unseal(permit, key)


async def is_active(here: Here) -> bool:
    """Whether the target answers health 200."""
    return (await here.estate.vault.health()).status == 200


async def _clean_ground(here: Here) -> None:
    """Have an initialised target wiped: only one that the ledger says this run initialised."""
    if not made_by_us(here):
        raise LayerFailed(
            f"{here.environment.vault.address} is initialised, and not by this run: nothing is restored over it",
            fix="Give this run an empty target, or remove that server's data by hand if it is nobody's.",
            source="vault: GET /v1/sys/seal-status, and this run's ledger",
        )
    await wipe_by_hand(here)


async def wipe_by_hand(here: Here) -> None:
    """Ask for the target's data to be removed, and see health 501 before going on."""
    address = here.environment.vault.address
    done = await here.desk.operator.by_hand(
        ByHand(
            step=here.desk.step,
            what=f"Remove the data of the vault at {address}: this run made it, no API can remove it",
            how=(
                "Stop the vault service.",
                'Empty its raft folder (the path of storage "raft" in its configuration).',
                "Start the vault service again.",
            ),
            act="wipe-vault",
        )
    )
    if not done:
        raise NoVerdict(f"the data of {address} was not removed", fix="Do it, then try again.", source="operator")
    await here.until(
        lambda: _is_empty(here), limit_s=60, waiting_for=f"{address} to answer as uninitialised (501)", every_s=0.3
    )


async def _is_empty(here: Here) -> bool:
    try:
        return (await here.estate.vault.health()).status == 501
    except NoVerdict:
        return False  # it is being started


def made_by_us(here: Here) -> bool:
    """Whether this run's ledger says that it initialised the target."""
    address = here.environment.vault.address
    return any(entry.kind == VAULT_DATA and entry.id == address for entry in here.run.ledger)


def _initialised(here: Here, how: str) -> Observation:
    return Observation.passed(
        expected="a fresh target that can take the archive",
        observed=f"{here.environment.vault.address}: {how}",
        source="vault: PUT /v1/sys/init, GET /v1/sys/health",
    )


def restore_not_seen(run: Run) -> bool:
    """After a resume the throw-away keys are gone: the target is made again unless the archive is in it."""
    return not run.satisfied("vault.restore")


async def wipe_target(here: Here, entry: LedgerEntry) -> Observation:
    """Cleanup: the restored secrets leave the target, seen as health 501."""
    try:
        empty = await _is_empty(here)
        if not empty:
            await wipe_by_hand(here)
    except NoVerdict as problem:
        return Observation.inconclusive(
            expected="the target is empty", observed=problem.sentence, source=problem.source, fix=problem.fix
        )
    return Observation.passed(
        expected="the target is empty", observed=f"{entry.id} answers 501", source="vault: GET /v1/sys/health"
    )


# -- restore ------------------------------------------------------------------------------------------------------
def holds_our_archive(here: Here) -> bool:
    """Whether this run restored the archive it holds now into the target, and did not make the target anew since."""
    restored, kept = here.run.former_fact(VaultRestored), here.run.fact(ArchiveKept)
    if restored is None or kept is None or _done(here, "vault.restore") <= _done(here, "vault.initialise"):
        return False
    return (restored.sha256, restored.address) == (kept.sha256, here.environment.vault.address)


def _done(here: Here, step: str) -> int:
    """Which attempt of the run last really did that step, counted from 1; 0 = none did."""
    done = [
        number
        for number, attempt in enumerate(here.run.attempts, start=1)
        if attempt.step == step and attempt.verdict is Verdict.PASS and not attempt.adopted
    ]
    return done[-1] if done else 0


async def archive_already_restored(here: Here) -> Observation | None:
    """The run went back, and the target still holds this archive."""
    status = await here.estate.vault.seal_status()
    if not (status.initialised and holds_our_archive(here)):
        return None
    return _restored(here, status, "restored earlier in this run")


async def show_restore(here: Here) -> Preview:
    """The one call, and what becomes of the target."""
    kept, target = here.desk.need(ArchiveKept), here.desk.need(TargetProven)
    return Preview(
        what="Restore the archive into the target: all that the target holds is replaced",
        target=target.address,
        calls=(
            f"POST {target.address}/v1/sys/storage/raft/snapshot-force",
            f"body: {kept.size:,} bytes, sha256 {kept.sha256[:16]}…",
        ),
    )


async def restore_archive(here: Here) -> Observation:
    """Send the archive; the 204 that answers proves nothing, so the server is read until it says the same twice."""
    kept, throw_away = here.desk.need(ArchiveKept), here.held.throw_away
    if throw_away is None:
        raise NoVerdict("the throw-away keys are gone", fix="Go back to vault.initialise.", source="this process")
    await _same_server(here)
    permit = await here.desk.intend("vault:Restore", here.environment.vault.address)
    await here.estate.vault.restore(
        permit,
        here.house.place(kept.name),
        token=throw_away.root_token,
        force=True,
        progress=lambda done, total: here.desk.progress(done, total, "sending the archive"),
    )
    status = await here.until(lambda: _settled(here), limit_s=120, waiting_for="the restore to settle", every_s=1.0)
    return _restored(here, status, "two equal readings")


async def _same_server(here: Here) -> None:
    """The target is known by its certificate: LayerFailed when another server answers at its address by now."""
    proven, shown = here.desk.need(TargetProven), await here.estate.vault.fingerprint()
    if shown != proven.fingerprint:
        raise LayerFailed(
            f"another server answers at {proven.address}: its certificate is {shown[:23]}…, not the proven one",
            fix="Find out who changed it; then go back to vault.target.",
            source="TLS certificate",
        )


async def _settled(here: Here) -> SealStatus | None:
    """A sealed status with the archive's figures, read twice at least one second apart."""
    archive = here.desk.need(ArchiveInspected)
    first = await here.estate.vault.seal_status()
    await here.desk.clock.sleep(1.0)
    second = await here.estate.vault.seal_status()
    same = (first.sealed, first.threshold, first.shares) == (second.sealed, second.threshold, second.shares)
    return second if same and second.sealed and second.threshold == archive.threshold else None


def _restored(here: Here, status: SealStatus, how: str) -> Observation:
    kept, address = here.desk.need(ArchiveKept), here.environment.vault.address
    seal = f"sealed, {status.threshold} of {status.shares}" if status.sealed else "open"
    return Observation.passed(
        expected="the target holds the archive and shows the archive's seal",
        observed=f"{address}: {how}, {seal}",
        source="vault: POST /v1/sys/storage/raft/snapshot-force, GET /v1/sys/seal-status",
        facts=(VaultRestored(kept.sha256, address),),
    )


# -- unseal, login ------------------------------------------------------------------------------------------------
async def already_open(here: Here) -> Observation | None:
    """The vault is open and was opened by this run."""
    used = here.run.former_fact(SharesUsed)
    if used is None or not holds_our_archive(here) or (await here.estate.vault.seal_status()).sealed:
        return None
    return _opened("open already, opened earlier in this run", used.labels)


async def show_unseal(here: Here) -> Preview:
    """Who is asked for what."""
    archive = here.desk.need(ArchiveInspected)
    return Preview(
        what=f"Unseal with {archive.threshold} of the custodians' {archive.shares} shares",
        target=here.environment.vault.address,
        calls=(f"PUT {here.environment.vault.address}/v1/sys/unseal, once for each share",),
    )


async def unseal(here: Here) -> Observation:
    """Shares one by one, masked; a wrong set is refused by the server and entered again as a whole."""
    status = await here.estate.vault.seal_status()
    if not status.sealed:
        return _opened("open: another session finished it", ("entered elsewhere",))
    begun = here.run.last(here.desk.step) or any(intent.step == here.desk.step for intent in here.run.intents)
    if status.progress and begun:
        permit = await here.desk.intend("vault:Unseal", here.environment.vault.address, label="reset")
        status = await here.estate.vault.reset_unseal(permit)  # whose shares were in is not known any more
    status, labels = await enter_shares(here, status)
    return _opened(f"{len(labels)} shares, from {', '.join(labels)}", labels)


def _opened(observed: str, labels: tuple[str, ...]) -> Observation:
    return Observation.passed(
        expected="the vault is open",
        observed=observed,
        source="vault: PUT /v1/sys/unseal",
        facts=(SharesUsed(labels),),
    )


async def never_found(_: Here) -> Observation | None:
    """A sign-in lives in this process only: there is nothing to adopt."""
    return None


async def show_login(here: Here) -> Preview:
    """The one call."""
    address, mount = here.environment.vault.address, here.environment.vault.approle_mount
    return Preview(
        what="Sign in with the identity that lives in the restored vault",
        target=address,
        calls=(f"PUT {address}/v1/auth/{mount}/login",),
    )


async def sign_in(here: Here) -> Observation:
    """AppRole from the snapshot works, and the throw-away cluster's root token is dead."""
    settings, vault = here.environment.vault, here.estate.vault
    await _same_server(here)
    role_id, secret_id = await here.credential("vault-role-id"), await here.credential("vault-secret-id")
    permit = await here.desk.intend("vault:Login", settings.address, creates=(VAULT_TOKEN, settings.address))
    role = await vault.login(permit, role_id=role_id, secret_id=secret_id, mount=settings.approle_mount)
    dead = "its throw-away keys died with the process that held them"
    if here.held.throw_away is not None:
        if await vault.token_works(here.held.throw_away.root_token):
            raise LayerFailed(
                "the throw-away root token still works: this is not the restored vault",
                fix="Go back to vault.restore.",
                source="vault: GET /v1/auth/token/lookup-self",
            )
        dead = "the throw-away root token is dead"
    return Observation.passed(
        expected="the restored vault knows its own identity and none of the throw-away cluster's",
        observed=f"signed in as {role}; {dead}",
        source=f"vault: PUT /v1/auth/{settings.approle_mount}/login",
    )


async def sign_out(here: Here, entry: LedgerEntry) -> Observation:
    """Cleanup: our token is revoked; one of a process that ended dies by its own time to live."""
    if not here.estate.vault.signed_in:
        return Observation.passed(
            expected="our token revoked",
            observed="this process holds none; one of an earlier process dies by its own time to live",
            source="this process",
        )
    permit = await here.desk.intend("vault:SignOut", entry.id)
    try:
        await here.estate.vault.sign_out(permit)
    except (LayerFailed, NoVerdict) as trouble:
        if not made_by_us(here):
            raise
        return Observation.passed(
            expected="our token revoked, or dead with its vault",
            observed=f"dies with the vault's data, which is removed as well ({trouble.sentence})",
            source=trouble.source,
        )
    return Observation.that(
        not here.estate.vault.signed_in, expected="our token revoked", observed="revoked", source="vault: revoke-self"
    )
