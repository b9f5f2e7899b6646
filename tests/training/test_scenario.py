"""Scenario files: the deck, the documented format, and what is said about a file that is wrong."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from runbook.engine.errors import WrongUse
from runbook.engine.outcome import Outcome
from runbook.engine.procedure import Check
from runbook.training import scenario
from runbook.training.scenario import Scenario
from runbook.training.variant import CHOICES, Variant
from steps import PROCEDURE

STEPS = [step.id for step in PROCEDURE.steps()]
ASKING = [step.id for step in PROCEDURE.steps() if not isinstance(step, Check) or step.asks]
STAGES = [stage.id for stage in PROCEDURE.stages]
DECK = [each.name for each in scenario.deck()]
OUTCOMES = [
    ("blind-reader", Outcome.INCONCLUSIVE),
    ("calm", Outcome.PASS),
    ("clock-off", Outcome.FAIL),
    ("damaged-pages", Outcome.FAIL),
    ("damaged-snapshot", Outcome.PASS_WITH_ISSUES),
    ("dns-old-origin", Outcome.PASS),
    ("empty-table", Outcome.FAIL),
    ("expired-login", Outcome.PASS),
    ("foreign-snapshot", Outcome.FAIL),
    ("half-boot", Outcome.FAIL),
    ("incompatible-restore", Outcome.FAIL),
    ("key-skew", Outcome.PASS_WITH_ISSUES),
    ("kms-denied", Outcome.FAIL),
    ("lost-custodian", Outcome.FAIL),
    ("lost-index", Outcome.FAIL),
    ("moved-tag", Outcome.FAIL),
    ("no-snapshot-today", Outcome.PASS_WITH_ISSUES),
    ("no-staging-names", Outcome.PASS),
    ("open-origin", Outcome.PASS_WITH_ISSUES),
    ("rate-limited", Outcome.PASS),
    ("recovery-keys", Outcome.PASS),
    ("rekeyed", Outcome.PASS),
    ("sealed-again", Outcome.PASS),
    ("shrunk-manifest", Outcome.PASS_WITH_ISSUES),
    ("slow-restore", Outcome.PASS),
    ("stale-backup", Outcome.PASS_WITH_ISSUES),
    ("unsigned-image", Outcome.FAIL),
    ("waf-off", Outcome.PASS),
    ("wrong-database", Outcome.FAIL),
    ("wrong-endpoint", Outcome.FAIL),
    ("wrong-share", Outcome.PASS),
]
WHOLE = """\
schema = 1
name = "mine"
title = "A title"
story = "A story."
good_operator = "Does well."

[expect]
outcome = "PASS"

[[faults]]
kind = "vault-sealed"
when = "checkpoint database"

