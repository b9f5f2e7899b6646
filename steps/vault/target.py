"""Stage 2's target: proven to be the server that may be overwritten, shut off, and made fresh for the archive."""

from __future__ import annotations

import json
import re
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Attest, Preview
from runbook.engine.run import LedgerEntry, Run
from runbook.engine.verdict import Observation
from runbook.estate.ports import SealStatus, ThrowAway, Undecryptable
from steps.facts import ArchiveInspected, TargetFresh, TargetProven
from steps.here import Here, as_object
from steps.vault.inspect import FILES
from steps.vault.state import VAULT_DATA, holds_our_archive, made_by_us

FRESH = "a fresh target that can take the archive"
_NUMBER: Final = re.compile(r"\d+")


# -- target -------------------------------------------------------------------------------------------------------
async def target_is_safe(here: Here) -> Observation:
    """The server that will be overwritten is the one that may be: proven once, then known by its certificate."""
    settings, vault = here.environment.vault, here.estate.vault
    status, fingerprint = await vault.seal_status(), await vault.fingerprint()
    production = not here.recovering and _is_production(here, status)
    free = not status.initialised or made_by_us(here)
    state = "empty" if not status.initialised else "made by this run" if free else "IN USE by somebody else"
    misfit = _misfit(here, status)
    return Observation.that(
        not production and free and settings.address.startswith("https://") and not misfit,
        expected=f"an empty server over https{_not_productions(here)}, of the same product, not older than the backup",
        observed=f"{settings.address}: {status.product or settings.product} {status.version}, {status.storage} storage,"
        f" {status.seal_type} seal, {state}" + (", THIS IS PRODUCTION" if production else "") + misfit,
        source="vault: GET /v1/sys/seal-status, TLS certificate",
        fix=_way_out(here, status) if misfit else _empty_one(here),
        facts=(TargetProven(settings.address, fingerprint),),
    )


def _is_production(here: Here, status: SealStatus) -> bool:
    """By its address, and by its cluster id until this run restores production's into it."""
    settings = here.environment.vault
    theirs = status.cluster_id is not None and status.cluster_id == settings.cluster_id
    return settings.address == settings.production_address or (theirs and not made_by_us(here))


def _not_productions(here: Here) -> str:
    return "" if here.recovering else " that is not production's"


def _empty_one(here: Here) -> str:
    if here.recovering:
        return "Empty this server's storage (keep a copy of it), or configure a new one as production's."
    return "Give this run an empty staging server; never production's."


def _misfit(here: Here, status: SealStatus) -> str:
    """What keeps this archive from being restored into that server, as the end of a sentence, or ""."""
    settings, archive = here.environment.vault, here.desk.need(ArchiveInspected)
    if status.product and status.product != settings.product:
        return f"; {settings.product} was expected, another product answers"
    if archive.version and _older(status.version, archive.version):
        return f"; the backup was made by {archive.version}, which is newer"
    if archive.kind != FILES and status.storage != "raft":
        return "; a raft snapshot needs raft storage"
    if archive.shamir != (status.seal_type == "shamir"):
        return f"; the backup is sealed with {archive.seal}: they do not fit"
    return ""


def _way_out(here: Here, status: SealStatus) -> str:
    archive = here.desk.need(ArchiveInspected)
    if archive.shamir and status.seal_type != "shamir":
        return (
            "Start the target without its seal stanza: the backup is opened by shares. Its seal can be migrated later."
        )
    if not archive.shamir and status.seal_type == "shamir":
        return f"Give the target the seal stanza of production ({archive.seal} {archive.kms_key}), and start it again."
    return "Use a server of the same product, in the same version or a newer one, with raft storage."


def _older(version: str, than: str) -> bool:
    """Compares the numbers only: `2.6.2` < `2.7.0`; what follows them (`+ent`) does not count."""
    return [int(n) for n in _NUMBER.findall(version)[:3]] < [int(n) for n in _NUMBER.findall(than)[:3]]


# -- egress -------------------------------------------------------------------------------------------------------
async def cannot_reach_production(here: Here) -> Observation:
    """A restored vault acts on what its engines name, within seconds of its unseal: the way there must be shut."""
    settings = here.environment.vault
    if settings.egress_probe is None:
        return await _egress_attested(here)
    targets = settings.production_endpoints
    if not targets:
        raise NoVerdict(
            "no endpoint of production is configured, so nothing can be measured",
            fix="Set [vault] production_endpoints to host:port of production's databases and APIs.",
            source="runbook.toml",
        )
    answer = await here.estate.web.post(settings.egress_probe, {"targets": list(targets)})
    said = as_object(answer.body)
    reached, refused = said.get("reached"), said.get("refused")
    if answer.status != 200 or not isinstance(reached, list) or not isinstance(refused, list):
        raise NoVerdict(
            f"the probe beside the vault gave no measurement (HTTP {answer.status})",
            fix="Start the probe in the vault's own network, or name the rule in [vault] egress_rule.",
            provider_text=json.dumps(said)[:200],
            source=f"POST {settings.egress_probe}",
        )
    silent = sorted(set(targets) - {str(each) for each in (*reached, *refused)})
    if silent:
        raise NoVerdict(
            f"the probe said nothing of {', '.join(silent)}",
            fix="Look at its log.",
            source="the probe beside the vault",
        )
    return Observation.that(
        not reached,
        expected=f"none of {', '.join(targets)} can be reached from the vault",
        observed=f"REACHED: {', '.join(map(str, reached))}" if reached else f"{len(refused)} tried, none reached",
        source=f"measured beside the vault: POST {settings.egress_probe}",
        fix="Shut the vault's way out before it is unsealed: it would rotate passwords and revoke leases there.",
    )


