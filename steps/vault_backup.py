"""Stage 2's source: the newest backup, fetched into a private folder and inspected before any server is touched."""

from __future__ import annotations

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Preview
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import StoredObject
from steps.facts import ArchiveInspected, ArchiveKept, VaultBackupChosen
from steps.here import Here, age, hours, iso

ARCHIVE = "vault-backup.snap"
FILE = "file:archive"


# -- the backup ---------------------------------------------------------------------------------------------------
async def backup_is_there(here: Here) -> Observation:
    """The newest backup by the provider's LastModified, over all pages; how well it was kept becomes findings."""
    source = here.environment.vault.backup
    stored = await here.estate.objects.list(source.bucket, source.prefix)
    if not stored:
        raise LayerFailed(
            f"there is no backup under s3://{source.bucket}/{source.prefix}",
            fix="Look at the backup job, and whether bucket and prefix are right.",
            source="s3:ListObjectsV2",
        )
    newest = await here.estate.objects.head(source.bucket, stored[-1].key)
    findings = (*_kept_well(here, newest, stored), *await _bucket_findings(here))
    return Observation.that(
        newest.size > 0,
        expected=f"a backup younger than {hours(here.policy.backup_age_limit)}, under the expected key",
        observed=f"{newest.key}, {age(newest.modified, here.now())} old, {newest.size:,} bytes, {newest.encryption}",
        source="s3:ListObjectsV2 LastModified, s3:HeadObject",
        fix="The newest backup is empty: look at the backup job, and restore an older one by hand.",
        findings=findings,
        facts=(
            VaultBackupChosen(
                newest.bucket, newest.key, newest.version or "", iso(newest.modified), newest.size, newest.sha256 or ""
            ),
        ),
    )


def _kept_well(here: Here, newest: StoredObject, stored: tuple[StoredObject, ...]) -> tuple[Finding, ...]:
    source, policy = here.environment.vault.backup, here.policy
    findings = []
    if here.now() - newest.modified > policy.backup_age_limit:
        findings.append(Finding(f"the newest vault backup is {age(newest.modified, here.now())} old", "major"))
    if len(stored) > 1 and newest.size < stored[-2].size * policy.backup_size_floor:
        findings.append(
            Finding(f"the newest vault backup has {newest.size:,} bytes, the one before {stored[-2].size:,}")
        )
    if newest.encryption != "aws:kms" or newest.kms_key not in {None, source.kms_key}:
        findings.append(Finding(f"the vault backup is not under the expected KMS key ({newest.encryption})", "major"))
    if source.bucket in source.production_buckets:
        findings.append(Finding("the vault backups lie in one of production's own buckets", "major"))
    return tuple(findings)


async def _bucket_findings(here: Here) -> tuple[Finding, ...]:
    bucket = here.environment.vault.backup.bucket
    posture = await here.estate.objects.posture(bucket)
    findings = []
    if posture.public_access_blocked is False:
        findings.append(Finding(f"public access to {bucket} is not blocked", "major"))
    if not posture.versioned:
        findings.append(Finding(f"{bucket} keeps no versions: an overwritten backup is lost"))
    return tuple(findings)


# -- download and inspect -----------------------------------------------------------------------------------------
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
    stored = await here.estate.objects.head(chosen.bucket, chosen.key)
    await here.desk.intend("file:Write", ARCHIVE, creates=(FILE, ARCHIVE))
    got = await here.estate.objects.download(
        stored, here.house.place(ARCHIVE), lambda done, total: here.desk.progress(done, total, "downloading")
    )
    if chosen.sha256 and got.sha256 != chosen.sha256:
        raise LayerFailed(
            f"the download's SHA-256 is {got.sha256[:16]}…, the backup job stated {chosen.sha256[:16]}…",
            fix="Try again once; if it stays, this backup is damaged: restore an older one by hand.",
            source="s3:GetObject, object metadata sha256",
        )
    stated = "as the backup job stated" if chosen.sha256 else "the backup job stated none"
    return _kept(ArchiveKept(ARCHIVE, got.sha256, got.size, _source(chosen)), stated)


def _source(chosen: VaultBackupChosen) -> str:
    version = f"?versionId={chosen.version}" if chosen.version else ""
    return f"s3://{chosen.bucket}/{chosen.key}{version}"


def _kept(kept: ArchiveKept, how: str) -> Observation:
    return Observation.passed(
        expected="the whole archive, in a private folder",
        observed=f"{kept.size:,} bytes, sha256 {kept.sha256[:16]}…, {how}",
        source=f"s3:GetObject {kept.source}",
        facts=(kept,),
    )


async def discard_archive(here: Here, entry: LedgerEntry) -> Observation:
    """Cleanup: no copy of production's secrets stays on this machine."""
    await here.house.discard(entry.id)
    return Observation.passed(expected="the archive is gone", observed=f"{entry.id} removed", source="local disk")


async def archive_is_whole(here: Here) -> Observation:
    """Offline, before any server is touched: what kind it is, that it is undamaged, and what it will need."""
    kept = here.desk.need(ArchiveKept)
    report = await here.estate.archives.inspect(here.house.place(kept.name))
    if report.kind != "raft-snapshot" or report.shares is None or report.threshold is None:
        raise LayerFailed(
            f"the archive is a {report.kind} backup: this tool restores raft snapshots",
            fix="This kind is restored by hand; the backup job should make raft snapshots.",
            source="the archive itself",
        )
    shamir = report.seal_type == "shamir"
    return Observation.that(
        shamir,
        expected="an undamaged raft snapshot whose seal can be opened with shares",
        observed=f"raft snapshot, index {report.raft_index}, {len(report.members)} members whole, "
        f"seal {report.seal_type} {report.threshold}/{report.shares}",
        source="the archive itself (meta.json, state.bin, SHA256SUMS)",
        fix=f"Sealed with {report.seal_type}: it unseals by itself where that key is; recovery keys do not open it.",
        facts=(
            ArchiveInspected(
                report.kind, report.seal_type or "", report.shares, report.threshold, report.raft_index or 0
            ),
        ),
    )
