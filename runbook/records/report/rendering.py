"""report.md: the after-action report that an assessor reads, folded from run.json and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from runbook.records.canonical import moment, second
from runbook.records.evidence.summary import duration
from runbook.records.report.markdown import bar, inert, table

_CRITERIA = {
    "boots": "The application boots",
    "connects": "It is connected to the restored database",
    "decrypts": "It decrypts the sample record with the recovered keys",
}
_CONTROLS = {
    "sealed": "While the vault is sealed nothing can be decrypted",
    "damaged": "A damaged ciphertext does not decrypt",
}

Rows = Sequence[Sequence[object]]


def markdown(document: Mapping[str, Any]) -> str:
    """The report of one run; `document` is run.json (`evidence.document`)."""
    template = _environment().get_template("report.md.j2")
    return (
        template.render(
            run=document,
            mode=document["mode"].upper(),
            training=document["mode"] == "training",
            people=_people(document),
            backups=_backups(document),
            timeline=_timeline(document),
            objectives=_objectives(document),
            criteria=_proofs(document, "criterion", _CRITERIA, document["criteria"]),
            controls=_proofs(document, "control", _CONTROLS, document["negative_controls"]),
            exercised=_exercised(document["steps"]),
            troubles=[step for step in document["steps"] if step["verdict"] not in {"PASS", "NOT_NEEDED"}],
            steps=_steps(document["steps"]),
            exceptions=[_exception(each) for each in document["exceptions"] if not each.get("accepted")],
            accepted=[_accepted(document["steps"], each) for each in document["exceptions"] if each.get("accepted")],
            pauses=[(_clock(each["at"]), each["pause"], each["observed"]) for each in document["pauses"]],
            handovers=[_handover(each) for each in document["handovers"]],
            findings=[_finding(number, each) for number, each in enumerate(document["findings"], start=1)],
            created=[_created(each) for each in document["created"]],
            decisions=_decisions(document["answers"]),
        ).rstrip()
        + "\n"
    )


def _environment() -> Environment:
    """HTML templates escape; Markdown ones make each value inert (`| inert`), which autoescaping cannot do."""
    environment = Environment(
        loader=PackageLoader("runbook.records.report", "templates"),
        autoescape=select_autoescape(["html", "html.j2"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"inert": inert, "clock": _clock, "duration": duration}
    environment.globals["table"] = table
    return environment


_MFA = {"PROVEN": "MFA proven", "ATTESTED": "MFA attested by the operator", "NO": "WITHOUT MFA"}


def _people(document: Mapping[str, Any]) -> Rows:
    operator, witness = document["operator"] or {}, document["witness"] or {}
    identity = document["signed_in_as"] or {}
    mfa = _MFA.get(document["mfa"], document["mfa"])
    return [
        ("operator", operator.get("role"), operator.get("name")),
        ("witness", witness.get("role"), witness.get("name") or "NONE"),
        ("signed in as", f"account {identity['account']}, {mfa}" if identity else None, identity.get("arn")),
    ]


def _backups(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    vault, database = map(document["backups"].get, ("vault", "database"))
    chosen = []
    if vault:
        labels = ", ".join(vault["share_labels"])
        shares = f"opened with the shares of {labels}" if labels else None
        chosen.append(_backup("vault", vault, vault["seal"], vault["digest"], shares))
    if database:
        until = f"data until {_clock(database['data_until'])}"
        chosen.append(_backup("database", database, database["method"], until, *_restored(document)))
    return [*chosen, *(_image(image, document["deployed"]) for image in document["images"])]


def _image(image: Mapping[str, Any], deployed: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """An image, and the services that run it: the digest is what they have in common."""
    runs = [each for each in deployed if each["digest"] and image["ref"].endswith(each["digest"])]
    details = (
        f"tag {image['tag']}" if image["tag"] else None,
        image["commit"],
        f"verified at level {image['level']}",
        _asked(runs) if runs else None,
    )
    said = {"layer": "application", "made": None, "id": image["ref"]}
    return said | {"details": [detail for detail in details if detail]}


def _asked(runs: Sequence[Mapping[str, Any]]) -> str:
    """`deployed as web, worker; asked for 10:00:25Z to 10:00:31Z`, with the day."""
    times = sorted(each["asked_at"] for each in runs if each["asked_at"])
    until = f" to {_clock(times[-1])[11:]}" if times and times[-1] != times[0] else ""
    return (
        f"deployed as {', '.join(each['service'] for each in runs)}; asked for {_clock(next(iter(times), None))}{until}"
    )


def _backup(layer: str, backup: Mapping[str, Any], *details: str | None) -> dict[str, Any]:
    known = ("age_s", "age_at", "id")
    said = {"layer": layer, "made": backup["created_at"], **{name: backup[name] for name in known}}
    return said | {"details": [detail for detail in details if detail]}


def _restored(document: Mapping[str, Any]) -> list[str]:
    """How long it took, how much of it was compared, of how many people it held data."""
    restore, held = document["restore"], document["patient_data"]
    said = []
    if restore:
        said.append(f"available {duration(restore['available_s'])} after the restore was asked for")
    if restore and restore["verified_s"] is not None:
        what = f"{restore['depth']}: {restore['tables']:,} tables, {_size(restore['bytes'])} read"
        said.append(f"content compared {duration(restore['verified_s'])} after it was asked for ({what})")
    if held:
        said.append(f"data of {_number(held['rows'])} people ({held['table']})")
    return said


def _number(count: int | str) -> str:
    return f"{count:,}" if isinstance(count, int) else count


def _size(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.1f} MiB"


def _timeline(document: Mapping[str, Any]) -> Rows:
    times = [stage[name] for stage in document["stages"] for name in ("entered_at", "left_at") if stage[name]]
    whole = (document["started_at"], max((*times, document["ended_at"] or ""), default=""))
    return [
        (
            f"{stage['number']} {stage['title']}",
            stage["result"],
            duration(stage["seconds"]),
            duration(stage["machine_s"]),
            duration(stage["human_s"]),
            duration(stage["waiting_s"]),
            _picture(stage, whole),
        )
        for stage in document["stages"]
    ]


def _picture(stage: Mapping[str, Any], whole: tuple[str | None, str]) -> str:
    if not (whole[0] and whole[1] and stage["entered_at"] and stage["left_at"]):
        return ""
    start = moment(whole[0])
    length = (moment(whole[1]) - start).total_seconds() or 1.0
    begin, end = ((moment(stage[name]) - start).total_seconds() / length for name in ("entered_at", "left_at"))
    return bar(begin, end)


def _objectives(document: Mapping[str, Any]) -> Rows:
    rows = []
    for kind, meaning in (("rto", "time to recover (RTO)"), ("rpo", "age of the newest data (RPO)")):
        said = document[kind]
        target = "NOT_SET" if said["target_s"] is None else duration(said["target_s"])
        arithmetic = f"{_clock(said['from'])} to {_clock(said['to'])}, {said['clock']} clock{_since(said)}"
        rows.append((meaning, duration(said["actual_s"]), target, said["met"], arithmetic))
    return rows


def _since(said: Mapping[str, Any]) -> str:
    return "; the incident's time as it was stated" if said["since"] == "incident" else ""


def _proofs(
    document: Mapping[str, Any], mark: str, words: Mapping[str, str], verdicts: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Each criterion or control with the attempt that decided it, None where none was made."""
    deciding = {step[mark]: step for step in document["steps"] if mark in step}
    return [
        {"words": words.get(name, name), "verdict": verdict, "step": deciding.get(name)}
        for name, verdict in verdicts.items()
    ]