async def _egress_attested(here: Here) -> Observation:
    if here.unattended:
        raise NoVerdict(
            "not measured, and no person is present who could attest the rule",
            fix="Configure [staging.vault] egress_probe: a rehearsal needs a measurement.",
            source="runbook.toml",
        )
    rule = here.environment.vault.egress_rule
    by = f"this rule: {rule}" if rule else "a rule"
    statement = f"The target cannot reach production's databases and APIs, by {by}"
    asks = "" if rule else "which rule it is: its name, and where it stands"
    stated = await here.desk.operator.attest(Attest(here.desk.step, statement, asks))
    if not stated:
        return Observation.inconclusive(
            expected=statement,
            observed="neither measured nor attested",
            source="operator",
            fix="Shut the vault's way out and name the rule, or configure [vault] egress_probe.",
        )
    return Observation.attested(expected=statement, stated=stated, by=here.desk.operator.name)


# -- initialise ---------------------------------------------------------------------------------------------------
async def target_already_made(here: Here) -> Observation | None:
    """The target holds this very archive already (the run went back), or its fresh keys are still in our memory."""
    if here.desk.need(ArchiveInspected).kind == FILES:
        return Observation.not_needed("file storage is unpacked into an empty server, without init")
    status = await here.estate.vault.seal_status()
    if status.initialised and holds_our_archive(here):
        return _initialised(here, "it holds this run's archive already", here.run.former_fact(TargetFresh))
    held = here.held.throw_away
    if status.initialised and not status.sealed and held and await here.estate.vault.token_works(held.root_token):
        return _initialised(here, "initialised a moment ago by this run", here.run.former_fact(TargetFresh))
    return None


async def show_initialise(here: Here) -> Preview:
    """What will be made, with the archive's own figures."""
    archive = here.desk.need(ArchiveInspected)
    address = here.environment.vault.address
    wipe = ("wipe the data of the attempt that was cut short",) if made_by_us(here) else ()
    kind = "secret" if archive.shamir else "recovery"
    unseal = (f"PUT {address}/v1/sys/unseal × {archive.threshold}, with the throw-away keys",) if archive.shamir else ()
    return Preview(
        what="Initialise the empty target with throw-away keys, so that it can take the archive",
        target=address,
        calls=(
            *wipe,
            f"PUT {address}/v1/sys/init {kind}_shares={archive.shares} {kind}_threshold={archive.threshold}",
            *unseal,
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
    if archive.shamir:
        await _open_with(here, throw_away, archive.threshold)
    await here.until(lambda: is_active(here), limit_s=60, waiting_for="the fresh target to become active", every_s=0.2)
    fresh = TargetFresh((await vault.seal_status()).cluster_id or "", await _refused_by_fresh(here, throw_away))
    return _initialised(here, f"fresh, {archive.threshold} of {archive.shares}, throw-away keys in memory only", fresh)


async def _open_with(here: Here, keys: ThrowAway, threshold: int) -> None:
    for number, key in enumerate(keys.keys[:threshold], start=1):
        label = f"throw-away key {number}"
        permit = await here.desk.intend("vault:Unseal", here.environment.vault.address, label=label)
        await here.estate.vault.unseal(permit, key)


async def _refused_by_fresh(here: Here, keys: ThrowAway) -> str:
    """How the fresh target refuses the control record: what a vault that unseals itself can show of a control."""
    canary, mount = here.environment.canary, here.environment.vault.transit_mount
    try:
        await here.estate.vault.decrypt(mount, canary.transit_key, canary.control_ciphertext, token=keys.root_token)
    except Undecryptable as refusal:
        return f"HTTP {refusal.status}: {refusal.text}"
    raise LayerFailed(
        "the fresh target decrypts production's record: it is not an empty vault",
        fix="Find out what answers at this address; then go back to vault.target.",
        source="vault: POST transit/decrypt",
    )


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
    await here.by_hand(
        f"Remove the data of the vault at {address}: this run made it, no API can remove it",
        "Stop the vault service.",
        "Empty its storage folder (the path of its storage stanza).",
        "Start the vault service again.",
        act="wipe-vault",
        undone=f"the data of {address} was not removed",
    )
    await here.until(
        lambda: _is_empty(here), limit_s=60, waiting_for=f"{address} to answer as uninitialised (501)", every_s=0.3
    )


async def _is_empty(here: Here) -> bool:
    try:
        return (await here.estate.vault.health()).status == 501
    except NoVerdict:
        return False  # it is being started


def _initialised(here: Here, how: str, fresh: TargetFresh | None) -> Observation:
    return Observation.passed(
        expected=FRESH,
        observed=f"{here.environment.vault.address}: {how}",
        source="vault: PUT /v1/sys/init, GET /v1/sys/health",
        facts=(fresh,) if fresh else (),
    )


def restore_not_seen(run: Run) -> bool:
    """After a resume the throw-away keys are gone: the target is made again unless the archive is in it."""
    made = run.result("vault.initialise")
    return made is not None and TargetFresh.__name__ in made.facts and not run.satisfied("vault.restore")


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
