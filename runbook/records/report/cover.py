"""The first page: what an assessor asks first, answered, and the lines to sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runbook.records.evidence.summary import duration
from runbook.records.report.blocks import TO_FILL_IN, Cell, Facts, Note, Section, Table, Word
from runbook.records.report.proofs import CONTROLS, CRITERIA
from runbook.records.report.words import NOT_KNOWN, Document, clock, joined

MFA: Mapping[str, str] = {"PROVEN": "MFA proven", "ATTESTED": "MFA attested by the operator", "NO": "WITHOUT MFA"}
TRAINING = "TRAINING: a practice estate on one laptop. This is no restoration test and no evidence of one."
LOOPBACK = (
    "LOOPBACK: the providers were stand-ins on this machine, not the real ones. This shows the procedure, and counts "
    "as no test of the real platform."
)
REHEARSAL = "REHEARSAL: nobody was present. It does not count as the restoration test of a quarter."
NOT_ENDED = "NOT ENDED: the run was not at its end when this was written. No result in here is the last word."
_SIGN_OFF = "Sign-off, by somebody who was not the operator, is a row of its own in the log: runbook log sign {run_id}."
_READ_OUT = (
    " Witness code: {code}. It stands for exactly this run's run.json: whoever signs from elsewhere reads it out."
)

Pairs = Sequence[tuple[str, Cell]]


def title(document: Document) -> str:
    """`Restoration drill`, with the platform where one is named."""
    mode = document["mode"]
    return joined(("Recovery" if mode == "recovery" else f"Restoration {mode}", document["platform"]))


def banners(document: Document) -> Sequence[str]:
    """What keeps the run from being more than it is; above everything else."""
    training = document["mode"] == "training"
    said = (
        (training, TRAINING),
        (document["providers"] == "LOOPBACK" and not training, LOOPBACK),
        (document["mode"] == "rehearsal", REHEARSAL),
        (not document["outcome"], NOT_ENDED),
    )
    return [banner for holds, banner in said if holds]


def glance(document: Document) -> Section:
    """When, who, who watched, what from which backup of what age, the criteria, the targets, what is open."""
    pairs = (*_run(document), *_people(document), *_backups(document), *_results(document), *_open(document))
    return Section("At a glance", (Facts(pairs),), style="cover")


def _run(document: Document) -> Pairs:
    said: list[tuple[str, Cell]] = [
        ("run", document["run_id"]),
        ("scenario", document["scenario"]),
        ("started", f"{clock(document['started_at'])}; ended: {clock(document['ended_at'])}"),
        ("environment", f"{document['environment']}; providers: {document['providers']}"),
    ]
    if document["class"]:
        said.insert(2, ("incident", f"{document['class']}, began {clock(document['incident_at'])}"))
    if document["aborted"]:
        said.append(("stopped by the operator", document["aborted"]))
    return said


def _people(document: Document) -> Pairs:
    identity = document["signed_in_as"]
    signed_in = joined((identity.get("arn"), MFA.get(document["mfa"], document["mfa"])), "; ") if identity else None
    return (
        ("operator", person(document["operator"])),
        ("witness", person(document["witness"])),
        ("signed in as", signed_in),
    )


def person(said: Mapping[str, str]) -> str:
    """`Pat Example, CTO`, or NONE."""
    return joined((said.get("name"), said.get("role"))) or "NONE"


def _backups(document: Document) -> Pairs:
    of = {layer: document["backups"].get(layer) for layer in ("vault", "database")}
    points = [(f"{layer} backup", _point(backup) if backup else "none was chosen") for layer, backup in of.items()]
    return (*points, ("application image", "; ".join(_release(each) for each in document["images"]) or "none"))


def _point(backup: Document) -> str:
    age = f"{duration(backup['age_s'])} old at the {backup['age_at']}"
    return f"{age}; made {clock(backup['created_at'])}; {backup['id']}"


def _release(image: Document) -> str:
    name = joined((image["package"], image["tag"], image["commit"]), " ")
    return f"{name or 'without a name'}, verified at level {image['level'] or NOT_KNOWN}"


def _results(document: Document) -> Pairs:
    met = [(name.upper(), _objective(document[name])) for name in ("rto", "rpo")]
    criteria = [_result("criterion", CRITERIA, *each) for each in document["criteria"].items()]
    controls = [_result("negative control", CONTROLS, *each) for each in document["negative_controls"].items()]
    return (*criteria, *controls, *met)


def _result(kind: str, words: Mapping[str, str], name: str, verdict: str) -> tuple[str, Cell]:
    return (kind, Word(f"{verdict}: {words.get(name, name)}"))


def _objective(said: Document) -> str:
    target = said["target_s"]
    judged = "no target set" if target is None else f"target {duration(target)}, met: {said['met']}"
    return f"{duration(said['actual_s'])}; {judged}"


def _open(document: Document) -> Pairs:
    findings = sum(finding["status"] != "CLOSED" for finding in document["findings"])
    left = len(document["remaining"])
    return (
        ("exceptions and findings", f"{len(document['exceptions'])} exceptions, {findings} open findings"),
        ("cleanup", f"{document['cleanup']['state']}{f'; {left} still there' if left else ''}"),
    )


def signatures(document: Document, code: str) -> Section:
    """Whoever signs on paper; the sign-off that counts is a row of the log."""
    lines = Table(("part", "name", "signature", "date"), _lines(document), style="sign")
    said = _SIGN_OFF.format(run_id=document["run_id"]) + (_READ_OUT.format(code=code) if code else "")
    return Section("Signatures", (lines, Note(said)), style="cover")


def _lines(document: Document) -> Sequence[Sequence[Cell]]:
    named = [(part, document[part].get("name")) for part in ("operator", "witness")]
    lines = [(part, name or "NONE", TO_FILL_IN if name else None, TO_FILL_IN if name else None) for part, name in named]
    return [*lines, ("sign-off", TO_FILL_IN, TO_FILL_IN, TO_FILL_IN)]
