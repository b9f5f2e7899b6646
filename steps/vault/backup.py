"""Stage 2's source: which backup, fetched into a private folder."""

from __future__ import annotations

from typing import Final

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Choice, Choose, Option, Preview
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Finding, Observation, Verdict
from runbook.estate.ports import BucketPosture, StoredObject
from steps.facts import ArchiveKept, VaultBackupChosen
from steps.here import Here, age, age_kept, hours, iso, moment
from steps.rate import Rate

DOWNLOADED = "the whole archive, in a private folder"
ARCHIVE: Final = "vault-backup.snap"
FILE: Final = "file:archive"
CHOOSE: Final = "vault.choose"
_JUDGES: Final = ("vault.download", "vault.inspect")  # a FAIL of these speaks about the backup itself


# -- the backup ---------------------------------------------------------------------------------------------------
async def backup_is_there(here: Here) -> Observation:
    """The newest backup by the provider's LastModified, over all pages; how well it was kept becomes findings."""
    stored = await _all(here)
    newest = await here.estate.backups.objects.head(stored[-1].bucket, stored[-1].key)
    posture = await here.estate.backups.objects.posture(newest.bucket)
    findings = (*_kept_well(here, newest, stored), *_bucket_findings(newest.bucket, posture))
    kept = f"{len(stored)} kept, {'versioned' if posture.versioned else 'NOT versioned'}, object lock "
    return Observation.that(
        any(each.size for each in stored),
        expected=f"a backup younger than {hours(here.policy.backup_age_limit)}, under the expected key",
        observed=f"{newest.key}, {age(newest.modified, here.provider_now())} old, {newest.size:,} bytes, "
        f"{newest.encryption or 'encryption not told'}; {kept}{'on' if posture.object_lock else 'off'}",
        source="s3:ListObjectsV2 LastModified, s3:HeadObject, s3:GetBucketVersioning, s3:GetObjectLockConfiguration",
        fix="Every backup is empty: look for a copy of them in another account or Region, and at the backup job.",
        findings=findings,
    )


async def _all(here: Here) -> tuple[StoredObject, ...]:
    """Every backup, oldest first; LayerFailed when there is none."""
    source = here.environment.vault.backup
    stored = await here.estate.backups.objects.list(source.bucket, source.prefix)
    if not stored:
        raise LayerFailed(
            f"there is no backup under s3://{source.bucket}/{source.prefix}",
            fix="Look at the backup job, and whether bucket and prefix are right.",
            source="s3:ListObjectsV2",
        )
    return stored


def _kept_well(here: Here, newest: StoredObject, stored: tuple[StoredObject, ...]) -> tuple[Finding, ...]:
    source, policy = here.environment.vault.backup, here.policy
    findings = []
    if here.kept_until() - newest.modified > policy.backup_age_limit:
        findings.append(Finding(f"the newest vault backup is {age_kept(here, newest.modified)}", "major"))
    if not newest.size:
        findings.append(Finding(f"the newest vault backup, {newest.key}, is empty: the backup job fails", "major"))
    elif len(stored) > 1 and newest.size < stored[-2].size * policy.backup_size_floor:
        findings.append(
            Finding(f"the newest vault backup has {newest.size:,} bytes, the one before {stored[-2].size:,}")
        )
    if newest.encryption != "aws:kms" or newest.kms_key not in {None, source.kms_key}:
        findings.append(Finding(f"the vault backup is not under the expected KMS key ({newest.encryption})", "major"))
    if source.bucket in source.production_buckets:
        findings.append(Finding("the vault backups lie in one of production's own buckets", "major"))
    return tuple(findings)


def _bucket_findings(bucket: str, posture: BucketPosture) -> tuple[Finding, ...]:
    findings = []
    if posture.public_access_blocked is False:
        findings.append(Finding(f"public access to {bucket} is not blocked", "major"))
    if not posture.versioned:
        findings.append(Finding(f"{bucket} keeps no versions: an overwritten backup is lost"))
    return tuple(findings)


# -- choose -------------------------------------------------------------------------------------------------------
async def choose_backup(here: Here) -> Observation:
    """The newest one that was not refused; any other with a reason: damaged, compromise, key skew."""
    stored = await _all(here)
    refused = _refused(here)
    newest_first = tuple(reversed(stored))
    fit = [each for each in newest_first if not _unfit(each, refused)]
    if not fit:
        raise LayerFailed(
            f"none of the {len(stored)} backups can be used",
            fix="Look for a copy of the backups in another account or Region.",
            source="s3:ListObjectsV2, and what was refused in this run",
        )
    choice = await here.desk.operator.choose(
        Choose(
            step=here.desk.step,
            title="Which backup of the vault?",
            columns=("backup", "age", "size", "made"),
            options=tuple(_option(here, each, refused) for each in newest_first),
            default=fit[0].key,
        )
    )
    chosen = next((each for each in fit if each.key == choice.key), None)
    if chosen is None or (chosen.key != fit[0].key and not choice.reason.strip()):
        raise LayerFailed(
            f"{choice.key or 'nothing'} was not chosen: it cannot be used, or no reason was given",
            fix="Choose one that can be used; another than the newest needs a reason.",
            source="operator",
        )
    return await _chosen(here, chosen, _why(choice, newest_first[0], refused))