[[operator.answers]]
at = "checkpoint database"
do = "back"
to = "vault.unseal"
reason = "it restarted"
"""


def load(name: str) -> Scenario:
    return scenario.load(name, steps=STEPS, stages=STAGES, asking=ASKING)


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def complaint(folder: Path, text: str) -> str:
    """What is said about this file, its own path left out."""
    name = written(folder, text)
    with pytest.raises(WrongUse) as wrong:
        load(name)
    assert wrong.value.fix
    assert all(line.startswith(f"{name}: ") for line in wrong.value.sentence.splitlines())
    return wrong.value.sentence.replace(f"{name}: ", "")


# -- the deck -----------------------------------------------------------------------------------------------------
def test_the_first_deck_is_there_calm_first() -> None:
    assert DECK[0] == "calm"
    assert {name for name, _ in OUTCOMES} == set(DECK)


@pytest.mark.parametrize("name", DECK)
def test_every_file_of_the_deck_is_well_formed_and_tells_its_story(name: str) -> None:
    each = load(name)
    assert each.name == name
    assert all(text.strip() for text in (each.title, each.story, each.good_operator))
    assert (each.expect.fails_at != "") == (each.expect.outcome is Outcome.FAIL)


@pytest.mark.parametrize(("name", "outcome"), OUTCOMES)
def test_the_deck_expects_what_the_specification_says(name: str, outcome: Outcome) -> None:
    assert load(name).expect.outcome is outcome


def test_a_file_is_called_what_the_scenario_is_called() -> None:
    folder = resources.files("runbook.training").joinpath("scenarios")
    assert sorted(file.name for file in folder.iterdir() if file.name.endswith(".toml")) == sorted(
        f"{name}.toml" for name in DECK
    )


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(WrongUse) as wrong:
        load("stormy")
    assert wrong.value.sentence == "there is no scenario called stormy"
    assert all(name in wrong.value.fix for name in DECK)


# -- the documented format ----------------------------------------------------------------------------------------
def _documented() -> str:
    return resources.files("runbook.training").joinpath("scenarios", "FORMAT.md").read_text(encoding="utf-8")


def test_the_example_of_the_documentation_is_well_formed(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", _documented(), re.DOTALL)
    known = load(written(tmp_path, example))
    assert known.faults[0].kind == "vault-sealed"
    assert known.estate == Variant()


def test_the_documentation_knows_every_outcome_answer_and_moment() -> None:
    text = _documented()
    words = [*Outcome, *(f'"{way}"' for ways in CHOICES.values() for way in ways)]
    words += ["sign-in", "accept", "close", "right", "wrong", "old"]
    words += ["`do`", "`shares`", "`pick`", "`detail`", "`agree`", "`fill`"]
    words += ["before STEP", "after STEP", "opened STAGE"]
    assert [word for word in words if word not in text] == []


# -- files of one's own -------------------------------------------------------------------------------------------
def test_a_file_that_was_never_seen_is_loaded_by_its_path(tmp_path: Path) -> None:
    mine = load(written(tmp_path, WHOLE))
    assert (mine.name, mine.faults[0].when, mine.operator.answers[0].to) == (
        "mine",
        "checkpoint database",
        "vault.unseal",
    )


def test_the_estate_of_a_scenario_is_read_and_the_usual_one_where_it_says_nothing(tmp_path: Path) -> None:
    sealed = WHOLE.replace("[expect]", '[estate]\nseal = "awskms"\n\n[expect]').replace("vault-sealed", "waf-off")
    assert load(written(tmp_path, sealed)).estate == Variant(seal="awskms", sign_in="mfa")
    assert load(written(tmp_path, WHOLE)).estate == Variant(seal="shamir", sign_in="mfa")


def test_the_doors_can_be_closed_by_a_script_and_no_reason_is_needed(tmp_path: Path) -> None:
    text = WHOLE.replace('do = "back"', 'do = "close"').replace('to = "vault.unseal"\n', "")
    assert load(written(tmp_path, text)).operator.answers[0].reason == "it restarted"
    (answer,) = load(written(tmp_path, text.replace('reason = "it restarted"\n', ""))).operator.answers
    assert (answer.do, answer.kind, answer.reason) == ("close", "do", "")


def test_an_estate_without_public_names_is_asked_for_by_a_word(tmp_path: Path) -> None:
    none = WHOLE.replace("[expect]", '[estate]\npublic_names = "none"\n\n[expect]')
    assert load(written(tmp_path, none)).estate == Variant(public_names="none")
    said = complaint(tmp_path, none.replace('"none"', '"production"'))
    assert "line 8: estate.public_names: Input should be 'staging' or 'none'" in said


def test_a_fault_before_a_step_that_asks_nobody_would_never_happen_and_is_refused(tmp_path: Path) -> None:
    said = complaint(tmp_path, WHOLE.replace('"checkpoint database"', '"before connectivity.dns"', 1))
    assert "line 12: faults.1.when: nobody is asked anything at connectivity.dns" in said
    assert load(written(tmp_path, WHOLE.replace('"checkpoint database"', '"before connectivity.waf"', 1)))


def test_a_scenario_is_kept_whole_in_a_journal() -> None:
    for name in DECK:
        each = load(name)
        assert Scenario.model_validate(each.model_dump(mode="json", by_alias=True)) == each


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"nowhere\.toml: there is no such file"):
        load(str(tmp_path / "nowhere.toml"))


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ("schema = 1", "schema = 2", "line 1: schema: Input should be 1"),
        ('name = "mine"', 'name = "Mine & yours"', "line 2: name: String should match pattern"),
        ('title = "A title"', "", "line 1: title: is missing"),
        ('outcome = "PASS"', 'outcome = "FINE"', "line 8: expect.outcome: Input should be"),
        (
            'outcome = "PASS"',
            'outcome = "FAIL"\nfails_at = "database.nothing"',
            "line 9: expect.fails_at: database.nothing",
        ),
        (
            'kind = "vault-sealed"',
            'kind = "vault-sunk"',
            "line 11: faults.1.kind: no fault is called vault-sunk: one of ",
        ),
        ('kind = "vault-sealed"', 'sort = "x"\nkind = "vault-sealed"', "line 11: faults.1.sort: is not a known key"),
        ('when = "checkpoint database"', 'when = "at noon"', "line 12: faults.1.when: at noon is none of: start, "),
        (
            'when = "checkpoint database"',
            "with = { hours = 3 }",
            "line 12: faults.1.with: fault vault-sealed takes no 'hours'",
        ),
        ('at = "checkpoint database"', 'at = "vault.nap"', "line 15: operator.answers.1.at: vault.nap is no step id"),
        ('to = "vault.unseal"', 'to = "vault.nap"', "line 17: operator.answers.1.to: vault.nap is no stage id"),
        ('to = "vault.unseal"', "", "line 14: operator.answers.1: do = 'back' needs `to`"),
        ('reason = "it restarted"', "", "line 14: operator.answers.1: do = 'back' needs a reason"),
        (
            'do = "back"',
            "",
            "line 14: operator.answers.1: exactly one of do, shares, pick, agree, fill is needed, not none",
        ),
        ('do = "back"', 'do = "back"\npick = 2', "line 14: operator.answers.1: exactly one of"),
        ('do = "back"', 'do = "skip"', "line 16: operator.answers.1.do: Input should be 'sign-in', 'retry',"),
        ("[expect]", '[estate]\nseal = "wax"\n[expect]', "line 8: estate.seal: Input should be 'shamir' or 'awskms'"),
        ("[expect]", '[estate]\nlock = "wax"\n[expect]', "line 8: estate.lock: "),
        (
            'kind = "vault-sealed"',
            'kind = "vault-kms-denied"',
            'line 11: faults.1.kind: vault-kms-denied needs [estate] seal = "awskms"',
        ),
        ('do = "back"', "pick = 0", "line 16: operator.answers.1.pick: Input should be greater than or equal to 1"),
        (
            'do = "back"',
            'shares = ["left"]',
            "line 14: operator.answers.1: shares is a list of the words right, wrong and old",
        ),
        ('do = "back"', 'do = "back"\ndetail = "-2h"', "line 14: operator.answers.1: detail goes with pick"),
        (
            'do = "back"',
            'fill = { since = "-2 weeks" }',
            "line 14: operator.answers.1: fill: since begins like a moment before now and is none: like -90s, ",
        ),
        (
            'do = "back"',
            'pick = 2\ndetail = "-2 weeks"',
            "line 14: operator.answers.1: detail begins like a moment before now and is none: one is like -90s, ",
        ),
    ],
)
def test_a_mistake_is_told_with_file_line_and_key(tmp_path: Path, line: str, instead: str, said: str) -> None:
    assert said in complaint(tmp_path, WHOLE.replace(line, instead, 1))


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = WHOLE.replace("vault-sealed", "vault-sunk").replace('at = "checkpoint database"', 'at = "noon"')
    said = complaint(tmp_path, text.replace('to = "vault.unseal"', 'to = "dusk"'))
    assert [re.split(r": ", line)[1] for line in said.splitlines()] == [
        "faults.1.kind",
        "operator.answers.1.at",
        "operator.answers.1.to",
    ]


def test_the_second_of_several_is_named_as_the_second(tmp_path: Path) -> None:
    second = '\n[[faults]]\nkind = "nonsense"\n'
    assert "line 21: faults.2.kind: no fault is called nonsense" in complaint(tmp_path, WHOLE + second)


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    assert "not valid TOML" in complaint(tmp_path, 'schema = 1\nname = "mine\n')
    assert "line 2" in complaint(tmp_path, 'schema = 1\nname = "mine\n')


def test_a_value_is_never_repeated_where_a_secret_may_have_been_pasted(tmp_path: Path) -> None:
    for line in ('title = ["s3cret"]', 'token = "s3cret"'):
        assert "s3cret" not in complaint(tmp_path, WHOLE.replace('title = "A title"', line, 1))
