"""Which backup: the newest by default, an older one with a reason, one that was refused never again."""

from __future__ import annotations

from typing import Any

from runbook.engine.ports import Choice
from runbook.engine.verdict import Verdict
from steps.facts import ArchiveKept, VaultBackupChosen
from tests.support.operator import OPEN, back
from tests.support.practice import Practice

CHOOSE = "choose vault.choose"


def older(ask: Any) -> Choice:
    return Choice(ask.options[1].key, "the newest may be the intruder's")


async def test_the_newest_is_taken_without_a_word(practice: Practice) -> None:
    operator = practice.operator()
    run = await practice.walk(operator)
    (ask,) = operator.questions(CHOOSE)
    assert len(ask.options) == 14
    assert ask.default == ask.options[0].key
    assert run.findings == ()


async def test_an_older_one_needs_a_reason_which_becomes_a_finding(practice: Practice) -> None:
    run = await practice.walk(practice.operator({CHOOSE: [older]}))
    assert run.outcome == "PASS_WITH_ISSUES"
    (finding,) = run.findings
    assert finding.text == "an older vault backup was used (1 d 0 h old): the newest may be the intruder's"


async def test_an_older_one_without_a_reason_is_not_chosen(practice: Practice) -> None:
    run = await practice.walk(practice.operator({CHOOSE: [lambda ask: Choice(ask.options[1].key)]}))
    last = run.last("vault.choose")
    assert last is not None
    assert last.verdict is Verdict.FAIL
    assert "no reason was given" in last.observed


async def test_a_damaged_newest_is_refused_and_yesterdays_is_restored(practice: Practice) -> None:
    practice.world.damaged_snapshot()
    script: dict[str, list[Any]] = {
        "decide vault.inspect": [back("vault.choose", "the newest is damaged")],
        CHOOSE: [lambda ask: Choice(ask.default), lambda ask: Choice(ask.default)],
    }
    operator = practice.operator(script)
    run = await practice.walk(operator)
    _, again = operator.questions(CHOOSE)
    assert "state.bin" in again.options[0].unfit
    assert again.default == again.options[1].key
    assert run.outcome == "PASS_WITH_ISSUES"
    assert "refused by vault.inspect" in run.findings[0].text
    assert practice.done("vault:Restore") == [practice.environment.vault.address]


async def test_going_back_from_a_later_stage_restores_the_other_backup_and_nothing_else_twice(
    practice: Practice,
) -> None:
    script: dict[str, list[Any]] = {
        "gate application": [back("vault.choose", "key skew: rows need an older key"), OPEN],
        CHOOSE: [lambda ask: Choice(ask.default), older],
    }
    run = await practice.walk(practice.operator(script))
    assert run.outcome == "PASS_WITH_ISSUES"
    assert len(practice.done("vault:Restore")) == 2
    assert len(practice.done("rds:RestoreDBInstanceFromDBSnapshot")) == 1
    chosen, kept = run.fact(VaultBackupChosen), run.fact(ArchiveKept)
    assert chosen is not None
    assert kept is not None
    assert chosen.key in kept.source


async def test_an_empty_newest_object_cannot_be_chosen_and_the_one_before_it_is_used(practice: Practice) -> None:
    practice.world.objects.empty_newest()
    operator = practice.operator()
    run = await practice.walk(operator)
    (ask,) = operator.questions(CHOOSE)
    assert ask.options[0].unfit == "it is empty"
    assert ask.default == ask.options[1].key
    assert any("is empty: the backup job fails" in finding.text for finding in run.findings)
    assert run.outcome == "PASS_WITH_ISSUES"


async def test_where_every_object_is_empty_there_is_no_backup(practice: Practice) -> None:
    practice.world.objects.empty_all()
    run = await practice.walk()
    last = run.last("vault.backup")
    assert last is not None
    assert last.verdict is Verdict.FAIL
    assert "Every backup is empty" in last.fix
    assert run.outcome == "FAIL"
