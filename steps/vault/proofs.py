"""Stage 2's proofs: the negative controls, that the vault is up and production's, that it holds what it must."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Final

from runbook.engine.errors import HardStop, LayerFailed, NoVerdict
from runbook.engine.verdict import Finding, Observation, Verdict
from runbook.estate.ports import Undecryptable, VaultHealth
from steps.facts import ArchiveInspected, ClusterSeen, TargetFresh
from steps.here import Here, iso
from steps.vault.state import holds_our_archive, restored_from

DECRYPT: Final = "vault: POST transit/decrypt"
SETTLES_S: Final = 30.0


# -- control: while it is shut ------------------------------------------------------------------------------------
async def sealed_must_fail(here: Here) -> Observation:
    """Negative control: while shut, nothing can be decrypted; otherwise a later success would prove nothing."""
    if not here.desk.need(ArchiveInspected).shamir:
        return _fresh_refused(here)
    earlier = here.run.last("vault.sealed-control")
    status = await here.estate.vault.seal_status()
    if not status.sealed and earlier and earlier.verdict is Verdict.PASS and holds_our_archive(here):
        return _refused_while_sealed(f"observed earlier in this run: {earlier.observed}")
    canary = here.environment.canary
    try:
        await here.estate.vault.decrypt(
            here.environment.vault.transit_mount, canary.transit_key, canary.control_ciphertext
        )
    except Undecryptable as refusal:
        if refusal.reason == "sealed":
            return _refused_while_sealed(f"HTTP {refusal.status}: {refusal.text}")
        raise NoVerdict(
            f"decryption failed, but not because of the seal: {refusal.text}",
            fix="Look at the vault's log: the control has to fail because of the seal and nothing else.",
            source=DECRYPT,
        ) from refusal
    raise LayerFailed(
        "a record was decrypted by a vault that should be sealed",
        fix="This is not the restored vault, or somebody opened it: go back to vault.target.",
        source=DECRYPT,
    )


def _fresh_refused(here: Here) -> Observation:
    """A vault that unseals itself is never seen sealed: the fresh target, before the restore, could not decrypt."""
    fresh = here.desk.need(TargetFresh)
    return Observation.passed(
        expected="decryption refused by the fresh target, before the restore",
        observed=f"before the restore: {fresh.control}",
        source=DECRYPT,
    )


def _refused_while_sealed(observed: str) -> Observation:
    return Observation.passed(expected="decryption refused while sealed (503)", observed=observed, source=DECRYPT)


# -- health -------------------------------------------------------------------------------------------------------
_WAY_OUT: Final = {
    429: "An audit device that cannot be opened on this machine is the usual cause: read the server's log, make its "
    "file or socket writable, restart the vault, unseal it again.",
    472: "Point [vault] address at the primary.",
    473: "Point [vault] address at the active node.",
    474: "Restore onto a single node; the backup's peers do not exist any more.",
    501: "Go back to vault.initialise.",
    503: "Go back to vault.unseal.",
    530: "Restore onto a fresh single node with an empty raft folder (vault.target).",
}


async def is_healthy(here: Here) -> Observation:
    """Active, and the cluster that is known to be production's."""
    return _judged(here, await here.estate.vault.health())


def _judged(here: Here, health: VaultHealth) -> Observation:
    known, whence = _known_cluster(here)
    fresh = here.run.fact(TargetFresh)
    same = health.cluster_id == known if known else fresh is None or health.cluster_id != fresh.cluster_id
    unknown = Finding("production's cluster_id is not recorded: that this is its vault rests on the keys", "major")
    return Observation.that(
        health.status == 200 and same,
        expected=f"health 200, cluster {known} ({whence})" if known else "health 200, not the throw-away cluster",
        observed=f"health {health.status} ({health.meaning}), cluster {health.cluster_id or 'not told'}",
        source="vault: GET /v1/sys/health",
        findings=() if known else (unknown,),
        fix=_WAY_OUT.get(health.status, "This is not the backup that you chose: go back to vault.choose."),
        facts=(ClusterSeen(health.cluster_id or ""),),
    )


def _known_cluster(here: Here) -> tuple[str, str]:
    """Production's cluster_id and who says so: configuration, else the last run, else the archive's own proof."""
    if configured := here.environment.vault.cluster_id:
        return configured, "as configured"
    for run in here.history:
        if run.cluster_id:
            return run.cluster_id, f"as in {run.run_id}"
    archive = here.run.fact(ArchiveInspected)
    return (archive.cluster_id, "as the archive says") if archive and archive.cluster_id else ("", "")


async def is_healthy_twice(here: Here) -> Observation:
    """`is_healthy`, and again a second later: a single reading may catch the moment before a seal.

    429 is what the server answers for a moment after it was opened, and for ever when its set-up failed.
    """
    try:
        first = await here.until(
            lambda: _settled(here), limit_s=SETTLES_S, waiting_for="the vault to settle", every_s=0.3
        )
    except NoVerdict:
        health = await here.estate.vault.health()
        if health.status != 429:
            raise
        return _judged(here, health)
    if first.verdict is not Verdict.PASS:
        return first
    await here.desk.clock.sleep(1.0)
    return await is_healthy(here)


async def _settled(here: Here) -> Observation | None:
    health = await here.estate.vault.health()
    return None if health.status == 429 else _judged(here, health)


