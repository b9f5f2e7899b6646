"""Rules across the fields of one row, each with a name.

Nothing here compares two readings of a wall clock that may be set back during a run, but for its start and its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Final

from runbook.engine.people import is_nobody, same_person
from runbook.records.canonical import moment
from runbook.records.log.formats import CRITERIA, GOOD, THROUGH, time_of
from runbook.records.log.further import DECLINED, RUN, SIGNED, SIGNOFF
from runbook.records.log.rule import Rule
from runbook.records.log.testlog import COLUMNS, STAGE_COLUMNS, Row


# -- what kind of row, where, by whom ---------------------------------------------------------------------------------
def _refers(row: Row) -> Iterator[str]:
    if (row["record_type"] == RUN) is not (row["refers_to"] == ""):
        yield f"a {row['record_type']} row refers to {row['refers_to'] or 'nothing'}"


LONGEST_FIGURE: Final = 16  # digits and one more
_ENVIRONMENTS: Final = {"DRILL": "STAGING", "REHEARSAL": "STAGING", "RECOVERY": "PRODUCTION", "TRAINING": "PRACTICE"}


def _environment(mode: str, row: Row) -> Iterator[str]:
    if row["mode"] == mode and row["environment"] != _ENVIRONMENTS[mode]:
        yield f"a {mode} happens in {_ENVIRONMENTS[mode]}, not in {row['environment']}"


def _training(row: Row) -> Iterator[str]:
    if row["mode"] == "TRAINING" and row["providers"] != "LOOPBACK":
        yield f"a TRAINING has providers of this machine, not {row['providers']} ones"


def _quarter(row: Row) -> Iterator[str]:
    if time_of(row["started_at"]):
        started = moment(row["started_at"])
        if row["quarter"] != f"{started.year}-Q{(started.month + 2) // 3}":
            yield f"the quarter of {row['started_at']} is not {row['quarter']}"


def _not_before(late: str, early: str, sentence: str, row: Row) -> Iterator[str]:
    if time_of(row[late]) and time_of(row[early]) and moment(row[late]) < moment(row[early]):
        yield f"{sentence}: {row[late]} is before {row[early]}"


def _witness(row: Row) -> Iterator[str]:
    if not is_nobody(row["witness_name"]) and same_person(row["witness_name"], row["operator_name"]):
        yield f"{row['operator_name']} ran it: a witness is somebody else"


def _no_witness(row: Row) -> Iterator[str]:
    if is_nobody(row["witness_name"]) and not is_nobody(row["witness_role"]):
        yield f"nobody is the witness, and has the role {row['witness_role']}"


# -- sign-off ---------------------------------------------------------------------------------------------------------
_DECIDED: Final = frozenset({SIGNED, DECLINED})


def _signer(row: Row) -> Iterator[str]:
    if row["signoff_name"] and same_person(row["signoff_name"], row["operator_name"]):
        yield f"{row['operator_name']} ran it: a sign-off is somebody else's"


def _signed_by(row: Row) -> Iterator[str]:
    if (row["signoff"] in _DECIDED) is is_nobody(row["signoff_name"]):
        yield f"signoff is {row['signoff']}, and {row['signoff_name'] or 'nobody'} signed"


def _signed_at(row: Row) -> Iterator[str]:
    if (row["signoff"] in _DECIDED) is (row["signed_at"] == ""):
        yield f"signoff is {row['signoff']}, and the time of it {row['signed_at'] or 'is missing'}"


def _decided(row: Row) -> Iterator[str]:
    if row["record_type"] == SIGNOFF and row["signoff"] not in _DECIDED:
        yield f"a SIGNOFF row decides nothing: signoff is {row['signoff']}"


def _undecided(row: Row) -> Iterator[str]:
    if row["record_type"] == RUN and row["signoff"] in _DECIDED:
        yield f"a RUN row is {row['signoff']}: nobody signs a run before it is recorded"


def _signoff_needed(row: Row) -> Iterator[str]:
    needed = "NOT_NEEDED" if row["mode"] == "TRAINING" else "PENDING"
    if row["signoff"] in {"NOT_NEEDED", "PENDING"} and row["signoff"] != needed:
        yield f"signoff is {row['signoff']} in a {row['mode']}"


# -- outcome ----------------------------------------------------------------------------------------------------------
def _good(criterion: str, row: Row) -> Iterator[str]:
    if row["outcome"] in GOOD and row[criterion] != "PASS":
        yield f"{row['outcome']} although {criterion} is {row[criterion]}"


Spoils = Callable[[Row], Iterator[str]]


def _other_than(words: frozenset[str], *columns: str) -> Spoils:
    return lambda row: (f"{column} is {row[column]}" for column in columns if row[column] not in words)


_SPOILS: Final[Mapping[str, Spoils]] = {
    "passed stages": _other_than(frozenset({"PASS"}), *STAGE_COLUMNS),
    "passed negative controls": _other_than(frozenset({"PASS"}), "negative_controls"),
    "no exceptions": _other_than(frozenset({"0"}), "exceptions"),
    "no open findings": _other_than(frozenset({"0"}), "findings_open"),
    "a finished cleanup": _other_than(frozenset({"DONE", "NOT_NEEDED"}), "cleanup"),
    "no missed time target": _other_than(frozenset({"YES", "NOT_SET", "UNKNOWN"}), "rto_met"),
    "no missed data target": _other_than(frozenset({"YES", "NOT_SET", "UNKNOWN"}), "rpo_met"),
}
"""What a PASS needs besides the criteria, and how a row lacks it."""


def _passed(need: str, row: Row) -> Iterator[str]:
    if (row["record_type"], row["outcome"]) == (RUN, "PASS"):
        yield from (f"PASS although {reason}" for reason in _SPOILS[need](row))


def _spoiled(row: Row) -> Iterator[str]:
    spoils = (*_SPOILS.values(), _other_than(frozenset({"PASS"}), *CRITERIA))
    if row["record_type"] == RUN and row["outcome"] != "PASS" and not any(tuple(each(row)) for each in spoils):
        yield f"{row['outcome']} although nothing in the row stands against PASS"


# -- stages, figures --------------------------------------------------------------------------------------------------
def _order(row: Row) -> Iterator[str]:
    for before, name in pairwise(STAGE_COLUMNS):
        if row[name] in THROUGH and row[before] not in THROUGH:
            yield f"{name} is {row[name]} although {before} is {row[before]}"


def _accepted(row: Row) -> Iterator[str]:
    if row["mode"] != "RECOVERY":
        yield from (f"{name} is ACCEPTED in a {row['mode']}" for name in STAGE_COLUMNS if row[name] == "ACCEPTED")


def _excepted(word: str, row: Row) -> Iterator[str]:
    if row["exceptions"] == "0":
        yield from (f"{name} is {word} without an exception" for name in STAGE_COLUMNS if row[name] == word)


def _met(kind: str, row: Row) -> Iterator[str]:
    target, actual, met = row[f"{kind}_target_s"], row[f"{kind}_actual_s"], row[f"{kind}_met"]
    if target == "NOT_SET":
        right = "NOT_SET"
    elif not (_is_figure(actual) and _is_figure(target)):
        right = "UNKNOWN"
    else:
        right = "YES" if int(actual) <= int(target) else "NO"
    if met != right:
        yield f"{kind}_met is {met} with {actual or 'no figure'} against a target of {target}"


def _is_figure(text: str) -> bool:
    """Longer ones are no seconds and no counts, and Python refuses to read them."""
    return text.isdecimal() and len(text) < LONGEST_FIGURE


def _at_most(part: str, wholes: tuple[str, ...], row: Row) -> Iterator[str]:
    if all(_is_figure(row[name]) for name in (part, *wholes)):
        whole = sum(int(row[name]) for name in wholes)
        if int(row[part]) > whole:
            yield f"{part} is {row[part]}, more than {whole} of {', '.join(wholes)}"


def _backup(kind: str, row: Row) -> Iterator[str]:
    said = [name for name in COLUMNS if name.startswith(f"{kind}_backup_") and row[name]]
    if said and not row[f"{kind}_backup_id"]:
        yield f"{', '.join(said)} of no {kind}_backup_id"


def _age(kind: str, row: Row) -> Iterator[str]:
    if row[f"{kind}_backup_age_s"] and not row[f"{kind}_backup_created_at"]:
        yield f"{kind}_backup_age_s is {row[f'{kind}_backup_age_s']} since no time"


def _images(row: Row) -> Iterator[str]:
    images = {name: row[name].count(";") for name in ("app_image", "app_commit", "image_level")}
    if len(set(images.values())) > 1:
        yield f"{', '.join(images)} are not of equally many images"


def _cleaned(row: Row) -> Iterator[str]:
    if (row["cleanup"] == "DONE") is not (row["cleanup_at"] != ""):
        yield f"cleanup is {row['cleanup']}, and the time of it {row['cleanup_at'] or 'is missing'}"


_STAGE_SECONDS: Final = tuple(f"s{number}_s" for number in range(1, len(STAGE_COLUMNS) + 1))
_ENDED: Final = "the run ended before it started"
_SIGNED: Final = "it was signed off before it ended"

RULES: Final[tuple[Rule[Row], ...]] = (
    Rule("a run refers to nothing, any other row to a run", _refers),
    *(Rule(f"a {mode} happens in {place}", partial(_environment, mode)) for mode, place in _ENVIRONMENTS.items()),
    Rule("a training has providers of this machine", _training),
    Rule("the quarter is that of the start", _quarter),
    Rule("it ends after it starts", partial(_not_before, "ended_at", "started_at", _ENDED)),
    Rule("the witness is not the operator", _witness),
    Rule("nobody has no role", _no_witness),
    Rule("the signer is not the operator", _signer),
    Rule("a decision has a name, and no name is without one", _signed_by),
    Rule("a decision has a time, and no time is without one", _signed_at),
    Rule("it is signed off after it ended", partial(_not_before, "signed_at", "ended_at", _SIGNED)),
    Rule("a sign-off decides", _decided),
    Rule("a run's own row is not signed off", _undecided),
    Rule("a sign-off waits, but for a training", _signoff_needed),
    *(Rule(f"a good outcome needs {criterion}", partial(_good, criterion)) for criterion in CRITERIA),
    *(Rule(f"a PASS needs {need}", partial(_passed, need)) for need in _SPOILS),
    Rule("what nothing stands against is a PASS", _spoiled),
    Rule("a stage that was passed has all before it passed", _order),
    Rule("a failure is accepted in a recovery only", _accepted),
    *(Rule(f"what is {word} is excepted", partial(_excepted, word)) for word in ("ACCEPTED", "ATTESTED")),
    *(Rule(f"{kind}_met follows from target and figure", partial(_met, kind)) for kind in ("rto", "rpo")),
    Rule("no more checks passed than there are", partial(_at_most, "checks_passed", ("checks_total",))),
    Rule("people took no longer than the stages", partial(_at_most, "human_wait_s", _STAGE_SECONDS)),
    *(Rule(f"what is said of a {kind} backup has its id", partial(_backup, kind)) for kind in ("db", "vault")),
    *(Rule(f"a {kind} backup's age is since a time", partial(_age, kind)) for kind in ("db", "vault")),
    Rule("image, commit and level are of equally many images", _images),
    Rule("a cleanup that is done has a time, any other none", _cleaned),
)
