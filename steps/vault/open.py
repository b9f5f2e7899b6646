"""Stage 2's opening: shares from their custodians, or the key service that does it; then the sign-in."""

from __future__ import annotations

from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import ByHand, Choose, Option, Preview
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Observation
from runbook.estate.ports import SealStatus
from steps.facts import ArchiveInspected, SharesUsed
from steps.here import Here
from steps.vault.shares import ELSEWHERE, enter_shares, unproven
from steps.vault.state import holds_our_archive, made_by_us, same_server

KNOWN = "the restored vault knows its own identity and none of the throw-away cluster's"
OPEN = "the vault is open"
VAULT_TOKEN: Final = "vault:token"  # noqa: S105  # a kind of ledger entry, not a token
UNSEALS_S: Final = 60.0  # OpenBao tries again every 5 s
RECOVERY_KEYS: Final = (
    "recovery keys authorise (a root token, a rotation); they cannot decrypt the root key, and so never unseal"
)


# -- unseal -------------------------------------------------------------------------------------------------------
async def already_open(here: Here) -> Observation | None:
    """The vault is open and was opened by this run."""
    used = here.run.former_fact(SharesUsed)
    if used is None or not holds_our_archive(here) or (await here.estate.vault.seal_status()).sealed:
        return None
    return _opened("open already, opened earlier in this run", used.labels)


async def show_unseal(here: Here) -> Preview:
    """Who is asked for what."""
    archive, address = here.desk.need(ArchiveInspected), here.environment.vault.address
    if not archive.shamir:
        return Preview(
            what=f"Wait for {archive.seal} to unseal the vault; no share is asked for: {RECOVERY_KEYS}",
            target=address,
            calls=(f"kms:DescribeKey {archive.kms_key}", f"GET {address}/v1/sys/seal-status"),
        )
    return Preview(
        what=f"Unseal with {archive.threshold} of the custodians' {archive.shares} shares",
        target=address,
        calls=(f"PUT {address}/v1/sys/unseal, once for each share",),
    )


async def unseal(here: Here) -> Observation:
    """Shares one by one, masked, from here or elsewhere; or the key service, awaited and explained."""
    if not here.desk.need(ArchiveInspected).shamir:
        return await _by_key_service(here)
    status = await here.estate.vault.seal_status()
    if not status.sealed:
        return _opened("open: others finished it", (ELSEWHERE,) * status.threshold)
    if here.unattended:
        raise NoVerdict(
            "sealed, and no person present: shares are never taken from a store",
            fix="Run an attended drill with the custodians: only a vault that unseals itself is rehearsed to the end.",
            source="procedure",
        )
    if status.progress and _begun_by_us(here):
        permit = await here.desk.intend("vault:Unseal", here.environment.vault.address, label="reset")
        status = await here.estate.vault.reset_unseal(permit)  # whose shares were in is not known any more
    status, labels = await enter_shares(here, status)
    seen = _opened(f"{len(labels)} shares: {', '.join(labels)}", labels)
    return Observation.passed(
        expected=seen.expected,
        observed=seen.observed,
        source=seen.source,
        facts=seen.facts,
        findings=unproven(here, labels),
    )


def _begun_by_us(here: Here) -> bool:
    step = here.desk.step
    return here.run.last(step) is not None or any(intent.step == step for intent in here.run.intents)


def _opened(observed: str, labels: tuple[str, ...]) -> Observation:
    return Observation.passed(
        expected=OPEN,
        observed=observed,
        source="vault: PUT /v1/sys/unseal",
        facts=(SharesUsed(labels),),
    )


# -- where a key service unseals ----------------------------------------------------------------------------------
async def _by_key_service(here: Here) -> Observation:
    archive = here.desk.need(ArchiveInspected)
    status = await here.estate.vault.seal_status()
    if status.sealed:
        await _explained(here)
        await _key_made_usable(here)
        status = await here.until(
            lambda: _unsealed(here), limit_s=UNSEALS_S, waiting_for=f"{archive.seal} to unseal it", every_s=1.0
        )
    return Observation.passed(
        expected=f"unsealed by {archive.seal}, without any share",
        observed=f"open: {archive.seal} {archive.kms_key} unsealed it; {RECOVERY_KEYS}",
        source="vault: GET /v1/sys/seal-status; kms:DescribeKey",
        facts=(SharesUsed(()),),
    )


