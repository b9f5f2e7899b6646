"""Declaring a run: what is asked before T0 is written, and what becomes of the answers.

A form knows one field at a time; `problems` also sees how they go together, and is what decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from runbook.engine.errors import WrongUse
from runbook.engine.people import NOBODY, is_nobody, same_person
from runbook.engine.ports import Field, Form, Operator, typed_exactly
from runbook.safety.outside_text import outside_text
from steps.here import iso

STEP: Final = "declaring"
CLASSES: Final = ("LOSS", "CORRUPTION", "COMPROMISE")
UNKNOWN: Final = "unknown"
LIMIT: Final = 200  # characters of an answer that are kept
_TITLES: Final = {
    "drill": "A drill: staging is restored from production's backups",
    "rehearsal": "A rehearsal: staging is restored from production's backups, with nobody present",
    "recovery": "A recovery: production itself is restored",
}
_MOMENT: Final = "Write it as 2027-01-15T09:30Z (UTC), or unknown."


# -- the forms ----------------------------------------------------------------------------------------------------
def form(
    mode: str,
    defaults: Mapping[str, str],
    configuration: tuple[str, ...],
    *,
    platform: str,
    now: Callable[[], datetime],
    wrong: Mapping[str, str] | None = None,
) -> Form:
    """What is asked in this mode.  `defaults` by field's key; `configuration` is shown above the fields, in words.

    `wrong` are sentences about an earlier try; `platform` is what has to be typed in a recovery.
    """
    fields = (*_people(defaults), *(_incident(defaults, platform, now) if mode == "recovery" else ()))
    problems = tuple(f"Not yet right: {sentence}" for sentence in (wrong or {}).values())
    return Form(STEP, _TITLES[mode], (*problems, *configuration), (_scenario(defaults), *fields), submit="begin")


def resumed_by(run_id: str, defaults: Mapping[str, str]) -> Form:
    """Who goes on with a run that somebody else may have begun: both stand in the record, each with what they did."""
    text = (
        f"{run_id} goes on from where it stands.",
        "What was decided so far stays under the name of who decided it.",
    )
    return Form(STEP, "Who goes on with this run?", text, _operator(defaults), submit="go on")


def _scenario(defaults: Mapping[str, str]) -> Field:
    return Field(
        "scenario",
        "What happened, or what this run is for, in a sentence",
        hint="such as: the database's disk was lost on Friday night",
        default=defaults.get("scenario", ""),
        wrong=_one_line("a sentence"),
    )


def _operator(defaults: Mapping[str, str]) -> tuple[Field, Field]:
    return (
        Field("operator", "Your name", default=defaults.get("operator", ""), wrong=_named),
        Field("operator_role", "Your role", default=defaults.get("operator_role", ""), wrong=_one_line("a role")),
    )


def _people(defaults: Mapping[str, str]) -> tuple[Field, ...]:
    return (
        *_operator(defaults),
        Field(
            "witness",
            f"The witness's name, or {NOBODY}",
            hint="somebody else, who watches",
            default=defaults.get("witness", "") or NOBODY,
            wrong=_one_line("a name"),
        ),
        Field("witness_role", "The witness's role", default=defaults.get("witness_role", ""), required=False),
    )


def _incident(defaults: Mapping[str, str], platform: str, now: Callable[[], datetime]) -> tuple[Field, ...]:
    """Neither has a default from a file: a class or a time that was agreed to without reading is worse than none."""
    return (
        Field(
            "class",
            "Class of the incident",
            hint=", ".join(CLASSES),
            default=defaults.get("class", ""),
            wrong=_class_wrong,
        ),
        Field(
            "incident_at",
            "When the incident was noticed to have begun",
            hint=_MOMENT,
            default=defaults.get("incident_at", ""),
            wrong=lambda text: _incident_wrong(text, now()),
        ),
        Field(
            "platform",
            f"Type the platform's name ({platform}): production is what this run acts on",
            wrong=lambda text: _platform_wrong(text, platform),
            exact=True,
        ),
    )


# -- asking, and what comes of it ---------------------------------------------------------------------------------
async def ask(
    operator: Operator,
    mode: str,
    defaults: Mapping[str, str],
    configuration: tuple[str, ...],
    *,
    platform: str,
    now: Callable[[], datetime],
) -> dict[str, Any] | None:
    """The form, until it is right; the part of `declared` that people answer for.  None: the operator withdrew."""
    wrong: Mapping[str, str] = {}
    while True:
        asked = form(mode, defaults, configuration, platform=platform, now=now, wrong=wrong)
        answers = await operator.fill(asked)
        if answers is None:
            return None
        wrong = problems(mode, answers, now(), platform)
        if not wrong:
            return declared(answers, now())
        defaults = {**defaults, **{key: text for key, text in answers.items() if key not in wrong}}


def unattended(defaults: Mapping[str, str]) -> dict[str, str]:
    """The answers of a rehearsal, which asks nobody: whose machine it is stands in the configuration, or nowhere."""
    return {
        "scenario": defaults.get("scenario", "") or "An unattended rehearsal of the restore",
        "operator": defaults.get("operator", "") or "nobody present",
        "operator_role": defaults.get("operator_role", "") or "unattended",
        "witness": NOBODY,
        "witness_role": "",
    }


def problems(mode: str, answers: Mapping[str, str], now: datetime, platform: str) -> dict[str, str]:
    """What is wrong with the answers, a sentence for each field's key; {} when nothing is."""
    asked = form(mode, {}, (), platform=platform, now=lambda: now)
    found = {field.key: sentence for field in asked.fields if (sentence := _wrong(field, answers.get(field.key, "")))}
    operator, witness = _words(answers, "operator"), _words(answers, "witness")
    if operator and same_person(operator, witness):
        found["witness"] = f"{witness} is the operator: a witness is somebody else, or {NOBODY}."
    if not (witness and is_nobody(witness)) and not _words(answers, "witness_role"):
        found["witness_role"] = f"Say what {witness}'s role is."
    return found


