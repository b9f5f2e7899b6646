"""Stage 2, Encryption Vault: without it nothing can be decrypted, so it comes before the data."""

from __future__ import annotations

import base64
import binascii

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.procedure import Action, Check, Lasting, Repeat, Stage
from runbook.engine.verdict import Finding, Observation, Verdict
from runbook.estate.ports import Undecryptable
from steps import vault_backup as backup
from steps import vault_restore as act
from steps.facts import TargetProven
from steps.here import Here


# -- the target ---------------------------------------------------------------------------------------------------
async def target_is_safe(here: Here) -> Observation:
    """The server that will be overwritten is the one that may be: proven once, then known by its certificate."""
    settings, vault = here.environment.vault, here.estate.vault
    status, fingerprint = await vault.seal_status(), await vault.fingerprint()
    production = settings.address == settings.production_address or (
        status.cluster_id is not None and status.cluster_id == settings.cluster_id and not act.made_by_us(here)
    )
    free = not status.initialised or act.made_by_us(here)
    state = "empty" if not status.initialised else "made by this run" if free else "IN USE by somebody else"
    return Observation.that(
        not production and free and settings.address.startswith("https://"),
        expected="an empty server over https that is not production's",
        observed=f"{settings.address}: {settings.product} {status.version}, {status.storage} storage, {state}"
        + (", THIS IS PRODUCTION" if production else ""),
        source="vault: GET /v1/sys/seal-status, TLS certificate",
        fix="Give this run an empty staging server; never production's.",
        facts=(TargetProven(settings.address, fingerprint),),
    )


# -- controls and proofs ------------------------------------------------------------------------------------------
async def sealed_must_fail(here: Here) -> Observation:
    """Negative control: while sealed, nothing can be decrypted; otherwise a later success would prove nothing."""
    earlier = here.run.last("vault.sealed-control")
    status = await here.estate.vault.seal_status()
    if not status.sealed and earlier and earlier.verdict is Verdict.PASS and act.holds_our_archive(here):
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
            f"decryption failed, but not because of the seal: {refusal.text}", source="vault: POST transit/decrypt"
        ) from refusal
    raise LayerFailed(
        "a record was decrypted by a vault that should be sealed",
        fix="This is not the restored vault, or somebody opened it: go back to vault.target.",
        source="vault: POST transit/decrypt",
    )


def _refused_while_sealed(observed: str) -> Observation:
    return Observation.passed(
        expected="decryption refused while sealed (503)", observed=observed, source="vault: POST transit/decrypt"
    )


async def is_healthy(here: Here) -> Observation:
    """Active, and the cluster that production's record names."""
    health = await here.estate.vault.health()
    known = here.environment.vault.cluster_id
    same = known is None or health.cluster_id == known
    return Observation.that(
        health.status == 200 and same,
        expected=f"health 200, cluster {known or 'not recorded'}",
        observed=f"health {health.status}{_MEANING.get(health.status, '')}, cluster {health.cluster_id}",
        source="vault: GET /v1/sys/health",
        findings=()
        if known
        else (Finding("production's cluster_id is not recorded: that this is its vault rests on the shares", "major"),),
        fix="Sealed: go back to vault.unseal. Another cluster: this is not the backup you chose.",
    )


_MEANING = {429: " (open, but not active)", 501: " (not initialised)", 503: " (SEALED)"}


async def is_healthy_twice(here: Here) -> Observation:
    """`is_healthy`, and again a second later: a single reading may catch the moment before a seal."""
    first = await here.until(
        lambda: _active_or_sealed(here), limit_s=30, waiting_for="the vault to settle", every_s=0.3
    )
    if first.verdict is not Verdict.PASS:
        return first
    await here.desk.clock.sleep(1.0)
    return await is_healthy(here)


async def _active_or_sealed(here: Here) -> Observation | None:
    health = await here.estate.vault.health()
    return None if health.status == 429 else await is_healthy(here)


async def keys_are_there(here: Here) -> Observation:
    """The mounts and transit keys that the data needs came with the backup."""
    settings, vault = here.environment.vault, here.estate.vault
    mounts = await vault.mounts()
    keys = [await vault.transit_key(settings.transit_mount, name) for name in settings.transit_keys]
    missing = [f"mount {name}" for name in settings.mounts if name not in mounts]
    missing += [f"key {name}" for name, key in zip(settings.transit_keys, keys, strict=True) if key is None]
    said = [f"{key.name} v{key.versions[0]}–v{key.latest}, decrypts from v{key.min_decryption}" for key in keys if key]
    return Observation.that(
        not missing,
        expected=f"mounts {', '.join(settings.mounts)}; keys {', '.join(settings.transit_keys)}",
        observed=f"missing: {', '.join(missing)}" if missing else f"{len(mounts)} mounts; {'; '.join(said)}",
        source="vault: GET /v1/sys/mounts, GET /v1/transit/keys/{name}",
        fix="This backup is not the one that the data needs: go back and choose another.",
    )


async def damaged_must_fail(here: Here) -> Observation:
    """Negative control: one bit changed must not decrypt; then the whole one must, else the failure proves nothing."""
    canary, mount = here.environment.canary, here.environment.vault.transit_mount
    try:
        await here.estate.vault.decrypt(mount, canary.transit_key, damaged(canary.control_ciphertext))
    except Undecryptable as refusal:
        if refusal.reason != "authentication":
            raise NoVerdict(
                f"the damaged record failed for another reason: {refusal.text}", source="vault: POST transit/decrypt"
            ) from refusal
        refused = refusal.text
    else:
        raise LayerFailed(
            "a damaged record was decrypted: whatever answers is not authenticating its data",
            fix="Stop here: this is not a vault.",
            source="vault: POST transit/decrypt",
        )
    try:
        await here.estate.vault.decrypt(mount, canary.transit_key, canary.control_ciphertext)
    except Undecryptable as refusal:
        raise LayerFailed(
            f"the undamaged control record does not decrypt either: {refusal.text}",
            fix="The keys are not the ones of the data: go back and choose another backup.",
            source="vault: POST transit/decrypt",
        ) from refusal
    return Observation.passed(
        expected="damaged: message authentication failed; whole: decrypts",
        observed=f"damaged: {refused}; whole: decrypts",
        source="vault: POST transit/decrypt",
    )