async def _unsealed(here: Here) -> SealStatus | None:
    try:
        status = await here.estate.vault.seal_status()
    except NoVerdict:
        return None  # it is being started
    return None if status.sealed else status


async def _explained(here: Here) -> None:
    """People arrive with recovery keys at this point: what those are is said before anything is typed."""
    archive = here.desk.need(ArchiveInspected)
    wait = f"the key {archive.kms_key or archive.seal}"
    options = (
        Option("wait", (f"have {archive.seal} unseal it", f"needs {wait}, and the right to decrypt with it")),
        Option("recovery", ("enter the custodians' recovery keys", "they do not unseal"), unfit=RECOVERY_KEYS),
    )
    choice = await here.desk.operator.choose(
        Choose(
            step=here.desk.step,
            title="The vault is sealed. How is it opened?",
            columns=("way", "what it takes"),
            options=options,
            default="wait",
        )
    )
    if choice.key != "wait":
        here.desk.progress(0, 0, f"not that way: {RECOVERY_KEYS}; {archive.seal} has to unseal it")


async def _key_made_usable(here: Here) -> None:
    """The key is looked at; whatever its state, the vault's own right to use it is what hands have to look at.

    LayerFailed when the key is gone or disabled and nobody can mend it.
    """
    archive = here.desk.need(ArchiveInspected)
    state = await _key_state(here)
    done = await here.desk.operator.by_hand(
        ByHand(
            step=here.desk.step,
            what=f"Make the key {archive.kms_key or archive.seal} usable for the vault again (its state: {state})",
            how=(
                "KMS console: the key must be Enabled; cancel its deletion if it is pending.",
                "The vault's own identity needs kms:Decrypt, kms:Encrypt and kms:DescribeKey on it.",
                "The vault must reach the KMS endpoint. It tries again by itself every few seconds.",
            ),
            act="allow-kms",
        )
    )
    if done or (await here.estate.vault.seal_status()).sealed is False:
        return
    if state in {"Enabled", "not known"}:
        raise NoVerdict(
            f"sealed, and the key (state: {state}) was not made usable: {RECOVERY_KEYS}",
            fix="Give the vault's identity the right to decrypt with the key; look at the vault's log.",
            source="vault: GET /v1/sys/seal-status; kms:DescribeKey",
        )
    raise LayerFailed(
        f"sealed, and its key is {state}: without the key this vault cannot be opened, not even from backups",
        fix="Recover the KMS key, or choose a backup that another seal opens (vault.choose).",
        source="kms:DescribeKey",
    )


async def _key_state(here: Here) -> str:
    """As KMS says it, in words; `not known` where it is no AWS key or cannot be asked."""
    archive = here.desk.need(ArchiveInspected)
    if archive.seal != "awskms" or not archive.kms_key:
        return "not known"
    try:
        return await here.estate.backups.keys.state(archive.kms_key) or "gone"
    except NoVerdict:
        return "not known"


# -- login --------------------------------------------------------------------------------------------------------
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
    await same_server(here)
    role_id, secret_id = await here.credential("vault-role-id"), await here.credential("vault-secret-id")
    permit = await here.desk.intend("vault:Login", settings.address, creates=(VAULT_TOKEN, settings.address))
    role = await vault.login(permit, role_id=role_id, secret_id=secret_id, mount=settings.approle_mount)
    return Observation.passed(
        expected=KNOWN,
        observed=f"signed in as {role}; {await _throw_away_dead(here)}",
        source=f"vault: PUT /v1/auth/{settings.approle_mount}/login",
    )


async def _throw_away_dead(here: Here) -> str:
    if here.held.throw_away is None:
        return "there are no throw-away keys, or they died with the process that held them"
    if await here.estate.vault.token_works(here.held.throw_away.root_token):
        raise LayerFailed(
            "the throw-away root token still works: this is not the restored vault",
            fix="Go back to vault.restore.",
            source="vault: GET /v1/auth/token/lookup-self",
        )
    return "the throw-away root token is dead"


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