def declared(answers: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """What the answers say, as a run declares it; WrongUse with every problem.  A recovery's are told by `class`.

    That the platform's name was typed is `problems`' to see: it is not part of the record.
    """
    mode = "recovery" if "class" in answers else "drill"
    if found := problems(mode, answers, now, answers.get("platform", "")):
        raise WrongUse(" ".join(found.values()), fix="Declare the run again.")
    witness = _words(answers, "witness")
    said: dict[str, Any] = {
        "scenario": _words(answers, "scenario"),
        **resumer(answers),
        "witness": None if is_nobody(witness) else {"name": witness, "role": _words(answers, "witness_role")},
    }
    if mode == "recovery":
        said |= {"class": _words(answers, "class").upper(), "incident_at": _incident_at(answers["incident_at"])}
    return said


def resumer(answers: Mapping[str, str]) -> dict[str, Any]:
    """Of `resumed_by`'s answers: {operator: {name, role}}."""
    return {"operator": {"name": _words(answers, "operator"), "role": _words(answers, "operator_role")}}


# -- what is wrong with one answer --------------------------------------------------------------------------------
def _wrong(field: Field, text: str) -> str:
    if not text.strip():
        return f"{field.label}: this cannot stay empty." if field.required else ""
    return field.wrong(field.taken(text))


def _one_line(what: str) -> Callable[[str], str]:
    def wrong(text: str) -> str:
        if not text.strip():
            return f"Write {what}."
        return "" if outside_text(text, LIMIT) == text else f"Write {what} of at most {LIMIT} ordinary characters."

    return wrong


def _named(text: str) -> str:
    if text.strip() and is_nobody(text):
        return "A run has an operator: write your name."
    return _one_line("your name")(text)


def _class_wrong(text: str) -> str:
    return "" if text.strip().upper() in CLASSES else f"Write one of {', '.join(CLASSES)}."


def _incident_wrong(text: str, now: datetime) -> str:
    if text.strip().lower() == UNKNOWN:
        return ""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return f"That is no time. {_MOMENT}"
    if at.tzinfo is None:
        return f"That time has no zone. {_MOMENT}"
    return f"That is in the future: it is {iso(now)} now." if at > now else ""


def _platform_wrong(text: str, platform: str) -> str:
    return "" if typed_exactly(platform, text) else f"Type {platform} exactly, with its capitals and spaces."


def _incident_at(text: str) -> str:
    return "" if text.strip().lower() == UNKNOWN else iso(datetime.fromisoformat(text.strip()))


def _words(answers: Mapping[str, str], key: str) -> str:
    return outside_text(answers.get(key, ""), LIMIT).strip()
