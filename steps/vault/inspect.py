"""Stage 2, before any server is touched: what the archive is, that it is whole, and whether the shares open it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import AskSecret, Confirm, Preview, Secret
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import ArchiveProof, ArchiveReport, WrongArchiveShares
from steps.facts import ArchiveInspected, ArchiveKept
from steps.here import Here
from steps.vault.shares import Entry, fault_of, people

RAFT: Final = "raft-snapshot"
FILES: Final = "file-storage"
NOT_PROVEN: Final = "authenticity not proven offline"
_OTHERWISE: Final = {
    "consul-snapshot": "Restore it with `consul snapshot restore`, start the vault on that Consul, unseal it there.",
    "raft-directory": "It is a raft folder: put it under a stopped node of the same product with a peers.json.",
    "postgresql-dump": "It is a database dump: restore it into the vault's own PostgreSQL, then start the vault on it.",
}


async def archive_is_whole(here: Here) -> Observation:
    """Offline: the kind, the hashes, what it will need; if the operator agrees, that the shares in hand open it."""
    kept = here.desk.need(ArchiveKept)
    path = here.house.place(kept.name)
    report = await here.estate.archives.inspect(path)
    _refuse_other_kinds(report)
    _refuse_other_seal(here, report)
    found = _inspected(report)
    proof = await _proven(here, path, found) if found.shamir and report.kind == RAFT else None
    if proof is not None:
        found = _vouched(here, found, proof)
    return Observation.passed(
        expected="an undamaged backup of the vault, and what it takes to open it",
        observed=_said(report, found, proof),
        source="the archive itself (meta.json, state.bin, SHA256SUMS)" if report.kind == RAFT else "the archive itself",
        findings=tuple(Finding(problem) for problem in report.problems if report.kind == RAFT),
        facts=(found,),
    )


def _refuse_other_kinds(report: ArchiveReport) -> None:
    if report.kind in {RAFT, FILES} and report.shares and report.threshold:
        return
    if report.kind in {RAFT, FILES}:
        raise LayerFailed(
            f"the {report.kind} does not say how its vault is sealed, so it is not known what would open it",
            fix="Choose another backup (vault.choose).",
            source="the archive itself",
        )
    raise LayerFailed(
        f"the archive is a {report.kind}: this tool restores raft snapshots, and guides you through file storage",
        fix=_OTHERWISE.get(report.kind, "Restore it by hand; the backup job should make raft snapshots."),
        source="the archive itself",
    )


def _refuse_other_seal(here: Here, report: ArchiveReport) -> None:
    expected = here.environment.vault.seal_type
    if expected is not None and report.seal_type != expected:
        raise LayerFailed(
            f"production's vault is sealed with {expected}, this backup with {report.seal_type}: not the same vault, "
            "or older than a seal migration",
            fix="Choose another backup; if production's seal was changed, correct [vault] seal_type.",
            source="core/seal-config in the archive",
        )


def _inspected(report: ArchiveReport) -> ArchiveInspected:
    return ArchiveInspected(
        kind=report.kind,
        seal=report.seal_type or "",
        shares=report.shares or 0,
        threshold=report.threshold or 0,
        raft_index=report.raft_index or 0,
        kms_key=report.kms_key or "",
        version=report.versions[-1] if report.versions else "",
        authenticity=NOT_PROVEN,
    )


def _said(report: ArchiveReport, found: ArchiveInspected, proof: ArchiveProof | None) -> str:
    made = f", made by version {found.version}" if found.version else ""
    whole = f"{len(report.members)} members whole" if report.members else "no hashes of its own to check"
    index = f", index {found.raft_index}" if found.raft_index else ""
    inside = f"; {_keys(proof)}" if proof else ""
    return f"{report.kind}{index}{made}, {whole}, {opened_by(found)}; {found.authenticity}{inside}"


def opened_by(found: ArchiveInspected) -> str:
    """What opens the vault, as people should say it."""
    if found.shamir:
        return f"opened by {found.threshold} of {found.shares} unseal shares"
    key = f" key {found.kms_key}" if found.kms_key else ""
    return f"opened by {found.seal}{key}: no share is entered; recovery keys authorise, they do not unseal"


# -- the proof ----------------------------------------------------------------------------------------------------
@dataclass
class _Hand:
    """Shares that were read out for the proof; they go when it is done."""

    entry: Entry
    shares: list[Secret]
    refused: bool = False


async def _proven(here: Here, path: Path, found: ArchiveInspected) -> ArchiveProof | None:
    """What the shares in hand showed; None where the operator did not want it, or could not go on."""
    if not await here.desk.operator.confirm(_consent(here, found)):
        return None
    hand = _Hand(Entry(), [])
    while True:
        if not await _one_more(here, found, hand):
            return None
        if len(hand.shares) < found.threshold:
            continue
        here.desk.progress(0, 0, "opening the archive with the shares, on this machine")
        try:
            return await here.estate.archives.prove(
                path, tuple(hand.shares), transit_mount=here.environment.vault.transit_mount
            )
        except NoVerdict as unknown:
            here.desk.progress(0, 0, f"no proof could be had: {unknown.sentence}")
            return None
        except WrongArchiveShares:
            hand.shares.clear()
            hand.refused = True
            hand.entry.start_again(
                "Refused: these shares do not open this backup. One is wrong, or the backup is another vault's, or "
                "older than a rekey (then it takes the shares of that time). All of them are entered again."
            )


def _consent(here: Here, found: ArchiveInspected) -> Confirm:
    return Confirm(
        step=here.desk.step,
        title="Prove now, offline, that the shares in hand open this backup?",
        preview=Preview(
            what="Optional. The shares are put together in this machine's memory (no other step does that) and wiped "
            "after; nothing of them is kept or written. They are entered again when the vault is unsealed.",
            target=f"{found.threshold} of {found.shares} shares, and the archive on this machine",
            calls=("no call: everything happens on this machine",),
        ),
        optional=True,
    )


async def _one_more(here: Here, found: ArchiveInspected, hand: _Hand) -> bool:
    """Ask for a share; False when the operator stops; the proof is optional.

    LayerFailed when they stop after a whole set was refused: then nothing speaks for this backup any more.
    """
    labels, remarks = people(here, hand.entry)
    answer = await here.desk.operator.secret(
        AskSecret(
            step=here.desk.step,
            prompt="A share, for the proof on this machine only",
            labels=labels,
            remarks=remarks,
            entered=len(hand.shares),
            needed=found.threshold,
            note=hand.entry.note,
        )
    )
    if answer.secret is None:
        if hand.refused:
            raise LayerFailed(
                "the shares in hand do not open this backup",
                fix="Find the shares of the time at which it was made, or choose another backup (vault.choose).",
                source="offline, on this machine",
            )
        return False
    fault = fault_of(answer.secret, hand.entry, found.shares)
    hand.entry.note = fault or ""
    if fault is None:
        hand.entry.take(answer.secret, answer.label)
        hand.shares.append(answer.secret)
    return True


def _vouched(here: Here, found: ArchiveInspected, proof: ArchiveProof) -> ArchiveInspected:
    """The proof against what is known of production: LayerFailed when it is another vault, or lacks a key."""
    known = here.environment.vault.cluster_id
    if known and proof.cluster_id and proof.cluster_id != known:
        raise LayerFailed(
            f"the backup is whole, and of another vault: cluster {proof.cluster_id}, production's is {known}",
            fix="Choose production's backup (vault.choose).",
            source="offline: core/cluster/local/info",
        )
    missing = [name for name in here.environment.vault.transit_keys if name not in proof.transit_keys]
    if missing:
        raise LayerFailed(
            f"the backup holds no transit key {', '.join(missing)}: what was encrypted with it stays unreadable",
            fix="Choose another backup (vault.choose).",
            source="offline: the transit engine's keys",
        )
    vouched = "proven offline: the shares open it and its sealed hashes vouch for it"
    if proof.authentic is None:
        vouched = "the shares open it; it has no sealed hashes, so nobody vouches for its content"
    return replace(found, authenticity=vouched, cluster_id=proof.cluster_id or "")


def _keys(proof: ArchiveProof) -> str:
    said = [f"{name} v{versions[0]}–v{versions[-1]}" for name, versions in proof.transit_keys.items() if versions]
    return f"transit keys {', '.join(said)}" if said else "no transit keys"