def damaged(ciphertext: str) -> str:
    """The same `vault:vN:` ciphertext with one bit of its decoded body changed."""
    head, _, body = ciphertext.rpartition(":")
    try:
        raw = bytearray(base64.b64decode(body, validate=True))
    except binascii.Error as error:
        raise NoVerdict("the configured control ciphertext is not a transit ciphertext", source="[canary]") from error
    raw[-1] ^= 1
    return f"{head}:{base64.b64encode(bytes(raw)).decode()}"


VAULT: Stage[Here] = Stage(
    number=2,
    id="vault",
    title="Encryption Vault",
    clause="3.2",
    touches="an empty vault server: initialised, the backup restored into it, opened with the custodians' shares",
    heartbeat=is_healthy,
    steps=(
        Check(
            id="vault.backup",
            title="The newest backup is there, fresh and encrypted",
            why="Without the vault's keys nothing in the database can be read.",
            manual="aws s3api list-objects-v2 --bucket B --prefix P --query 'sort_by(Contents,&LastModified)[-1]'",
            look=backup.backup_is_there,
            lasting=Lasting.MOMENT,
        ),
        Action(
            id="vault.download",
            title="Download it into a private folder",
            why="It is inspected and restored from this machine.",
            manual="aws s3 cp s3://BUCKET/KEY vault-backup.snap && sha256sum vault-backup.snap",
            find=backup.archive_already_here,
            preview=backup.show_download,
            perform=backup.download,
            repeat=Repeat.ONCE,
            undo=backup.discard_archive,
        ),
        Check(
            id="vault.inspect",
            title="The archive is whole, and says what it will need",
            why="A damaged archive is found here, before any server is touched.",
            manual="tar tzvf vault-backup.snap; tar xzf vault-backup.snap && sha256sum -c SHA256SUMS",
            look=backup.archive_is_whole,
            lasting=Lasting.MOMENT,
        ),
        Check(
            id="vault.target",
            title="The target server is empty, ours, and not production's",
            why="A restore replaces everything that the target holds.",
            manual="bao status -address=https://TARGET",
            look=target_is_safe,
            lasting=Lasting.MOMENT,
            attestable=False,
        ),
        Action(
            id="vault.initialise",
            title="Initialise the empty target with throw-away keys",
            why="A server takes an archive only when it is initialised and open; its own keys are thrown away after.",
            manual="bao operator init -key-shares=N -key-threshold=T, then bao operator unseal × T",
            find=act.target_already_made,
            preview=act.show_initialise,
            perform=act.initialise_target,
            repeat=Repeat.AGAIN,
            undo=act.wipe_target,
            regain=act.restore_not_seen,
        ),
        Action(
            id="vault.restore",
            title="Restore the archive into the target",
            why="From here on the target is production's vault as it was at the backup.",
            manual="bao operator raft snapshot restore -force vault-backup.snap",
            find=act.archive_already_restored,
            preview=act.show_restore,
            perform=act.restore_archive,
            repeat=Repeat.ONCE,
        ),
        Check(
            id="vault.sealed-control",
            title="While sealed, nothing can be decrypted",
            why="A success later means something only if there was a failure before.",
            manual="bao write transit/decrypt/KEY ciphertext=CONTROL → must answer 503 Vault is sealed",
            look=sealed_must_fail,
            lasting=Lasting.MOMENT,
            control="sealed",
        ),
        Action(
            id="vault.unseal",
            title="Unseal with the custodians' shares",
            why="Only the people who hold the shares can open production's keys.",
            manual="bao operator unseal, once for each custodian",
            find=act.already_open,
            preview=act.show_unseal,
            perform=act.unseal,
            repeat=Repeat.AGAIN,
            asks=False,
        ),
        Check(
            id="vault.health",
            title="The vault is active, and it is production's",
            why="Open is not up: only an active vault answers, and only this cluster has the keys.",
            manual="curl -s https://TARGET/v1/sys/health",
            look=is_healthy_twice,
            attestable=False,
        ),
        Action(
            id="vault.login",
            title="Sign in with the identity that the backup holds",
            why="It shows that identities came back too, and that the throw-away cluster is gone.",
            manual="bao write auth/approle/login role_id=… secret_id=…",
            find=act.never_found,
            preview=act.show_login,
            perform=act.sign_in,
            repeat=Repeat.AGAIN,
            undo=act.sign_out,
            regain=lambda _: True,
            asks=False,
        ),
        Check(
            id="vault.keys",
            title="Mounts and transit keys are there",
            why="The rows name a key and a version: both must exist.",
            manual="bao secrets list; bao read transit/keys/KEY",
            look=keys_are_there,
        ),
        Check(
            id="vault.damaged-control",
            title="A damaged record must not decrypt",
            why="It shows that what answers really checks the data, and does not just say yes.",
            manual="change one character of the control ciphertext → message authentication failed",
            look=damaged_must_fail,
            lasting=Lasting.MOMENT,
            control="damaged",
            after=("vault.keys",),
        ),
    ),
)
