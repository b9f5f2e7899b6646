"""How to verify it all, and every step and every change, for whoever wants to see each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from runbook.records.evidence.established import prefixed
from runbook.records.report.blocks import Bullets, Cell, Facts, Note, Section, Table
from runbook.records.report.proofs import verdict
from runbook.records.report.words import Document, joined, of_day

_SEALED = (
    "In this folder, sha256sum -c SHA256SUMS (macOS: shasum -a 256 -c SHA256SUMS) has to say OK for each file.",
    "The SHA-256 of SHA256SUMS itself is evidence_digest in this run's row of the log.",
    "journal.jsonl is chained: each line holds the hash of the line before it.",
)
_ROW = (
    "The row's own hash is not in here: it was made after this. It stands in {name}.csv (column row_hash of the row "
    "with this run's id), in {name}.head for as long as no row follows, and in the next run's evidence as the head "
    "before it."
)
_ONLY_REAL = (
    "MFA, and how long a real sign-in lasts",
    "IAM conditions and permission boundaries",
    "KMS key states, grants and a key that another account owns",
    "RDS hydration (blocks are fetched from S3 on first use), restore times and quotas",
    "network ways between the layers, DNS caches and Cloudflare's own edge",
    "GitHub's signatures and attestations (level A), and the registry's own retention",
)
_NOT_EXERCISED = "The practice estate has the same procedure, adapters and proofs, but these are only real in a drill:"
_STEPS = ("step", "try", "verdict", "at", "took", "what", "observed", "expected", "source")
_CHANGES = ("at", "step", "call", "on what")


def sections(document: Document, code: str) -> Iterator[Section]:
    """Last in the report: hashes, then the long tables."""
    if document["mode"] == "training":
        yield Section("Not exercised here", (Note(_NOT_EXERCISED), Bullets(_ONLY_REAL)))
    log = "training-log" if document["mode"] == "training" else "restoration-test-log"
    hashes = Facts([(label, value) for label, value in _hashes(document, code) if value])
    yield Section("How to verify", (Bullets((*_SEALED, _ROW.format(name=log))), hashes))
    yield Section("Every step", _steps(document), style="appendix")
    if document["announced"]:
        yield Section("Every change, as it was announced before it was made", (_changes(document["announced"]),))


def _hashes(document: Document, code: str) -> Iterable[tuple[str, str | None]]:
    return (
        ("head of the log before this run", document["previous_head"] or "not known: the log was damaged"),
        ("witness code of run.json", code),
        ("policy", prefixed("sha256", document["policy"].get("sha256"))),
        ("configuration", document["configuration_sha256"]),
    )


def _steps(document: Document) -> Sequence[Note | Table]:
    passed, total = document["checks"]["passed"], document["checks"]["total"]
    said = f"{passed} of {total} checks passed. A step that stands here twice was tried again; the last one decides."
    rows = [_step(step) for step in document["steps"]]
    return (Note(said), Table(_STEPS, rows, stacked=4, style="small") if rows else Note("No step was done."))


def _step(step: Document) -> Sequence[Cell]:
    took = f"{step['ms']} ms"
    observed = joined(
        (step["observed"], "(found done)" if step["adopted"] else "", _quoted(step["provider_text"])), " "
    )
    judged = (step["id"], step["attempt"], verdict(step), of_day(step["at"]), took)
    return (*judged, step["title"], observed, step["expected"], step["source"])


def _quoted(text: str | None) -> str:
    return f"“{text}”" if text else ""


def _changes(announced: Iterable[Document]) -> Table:
    rows = [(of_day(each["at"]), each["step"], each["operation"], each["target"]) for each in announced]
    return Table(_CHANGES, rows, style="small")
