"""Stage 4, Application Tier: the latest verified image, and the three criteria proven through it."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.procedure import Action, Check, Lasting, Repeat, Stage
from runbook.engine.verdict import Observation
from runbook.estate.ports import DatabaseSession, Undecryptable
from steps import application_deploy as act
from steps import application_vault as engine
from steps.database.access import copy
from steps.facts import Deployed, ImageChosen, InstanceReady
from steps.here import Here, as_object, moment


# -- criterion 1 --------------------------------------------------------------------------------------------------
async def boots(here: Here) -> Observation:
    """The health document, judged by named fields; a 200 with an error page is no health."""
    image = here.desk.need(ImageChosen)
    status, health = await here.document(here.environment.application.health_url)
    wanted = {"status": "ok", "digest": image.digest, "commit": image.commit}
    wrong = [f"{name} is {_short(health.get(name))}" for name, value in wanted.items() if health.get(name) != value]
    what = "no health document" if not health else "; ".join(wrong)
    return Observation.that(
        status == 200 and not wrong,
        expected=f"HTTP 200, status ok, digest {image.digest[:19]}…, commit {image.commit[:10]}",
        observed=f"HTTP {status}" + (f", {what}" if wrong else ", all as expected"),
        source=f"GET {here.environment.application.health_url}",
        fix="Look at the application's log; go back to application.deploy if another digest answers.",
    )


def _short(value: object) -> str:
    return "missing" if value is None else str(value)[:40]


# -- criterion 2 --------------------------------------------------------------------------------------------------
async def database_is_ours(here: Here) -> Observation:
    """The application's own connections, seen from inside the *restored* instance, made after our deployment."""
    sessions = await _own_sessions(here)
    ready = here.desk.need(InstanceReady)
    _, health = await here.document(here.environment.application.health_url)
    said = (health.get("status", "nothing"), health.get("database", "nothing"))
    says = f"its health document says status {said[0]}, database {said[1]}"
    return Observation.that(
        bool(sessions) and health.get("database") == "ok",
        expected=f"connections of {here.run.id} on {ready.id}, made after the deployment",
        observed=f"{len(sessions)} connections on {ready.id}; {says}"
        if sessions
        else f"NO connection on {ready.id}, though {says}: it is connected to another database",
        source="pg_stat_activity on the restored instance, and the health document",
        fix="Stop the application now. Then find what overrides the secret group, and go back to application.config.",
    )


async def _own_sessions(here: Here) -> tuple[DatabaseSession, ...]:
    """Sessions of this run's application since its deployment; they are given a moment to appear."""
    since = moment(here.desk.need(Deployed).at) - timedelta(seconds=here.policy.clock_good_s)

    async def seen() -> tuple[DatabaseSession, ...]:
        return tuple(s for s in await copy(here).sessions(here.run.id) if s.started >= since)

    try:
        found: tuple[DatabaseSession, ...] = await here.until(seen, limit_s=8, waiting_for="its connections")
    except NoVerdict:
        return ()
    return found


# -- criterion 3 --------------------------------------------------------------------------------------------------
async def canary_decrypts(here: Here) -> Observation:
    """Our own leg: the canary's ciphertext from the restored database, opened by the restored vault."""
    await canary_plaintext(here)
    return Observation.passed(
        expected="the canary opens to the configured text",
        observed="the canary still decrypts to the configured text",
        source="restored database, then vault: POST transit/decrypt",
    )


async def canary_plaintext(here: Here) -> bytes:
    """The canary's plaintext, its SHA-256 compared; LayerFailed says which of the two layers does not fit."""
    canary = here.environment.canary
    ciphertext = await copy(here).text_value(canary.table, canary.key_column, canary.key, canary.ciphertext_column)
    if ciphertext is None:
        raise LayerFailed(
            f"the sample record {canary.key} is not in {canary.table}",
            fix="It may be younger than this recovery point: choose a newer one, or correct [canary].",
            source="restored database",
        )
    try:
        plaintext = await here.estate.vault.decrypt(
            here.environment.vault.transit_mount, canary.transit_key, ciphertext
        )
    except Undecryptable as refusal:
        raise _undecryptable(refusal) from refusal
    if hashlib.sha256(plaintext.reveal().encode()).hexdigest() != canary.sha256:
        raise LayerFailed(
            "the sample record decrypts, but to another text than the configured one",
            fix="The record was changed after it was made, or the configuration names another one.",
            source="SHA-256 of the plaintext",
        )
    return plaintext.reveal().encode()


_WORDS = {
    "sealed": "the vault is sealed",
    "authentication": "the vault has another key under this name: wrong key material",
    "unknown-key": "the vault does not know this key",
    "version-too-new": "the record needs a newer key version than this vault backup holds",
    "version-too-old": "the record's key version is below min_decryption_version",
    "malformed": "the stored value is not a transit ciphertext",
}


def _undecryptable(refusal: Undecryptable) -> LayerFailed:
    return LayerFailed(
        f"the sample record does not decrypt: {_WORDS.get(refusal.reason, 'for another reason')}",
        fix="Go back to vault.backup or database.choose: vault and database must be of about the same time.",
        provider_text=refusal.text,
        source="vault: POST transit/decrypt",
    )