def _refused(here: Here) -> dict[str, str]:
    """Key of each backup that this run found to be unusable → why; also after going back."""
    key, refused = "", {}
    for attempt in here.run.attempts:
        if attempt.step == CHOOSE and VaultBackupChosen.__name__ in attempt.facts:
            key = str(attempt.facts[VaultBackupChosen.__name__]["key"])
        elif attempt.step in _JUDGES and attempt.verdict is Verdict.FAIL and key:
            refused[key] = f"refused by {attempt.step}: {attempt.observed}"
        elif attempt.step in _JUDGES and attempt.verdict is Verdict.PASS:
            refused.pop(key, None)
    return refused


def _unfit(stored: StoredObject, refused: dict[str, str]) -> str:
    return refused.get(stored.key, "" if stored.size else "it is empty")


def _option(here: Here, stored: StoredObject, refused: dict[str, str]) -> Option:
    name = stored.key.removeprefix(here.environment.vault.backup.prefix)
    cells = (name, age(stored.modified, here.provider_now()), f"{stored.size:,}", iso(stored.modified))
    return Option(key=stored.key, cells=cells, unfit=_unfit(stored, refused))


def _why(choice: Choice, newest: StoredObject, refused: dict[str, str]) -> str:
    """Why it is not the newest, or "": the operator's reason, or what was wrong with the newest."""
    if choice.key == newest.key:
        return ""
    return choice.reason.strip() or _unfit(newest, refused)


async def _chosen(here: Here, chosen: StoredObject, why: str) -> Observation:
    """Pinned to the version that is there now."""
    head = await here.estate.backups.objects.head(chosen.bucket, chosen.key)
    how_old = age(head.modified, here.provider_now())
    older = Finding(f"an older vault backup was used ({how_old} old): {why}", "major")
    return Observation.passed(
        expected="a backup to restore from",
        observed=f"{head.key}, {how_old} old, {'not the newest: ' + why if why else 'the newest'}",
        source="operator, s3:HeadObject",
        findings=(older,) if why else (),
        facts=(
            VaultBackupChosen(
                head.bucket, head.key, head.version or "", iso(head.modified), head.size, head.sha256 or ""
            ),
        ),
    )


# -- download -----------------------------------------------------------------------------------------------------
async def archive_already_here(here: Here) -> Observation | None:
    """Downloaded by this run already, and still the same bytes."""
    kept = here.run.former_fact(ArchiveKept)
    chosen = here.desk.need(VaultBackupChosen)
    if kept is None or kept.source != _source(chosen) or not await here.house.holds(kept.name, kept.sha256):
        return None
    return _kept(kept, "already here, same SHA-256")


async def show_download(here: Here) -> Preview:
    """What is fetched, and where it is put."""
    chosen = here.desk.need(VaultBackupChosen)
    return Preview(
        what=f"Download the vault backup ({chosen.size:,} bytes) into this run's private folder",
        target=str(here.house.place(ARCHIVE).name),
        calls=(f"s3:GetObject {_source(chosen)}",),
    )


async def download(here: Here) -> Observation:
    """Streamed to a private place, hashed on the way, compared with the SHA-256 that the backup job stated."""
    chosen = here.desk.need(VaultBackupChosen)
    await here.desk.intend("file:Write", ARCHIVE, creates=(FILE, ARCHIVE))
    got = await here.estate.backups.objects.download(
        _pinned(chosen), here.house.place(ARCHIVE), Rate(here.desk, "downloading and hashing")
    )
    if chosen.sha256 and got.sha256 != chosen.sha256:
        raise LayerFailed(
            f"the download's SHA-256 is {got.sha256[:16]}…, the backup job stated {chosen.sha256[:16]}…",
            fix="Try again once; if it stays, this backup is damaged: go back to vault.choose and take an older one.",
            source="s3:GetObject, object metadata sha256",
        )
    stated = "as the backup job stated" if chosen.sha256 else "the backup job stated none"
    return _kept(ArchiveKept(ARCHIVE, got.sha256, got.size, _source(chosen)), stated)


def _pinned(chosen: VaultBackupChosen) -> StoredObject:
    return StoredObject(
        bucket=chosen.bucket,
        key=chosen.key,
        size=chosen.size,
        modified=moment(chosen.created_at),
        version=chosen.version or None,
    )


def _source(chosen: VaultBackupChosen) -> str:
    version = f"?versionId={chosen.version}" if chosen.version else ""
    return f"s3://{chosen.bucket}/{chosen.key}{version}"


def _kept(kept: ArchiveKept, how: str) -> Observation:
    return Observation.passed(
        expected=DOWNLOADED,
        observed=f"{kept.size:,} bytes, sha256 {kept.sha256[:16]}…, {how}",
        source=f"s3:GetObject {kept.source}",
        facts=(kept,),
    )


async def discard_archive(here: Here, entry: LedgerEntry) -> Observation:
    """Cleanup: no copy of production's secrets stays on this machine."""
    await here.house.discard(entry.id)
    return Observation.passed(expected="the archive is gone", observed=f"{entry.id} removed", source="local disk")
