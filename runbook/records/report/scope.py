"""What was to be shown and by whom, and what it was restored from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from runbook.records.evidence.established import prefixed
from runbook.records.evidence.summary import duration
from runbook.records.report.blocks import Cell, Entries, Entry, Facts, Note, Section, Table
from runbook.records.report.cover import MFA
from runbook.records.report.proofs import CRITERIA
from runbook.records.report.words import NOT_KNOWN, Document, clock, joined, number, of_day, size

_MEANING: Mapping[str, str] = {
    "training": "Practice, on stand-ins for every provider, with made-up data.",
    "drill": "A test: backups of production are restored into staging. Production itself is not changed.",
    "rehearsal": "A drill without a person: what needs one is left out.",
    "recovery": "A recovery: after an incident, production is built anew from its backups.",
}
_CRITERIA = "Declared beforehand, each has to be shown: {}."
_ORDER = "The layers come back in this order, each once the checkpoint of the one before it was opened: {}."


def sections(document: Document) -> Iterator[Section]:
    """Scope and objectives, participants, recovery points."""
    told = [*filter(None, (_MEANING.get(document["mode"]), _ordered(document["stages"]), _declared(document)))]
    yield Section("Scope and objectives", (*map(Note, told), Facts(_scope(document))))
    yield Section("Who", (Table(("part", "role", "who"), _people(document)),))
    backups = _backups(document)
    yield Section("From which backups", (Entries(backups) if backups else Note("No backup was chosen."),))


def _ordered(stages: Iterable[Document]) -> str:
    names = [f"{stage['number']} {stage['title']}" for stage in stages]
    return _ORDER.format(", ".join(names)) if names else ""


def _declared(document: Document) -> str:
    named = [CRITERIA.get(name, name) for name in document["criteria"]]
    return _CRITERIA.format("; ".join(name[:1].lower() + name[1:] for name in named)) if named else ""


def _scope(document: Document) -> Sequence[tuple[str, Cell]]:
    policy = document["policy"]
    said: list[tuple[str, Cell]] = [
        ("platform", document["platform"]),
        ("target for the time to recover (RTO)", _target(document["rto"])),
        ("target for the age of the newest data (RPO)", _target(document["rpo"])),
        ("moment asked for", document["point_in_time"]),
        ("account, region", joined((document["signed_in_as"].get("account"), document["region"]))),
        ("policy", joined((policy.get("ref"), prefixed("sha256", policy.get("sha256"))), " ")),
        ("filed under", "; ".join(document["evidence_refs"]) or None),
        ("patient data", _patients(document)),
        ("data protection assessment", document["dpia_ref"]),
        ("tool", f"runbook {document['tool_version']}; {_attendance(document)}"),
    ]
    return [(label, value) for label, value in said if value not in (None, "")]


def _target(objective: Document) -> str:
    return "no target set" if objective["target_s"] is None else duration(objective["target_s"])


def _patients(document: Document) -> str | None:
    used = document["patient_data_used"]
    return (
        None if used is None else f"in what was restored; cleanup: {document['cleanup']['state']}" if used else "none"
    )


def _attendance(document: Document) -> str:
    resumes = document["resumes"]
    course = f"resumed {resumes} time{'s' * (resumes != 1)}" if resumes else "never interrupted"
    return f"{'attended' if document['attended'] else 'unattended'}; {course}"


def _people(document: Document) -> Sequence[Sequence[Cell]]:
    operator, witness, identity = document["operator"], document["witness"], document["signed_in_as"]
    mfa = MFA.get(document["mfa"], document["mfa"])
    return [
        ("operator", operator.get("role"), operator.get("name")),
        ("witness", witness.get("role"), witness.get("name") or "NONE"),
        ("signed in as", f"account {identity['account']}, {mfa}" if identity else None, identity.get("arn")),
    ]


# -- recovery points ----------------------------------------------------------------------------------------------
def _backups(document: Document) -> Sequence[Entry]:
    vault, database = map(document["backups"].get, ("vault", "database"))
    chosen = []
    if vault:
        labels = ", ".join(vault["share_labels"])
        shares = f"opened with the shares of {labels}" if labels else None
        chosen.append(_backup("vault", vault, vault["seal"], vault["digest"], vault["authenticity"], shares))
    if database:
        until = f"data until {clock(database['data_until'])}"
        chosen.append(_backup("database", database, database["method"], until, *_restored(document)))
    return [*chosen, *(_image(image, document["deployed"]) for image in document["images"])]


def _backup(layer: str, backup: Document, *details: str | None) -> Entry:
    made = f"made {clock(backup['created_at'])}, {duration(backup['age_s'])} old at the {backup['age_at']}"
    return _entry(layer, made, backup["id"], *details)


def _entry(layer: str, title: str, *details: str | None) -> Entry:
    return Entry(layer, title, [("", detail) for detail in details if detail])


def _restored(document: Document) -> list[str]:
    """How long it took, how much of it was compared, of how many people it held data."""
    restore, held = document["restore"], document["patient_data"]
    said = []
    if restore:
        said.append(f"available {duration(restore['available_s'])} after the restore was asked for")
    if restore and restore["verified_s"] is not None:
        what = f"{restore['depth']}: {restore['tables']:,} tables, {size(restore['bytes'])} read"
        said.append(f"content compared {duration(restore['verified_s'])} after it was asked for ({what})")
    if held:
        said.append(f"data of {number(held['rows'])} people ({held['table']})")
    return said


def _image(image: Document, deployed: Iterable[Document]) -> Entry:
    """An image, and the services that run it: the digest is what they have in common."""
    runs = [each for each in deployed if each["digest"] and str(image["ref"]).endswith(each["digest"])]
    tag = f"tag {image['tag']}" if image["tag"] else None
    level = f"verified at level {image['level'] or NOT_KNOWN}"
    return _entry("application", image["package"] or "", image["ref"], tag, image["commit"], level, _asked(runs))


def _asked(runs: Sequence[Document]) -> str | None:
    """`deployed as web, worker; asked for 10:00:25Z to 10:00:31Z`, with the day."""
    if not runs:
        return None
    times = sorted(each["asked_at"] for each in runs if each["asked_at"])
    until = f" to {of_day(times[-1])}" if times and times[-1] != times[0] else ""
    services = ", ".join(each["service"] for each in runs)
    return f"deployed as {services}; asked for {clock(next(iter(times), None))}{until}"