async def decrypts(here: Here) -> Observation:
    """Both legs: our own, and through the running application, which answers an HMAC over a nonce made now."""
    plaintext = await canary_plaintext(here)
    nonce = secrets.token_bytes(32)
    url = here.environment.application.probe_url
    answer = await here.estate.web.post(url, {"nonce": nonce.hex()})
    said = as_object(answer.body)
    if answer.status != 200 or "hmac" not in said:
        raise LayerFailed(
            f"the application did not answer the probe: HTTP {answer.status}, {_reason(said)}",
            fix="Look at the application's log: it could not read or decrypt the sample record.",
            source=f"POST {url}",
        )
    expected = hmac.new(nonce, plaintext, hashlib.sha256).hexdigest()
    return Observation.that(
        hmac.compare_digest(str(said["hmac"]), expected),
        expected="the canary decrypts to the configured text, here and inside the application",
        observed="own leg: SHA-256 equal; application: its HMAC over our nonce "
        + ("is right" if hmac.compare_digest(str(said["hmac"]), expected) else "is WRONG: it decrypted another text"),
        source=f"restored database, restored vault, POST {url}",
        fix="The application reads another database or another vault: see application.database.",
    )


def _reason(said: Mapping[str, Any]) -> str:
    return str(said.get("error", "no reason given"))[:120] if said else json.dumps({})


# -- heartbeat ----------------------------------------------------------------------------------------------------
async def same_digest_answers(here: Here) -> Observation:
    """Heartbeat: the health document with our digest, and the platform's active deployment says the same."""
    image, settings = here.desk.need(ImageChosen), here.environment.application
    status, health = await here.document(settings.health_url)
    deployments = await here.estate.platform.deployments(settings.project, settings.service)
    active = next((deployment.digest for deployment in deployments if deployment.active), None)
    same = health.get("digest") == image.digest and active == image.digest
    return Observation.that(
        status == 200 and health.get("status") == "ok" and same,
        expected=f"HTTP 200, status ok, digest {image.digest[:19]}…",
        observed=f"HTTP {status}, status {_short(health.get('status'))}, digest {_short(health.get('digest'))[:19]}, "
        f"active deployment {_short(active)[:19]}",
        source=f"GET {settings.health_url}; northflank: GET deployments",
    )


APPLICATION: Stage[Here] = Stage(
    number=4,
    id="application",
    title="Application Tier",
    clause="3.4",
    touches="the platform's secret group and service: pointed at the restored layers and deployed by digest",
    heartbeat=same_digest_answers,
    at_opening=(canary_decrypts,),
    steps=(
        Check(
            id="application.image",
            title="The newest image is verified",
            why="After an incident nobody knows what was touched: only what leads to a signed commit runs.",
            manual="gh api orgs/ORG/packages/container/NAME/versions; gh api repos/OWNER/REPO/commits/SHA/check-runs",
            look=act.newest_is_verified,
            lasting=Lasting.MOMENT,  # a newer image that lands meanwhile is not the one that was deployed
        ),
        Action(
            id="application.config",
            title="Point the application at the restored layers",
            why="An application that still knows the old database would look healthy and prove nothing.",
            manual="Northflank console → Secrets → the group → DATABASE_URL, VAULT_ADDR",
            find=act.already_pointed,
            preview=act.show_config,
            perform=act.point,
            repeat=Repeat.ONCE,
            undo=act.point_back,
        ),
        Action(
            id="application.vault-database",
            title="Point the vault's database engine at the restored database",
            why="The restored vault knows the old database: the credentials that it makes would be for that one.",
            manual="bao write DATABASE_MOUNT/config/NAME connection_url=…; then bao read DATABASE_MOUNT/creds/ROLE",
            find=engine.already_repointed,
            preview=engine.show_repoint,
            perform=engine.repoint,
            repeat=Repeat.ONCE,
        ),
        Action(
            id="application.deploy",
            title="Deploy it by digest",
            why="A tag can move between verification and deployment; a digest cannot.",
            manual="Northflank console → service → Deployment → image path NAME@sha256:…",
            find=act.already_deployed,
            preview=act.show_deploy,
            perform=act.deploy,
            repeat=Repeat.ONCE,
        ),
        Check(
            id="application.rollout",
            title="The platform has rolled it out",
            why="The platform shows the state before our call for a while.",
            manual="Northflank console → service → Deployments: the newest is active with this digest",
            look=act.has_rolled_out,
            lasting=Lasting.MOMENT,
            timeout=1200,
        ),
        Check(
            id="application.boots",
            title="Criterion 1: the application boots",
            why="The policy's first criterion of a successful restoration test.",
            manual="curl -s HEALTH_URL",
            look=boots,
            after=("application.rollout",),
            attestable=False,
            criterion="boots",
        ),
        Check(
            id="application.database",
            title="Criterion 2: it is connected to the restored database",
            why="Asked of the database, not of the application: an application can be healthy on the wrong one.",
            manual="select application_name, backend_start from pg_stat_activity",
            look=database_is_ours,
            after=("application.rollout",),
            attestable=False,
            criterion="connects",
        ),
        Check(
            id="application.decrypt",
            title="Criterion 3: it decrypts a sample record",
            why="This database is readable with these keys, through this image: the whole point of the exercise.",
            manual="POST the probe URL with a nonce; compare HMAC-SHA-256(nonce, plaintext)",
            look=decrypts,
            after=("application.rollout",),
            attestable=False,
            criterion="decrypts",
        ),
    ),
)
