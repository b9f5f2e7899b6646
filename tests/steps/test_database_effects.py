"""What a copy would do to others: known, ended, read back; and the planner's statistics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runbook.engine.verdict import Verdict
from runbook.estate.memory import sql as memory_sql
from runbook.estate.ports import SideEffect
from tests.support.practice import Practice

CRON = SideEffect("cron job", "1 send-reminders", active=True, how="select cron.unschedule(1)")
QUEUE = SideEffect("queue", "public.outbox", active=True)


async def test_a_copy_that_acts_on_nobody_needs_nothing(practice: Practice) -> None:
    operator = practice.operator()
    run = await practice.walk(operator)
    assert operator.questions("confirm database.quiet") == []
    last = run.last("database.quiet")
    assert last is not None
    assert "nothing had to be switched off" in last.observed


async def test_a_job_is_named_shown_switched_off_and_read_back(practice: Practice) -> None:
    practice.world.act_on_others(CRON)
    operator = practice.operator()
    run = await practice.walk(operator)
    found, quiet = run.last("database.side-effects"), run.last("database.quiet")
    assert found is not None
    assert quiet is not None
    assert "active: cron job 1 send-reminders" in found.observed
    (ask,) = operator.questions("confirm database.quiet")
    assert ask.preview.calls == ("select cron.unschedule(1)",)
    assert practice.done("postgres:Silence") == [CRON.name]
    assert "switched off and read back" in quiet.observed
    assert run.outcome == "PASS"


async def test_rows_in_an_outbound_queue_are_told_and_left_to_the_application(practice: Practice) -> None:
    practice.world.act_on_others(QUEUE)
    run = await practice.walk()
    last = run.last("database.quiet")
    assert last is not None
    assert "rows wait in queue public.outbox" in last.observed
    assert practice.done("postgres:Silence") == []


async def test_what_stays_active_shuts_the_stage_and_cannot_be_attested(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def in_vain(*_: Any) -> None:
        """The server said yes and did nothing."""

    monkeypatch.setattr(memory_sql.MemoryDatabase, "silence", in_vain)
    practice.world.act_on_others(CRON)
    run = await practice.walk()
    last = run.last("database.quiet")
    assert last is not None
    assert last.verdict is Verdict.FAIL
    assert "still active: cron job 1 send-reminders" in last.observed


async def test_a_copy_that_lost_our_tag_since_is_not_written_to(practice: Practice) -> None:
    def retagged(_: object) -> bool:
        (copy,) = practice.world.databases.copies.values()
        copy.spec = replace(copy.spec, tags={"runbook:run": "another"})
        return True

    practice.world.act_on_others(CRON)
    run = await practice.walk(practice.operator({"confirm database.quiet": [retagged]}))
    last = run.last("database.quiet")
    assert last is not None
    assert "does not carry this run's tag: nothing in it is changed" in last.observed
    assert practice.done("postgres:Silence") == []


async def test_declining_to_make_it_quiet_does_not_pass(practice: Practice) -> None:
    practice.world.act_on_others(CRON)
    run = await practice.walk(practice.operator({"confirm database.quiet": [False]}))
    last = run.last("database.quiet")
    assert last is not None
    assert last.declined


async def test_tables_without_statistics_are_analyzed(practice: Practice) -> None:
    practice.world.forget_statistics("public.appointments", "public.patients")
    run = await practice.walk()
    assert sorted(practice.done("postgres:Analyze")) == ["public.appointments", "public.patients"]
    assert run.outcome == "PASS"


async def test_what_no_statement_in_this_database_can_end_is_not_passed_over(practice: Practice) -> None:
    """Such as a job that pg_cron keeps in another database of the copy."""
    practice.world.act_on_others(SideEffect("cron job", "7 nightly-sync (of postgres)", active=True))
    run = await practice.walk()
    last = run.last("database.quiet")
    assert last is not None
    assert last.verdict is Verdict.FAIL
    assert "still active: cron job 7 nightly-sync (of postgres)" in last.observed
    assert "by hand" in last.fix