# -- what it must hold --------------------------------------------------------------------------------------------
async def keys_are_there(here: Here) -> Observation:
    """The mounts and transit keys that the data needs came with the backup; and what the engines hold is listed."""
    settings, vault = here.environment.vault, here.estate.vault
    mounts = await vault.mounts()
    keys = [await vault.transit_key(settings.transit_mount, name) for name in settings.transit_keys]
    missing = [f"mount {name}" for name in settings.mounts if name not in mounts]
    missing += [f"key {name}" for name, key in zip(settings.transit_keys, keys, strict=True) if key is None]
    said = [f"{key.name} v{key.versions[0]}–v{key.latest}, decrypts from v{key.min_decryption}" for key in keys if key]
    engines, findings = await _engines(here)
    return Observation.that(
        not missing,
        expected=f"mounts {', '.join(settings.mounts)}; keys {', '.join(settings.transit_keys)}",
        observed=f"missing: {', '.join(missing)}"
        if missing
        else f"{len(mounts)} mounts; {'; '.join((*said, *engines))}",
        source="vault: GET /v1/sys/mounts, transit/keys/{name}, sys/audit, sys/leases/count, static-roles",
        fix="This backup is not the one that the data needs: go back and choose another.",
        findings=findings,
    )


async def _engines(here: Here) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """What is said of audit devices, leases and static roles, and what of it is a finding.

    HardStop when a static role was rotated by the restored vault.
    """
    audit, leases = await here.estate.vault.audit_devices(), await here.estate.vault.irrevocable_leases()
    said = [f"audit {', '.join(audit) or 'NONE'}"] if audit is not None else ["audit devices not listed (no right)"]
    findings = []
    if audit == ():
        findings.append(Finding("the restored vault has no audit device: what it does is not recorded"))
    if leases:
        said.append(f"{leases} irrevocable leases")
        findings.append(Finding(f"{leases} leases of the restored vault cannot be revoked: clean up their accounts"))
    return (*said, *await _static_roles(here)), tuple(findings)


async def _static_roles(here: Here) -> tuple[str, ...]:
    """HardStop when one was rotated since the restore began: no rotation that the backup itself knows is that late."""
    mount = here.environment.vault.database_mount
    roles = await here.estate.vault.static_roles(mount) if mount else ()
    if roles is None:
        return ("static roles not listed (no right)",)
    since = await _restored_by_its_clock(here)
    rotated = [role for role in roles if role.rotated and since and role.rotated > since]
    if rotated:
        names = ", ".join(role.name for role in rotated)
        raise HardStop(
            f"the restored vault has rotated {names} since it was restored: it acts on a database that it reached",
            fix="Shut its way out, stop it, and set these accounts' passwords in the database that it reached. The run "
            "ends here: its closing removes the vault's data.",
            source=f"vault: GET /v1/{mount}/static-roles/{{name}}",
        )
    return tuple(f"static role {role.name}, rotated {iso(role.rotated) if role.rotated else 'never'}" for role in roles)


async def _restored_by_its_clock(here: Here) -> datetime | None:
    """When its restore began, on the vault's own clock, which is told in whole seconds."""
    began, health = restored_from(here), await here.estate.vault.health()
    if began is None:
        return None
    ahead = health.server_time - here.now() if health.server_time else timedelta()
    return began + ahead - timedelta(seconds=1)


# -- control: a damaged record ------------------------------------------------------------------------------------
async def damaged_must_fail(here: Here) -> Observation:
    """Negative control: one bit changed must not decrypt; then the whole one must, else the failure proves nothing."""
    canary, mount = here.environment.canary, here.environment.vault.transit_mount
    try:
        await here.estate.vault.decrypt(mount, canary.transit_key, damaged(canary.control_ciphertext))
    except Undecryptable as refusal:
        if refusal.reason != "authentication":
            raise NoVerdict(
                f"the damaged record failed for another reason: {refusal.text}",
                fix="Compare [canary] transit_key and control_ciphertext with production's record, then try again.",
                source=DECRYPT,
            ) from refusal
        refused = refusal.text
    else:
        raise LayerFailed(
            "a damaged record was decrypted: whatever answers is not authenticating its data",
            fix="Stop here: this is not a vault.",
            source=DECRYPT,
        )
    try:
        await here.estate.vault.decrypt(mount, canary.transit_key, canary.control_ciphertext)
    except Undecryptable as refusal:
        raise LayerFailed(
            f"the undamaged control record does not decrypt either: {refusal.text}",
            fix="The keys are not the ones of the data: go back and choose another backup.",
            source=DECRYPT,
        ) from refusal
    return Observation.passed(
        expected="damaged: message authentication failed; whole: decrypts",
        observed=f"damaged: {refused}; whole: decrypts",
        source=DECRYPT,
    )


def damaged(ciphertext: str) -> str:
    """The same `vault:vN:` ciphertext with one bit of its decoded body changed."""
    head, _, body = ciphertext.rpartition(":")
    try:
        raw = bytearray(base64.b64decode(body, validate=True))
    except ValueError:  # binascii.Error, or characters beyond ASCII
        raw = bytearray()
    if not raw:
        raise NoVerdict(
            "the configured control ciphertext is not a transit ciphertext",
            fix="Set [canary] control_ciphertext to a `vault:v…:` text of production's transit key.",
            source="[canary]",
        )
    raw[-1] ^= 1
    return f"{head}:{base64.b64encode(bytes(raw)).decode()}"