def _exercised(steps: Iterable[Mapping[str, Any]]) -> Rows:
    """Of the doors, each step's last word: a drill without public names of its own only looks at some of them."""
    last = {step["id"]: step for step in steps if step["stage"] == "connectivity"}
    return [(step["id"], _whether(step), step["observed"]) for step in last.values()]


_WHETHER = {"NOT_NEEDED": "NO", "ATTESTED": "stated", "INCONCLUSIVE": "no verdict"}


def _whether(step: Mapping[str, Any]) -> str:
    return _WHETHER.get(step["verdict"], "yes") + (" (void)" if step["void"] else "")


def _steps(steps: Iterable[Mapping[str, Any]]) -> Rows:
    return [
        (
            step["id"],
            step["attempt"],
            step["verdict"] + (" (void)" if step["void"] else ""),
            _clock(step["at"])[11:],
            f"{step['ms']} ms",
            _seen(step),
            step["expected"],
            step["source"],
        )
        for step in steps
    ]


def _seen(step: Mapping[str, Any]) -> str:
    said = (step["observed"], "(found done)" if step["adopted"] else "", _quoted(step["provider_text"]))
    return " ".join(filter(None, said))


def _quoted(text: str | None) -> str:
    return f"“{text}”" if text else ""


def _exception(said: Mapping[str, Any]) -> Sequence[object]:
    return (said.get("what"), said.get("why"), said.get("who"))


def _accepted(steps: Iterable[Mapping[str, Any]], said: Mapping[str, Any]) -> Sequence[object]:
    """What did not come back, in the words of the step that failed, and the two people who went on all the same."""
    failed = [step for step in steps if step["id"] == said.get("what") and step["verdict"] == "FAIL"]
    observed = failed[-1]["observed"] if failed else None
    what = f"{said['what']} (void: it was done again)" if said["void"] else said["what"]
    return (what, observed, said.get("who"), said.get("second") or "NONE", said.get("why"))


def _handover(said: Mapping[str, Any]) -> Sequence[object]:
    gap = said.get("gap_s")
    return (_clock(said["at"]), said.get("by"), said.get("host"), duration(None if gap is None else round(gap)))


def _finding(number: int, finding: Mapping[str, Any]) -> Sequence[object]:
    return (number, finding["severity"], finding["status"], finding["owner"], finding["due"], finding["text"])


def _created(entry: Mapping[str, Any]) -> Sequence[object]:
    end = _clock(entry["destroyed_at"]) if entry["destroyed_at"] else "kept" if entry["kept_at"] else "STILL THERE"
    return (entry["kind"], _clock(entry["created_at"]), end, entry["id"])


def _decisions(answers: Iterable[Mapping[str, Any]]) -> Rows:
    return [(_clock(each["at"])[11:], each["step"] or each["stage"], *_answer(each)) for each in answers]


def _answer(each: Mapping[str, Any]) -> Sequence[object]:
    answer = f"{each['answer']}, {each['detail']}" if each["detail"] else each["answer"]
    return (each["question"], answer, each["by"], each["reason"])


def _clock(text: str | None) -> str:
    """`2027-01-15 10:00:00Z`: whole seconds, UTC."""
    return second(moment(text)).replace("T", " ") if text else "not known"
