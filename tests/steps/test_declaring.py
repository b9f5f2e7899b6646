"""What is asked before T0, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from runbook.engine.errors import WrongUse
from runbook.engine.ports import Form
from steps import declaring
from tests.support.operator import ScriptedOperator

NOW = datetime(2027, 1, 15, 10, 0, tzinfo=UTC)
DRILL = {
    "scenario": "The quarterly drill",
    "operator": "A. Okafor",
    "operator_role": "CTO",
    "witness": "B. Hughes",
    "witness_role": "COO",
}
RECOVERY = {**DRILL, "class": "LOSS", "incident_at": "2027-01-15T08:30:00Z", "platform": "Clinic"}


def form(mode: str, defaults: Mapping[str, str] | None = None, words: tuple[str, ...] = ()) -> Form:
    return declaring.form(mode, defaults or {}, words, platform="Clinic", now=lambda: NOW)


def wrong(mode: str, **answers: str) -> dict[str, str]:
    known = {"recovery": RECOVERY, "drill": DRILL}[mode]
    return declaring.problems(mode, {**known, **answers}, NOW, "Clinic")


def test_a_drill_declares_people_and_a_sentence() -> None:
    assert declaring.declared(DRILL, NOW) == {
        "scenario": "The quarterly drill",
        "operator": {"name": "A. Okafor", "role": "CTO"},
        "witness": {"name": "B. Hughes", "role": "COO"},
    }


def test_a_recovery_declares_class_and_time_of_the_incident_too() -> None:
    said = declaring.declared({**RECOVERY, "class": "compromise", "incident_at": "2027-01-15T08:30+01:00"}, NOW)
    assert said["class"] == "COMPROMISE"
    assert said["incident_at"] == "2027-01-15T07:30:00Z"
    assert "platform" not in said


def test_an_unknown_time_is_declared_as_that() -> None:
    assert declaring.declared({**RECOVERY, "incident_at": "Unknown"}, NOW)["incident_at"] == ""


@pytest.mark.parametrize("none", ["NONE", "none", "None "])
def test_there_may_be_no_witness(none: str) -> None:
    assert declaring.declared({**DRILL, "witness": none, "witness_role": ""}, NOW)["witness"] is None


def test_what_is_right_has_no_problem() -> None:
    assert wrong("drill") == wrong("recovery") == {}


@pytest.mark.parametrize(
    ("mode", "key", "typed", "says"),
    [
        ("drill", "scenario", "", "cannot stay empty"),
        ("drill", "scenario", "  ", "cannot stay empty"),
        ("drill", "scenario", "two\nlines", "ordinary characters"),
        ("drill", "operator", "", "cannot stay empty"),
        ("drill", "operator", "none", "has an operator"),
        ("drill", "operator_role", "", "cannot stay empty"),
        ("drill", "operator", "A\u202eB", "ordinary characters"),
        ("drill", "witness", "", "cannot stay empty"),
        ("drill", "witness", "A. Okafor", "somebody else"),
        ("drill", "witness", "a. okafor", "somebody else"),
        ("drill", "witness", "\uff21. Okafor", "somebody else"),  # a full-width A
        ("drill", "witness_role", "", "what B. Hughes's role is"),
        ("recovery", "class", "", "cannot stay empty"),
        ("recovery", "class", "FIRE", "LOSS, CORRUPTION, COMPROMISE"),
        ("recovery", "incident_at", "", "cannot stay empty"),
        ("recovery", "incident_at", "last night", "no time"),
        ("recovery", "incident_at", "2027-01-15T08:30", "no zone"),
        ("recovery", "incident_at", "2027-01-15T10:00:01Z", "future"),
        ("recovery", "platform", "", "cannot stay empty"),
        ("recovery", "platform", "clinic", "exactly"),
        ("recovery", "platform", "Clinic ", "exactly"),
        ("recovery", "platform", "Cl\u0456nic", "exactly"),
        ("recovery", "platform", "Clinic\n", "exactly"),
    ],
)
def test_each_mistake_is_told_at_its_own_field(mode: str, key: str, typed: str, says: str) -> None:
    found = wrong(mode, **{key: typed})
    assert list(found) == [key]
    assert says in found[key]


def test_every_mistake_is_told_at_once() -> None:
    assert set(declaring.problems("recovery", {}, NOW, "Clinic")) == {
        "scenario",
        "operator",
        "operator_role",
        "witness",
        "witness_role",
        "class",
        "incident_at",
        "platform",
    }


def test_class_time_and_name_have_no_default_and_a_drill_does_not_ask_for_them() -> None:
    fields = {field.key: field for field in form("recovery").fields}
    assert [fields[key].default for key in ("class", "incident_at", "platform")] == ["", "", ""]
    assert not {"class", "incident_at", "platform"} & {field.key for field in form("drill").fields}


def test_what_the_configuration_knows_is_offered_and_shown() -> None:
    asked = form("drill", {"operator": "A. Okafor", "witness": "B. Hughes"}, ("RTO target: 4 h",))
    defaults = {field.key: field.default for field in asked.fields}
    assert (defaults["operator"], defaults["witness"]) == ("A. Okafor", "B. Hughes")
    assert "RTO target: 4 h" in asked.text


def test_what_was_not_looked_at_by_the_form_is_refused_all_the_same() -> None:
    with pytest.raises(WrongUse, match="somebody else"):
        declaring.declared({**DRILL, "witness": "A. Okafor"}, NOW)


async def test_it_is_asked_again_with_what_was_right_kept_until_it_is_right() -> None:
    tries: list[Mapping[str, str]] = [{**RECOVERY, "platform": "clinic", "class": "FIRE"}, RECOVERY]
    operator = ScriptedOperator({"fill declaring": tries})
    said = await declaring.ask(operator, "recovery", {}, (), platform="Clinic", now=lambda: NOW)
    assert said == declaring.declared(RECOVERY, NOW)
    first, second = operator.questions("fill declaring")
    defaults = {field.key: field.default for field in second.fields}
    assert defaults["scenario"] == "The quarterly drill"
    assert (defaults["class"], defaults["platform"]) == ("", "")
    assert len(second.text) == len(first.text) + 2


async def test_who_withdraws_declares_nothing() -> None:
    operator = ScriptedOperator({"fill declaring": [None]})
    assert await declaring.ask(operator, "drill", {}, (), platform="Clinic", now=lambda: NOW) is None


def test_a_rehearsal_asks_nobody_and_has_no_witness() -> None:
    said = declaring.declared(declaring.unattended({}), NOW)
    assert said["witness"] is None
    assert said["operator"] == {"name": "nobody present", "role": "unattended"}


def test_who_goes_on_with_a_run_says_name_and_role() -> None:
    asked = declaring.resumed_by("drill-20270115T100000Z-7f3a", {"operator": "B. Hughes"})
    assert [(field.key, field.default) for field in asked.fields] == [("operator", "B. Hughes"), ("operator_role", "")]
    assert declaring.resumer({"operator": "B. Hughes", "operator_role": "COO"}) == {
        "operator": {"name": "B. Hughes", "role": "COO"}
    }
