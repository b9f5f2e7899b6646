"""In a drill nothing goes out: every switch is off before a process starts, and as it was when the run is over."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.config.application import Switch
from runbook.engine.events import Kind
from runbook.engine.ports import Act, Decide, Decision, Secret
from runbook.engine.verdict import Verdict
from steps.application.quiet import KIND
from tests.support.operator import RETRY, abort, back
from tests.support.practice import DECLARED, Practice
from tests.support.stage4 import (
    attempt,
    configure,
    group,
    just_before,
    preview,
    set_variable,
    through_stage_4,
    up_to_stage_4,
)

SWITCHES = ("OUTBOUND_MAIL", "OUTBOUND_SMS", "OUTBOUND_WEBHOOKS")
LEAK = "postgres://sender:hunter2hunter2@mail.example.test"


async def test_every_switch_is_off_before_a_process_starts_and_on_again_at_the_end(practice: Practice) -> None:
    run = await through_stage_4(practice)
    assert attempt(run, "application.quiet").observed.startswith("4 off: clinic-env/OUTBOUND_MAIL, ")
    started = practice.world.platform.started
    assert [release.service for release in started] == ["web", "worker"]
    assert [started[0].variable(name) for name in SWITCHES] == ["off"] * 3
    assert started[1].variable("OUTBOUND_JOBS") == "off"
    assert [group(practice, "clinic-env")[name] for name in SWITCHES] == ["on"] * 3
    assert group(practice, "worker-env")["OUTBOUND_JOBS"] == "on"
    assert run.open_ledger == ()


async def test_it_is_quiet_before_it_is_pointed_anywhere_and_both_before_it_is_deployed(practice: Practice) -> None:
    recorder = practice.recorder()
    await through_stage_4(practice, recorder=recorder)
    ordered = [e.step for e in recorder.of(Kind.INTENT) if str(e.step).startswith("application.")]
    assert ordered == ["application.quiet"] * 2 + ["application.config"] * 2 + ["application.deploy"] * 2


async def test_the_words_are_shown_before_they_are_changed(practice: Practice) -> None:
    operator = up_to_stage_4(practice)
    await through_stage_4(practice, operator=operator)
    shown = preview(operator, "application.quiet")
    assert shown.calls == (
        "PATCH /v1/projects/clinic-staging/secrets/clinic-env",
        "PATCH /v1/projects/clinic-staging/secrets/worker-env",
    )
    (change,) = shown.changes
    assert (change.before, change.after) == ("on", "off")
    assert change.name == ", ".join([*(f"clinic-env/{name}" for name in SWITCHES), "worker-env/OUTBOUND_JOBS"])


async def test_what_is_off_already_is_neither_asked_for_nor_changed(practice: Practice) -> None:
    for where in (*(f"clinic-env/{name}" for name in SWITCHES), "worker-env/OUTBOUND_JOBS"):
        set_variable(practice, where, "off")
    operator = up_to_stage_4(practice)
    run = await through_stage_4(practice, operator=operator)
    assert operator.questions("confirm application.quiet") == []
    assert attempt(run, "application.quiet").adopted
    assert [entry for entry in run.ledger if entry.kind == KIND] == []


# -- declared, or not ---------------------------------------------------------------------------------------------
async def test_that_nothing_goes_out_can_be_declared_with_a_reason_which_the_record_quotes(practice: Practice) -> None:
    configure(practice, outbound="none", outbound_reason="The clinic prints its letters.")
    run = await through_stage_4(practice)
    last = attempt(run, "application.quiet")
    assert last.verdict is Verdict.NOT_NEEDED
    assert "The clinic prints its letters." in last.observed
    assert group(practice, "clinic-env")["OUTBOUND_MAIL"] == "on"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"outbound": ()}, "no outbound switch is configured"),
        ({"outbound": "none"}, "without a reason"),
        ({"outbound": "none", "outbound_reason": "  "}, "without a reason"),
    ],
)
async def test_an_empty_list_fails_and_so_does_none_without_a_reason(
    practice: Practice, settings: dict[str, object], said: str
) -> None:
    configure(practice, **settings)
    offered: list[tuple[Act, ...]] = []

    def seen(ask: Decide) -> Decision:
        offered.append(ask.options)
        return abort("no")

    run = await through_stage_4(practice, {"decide application.quiet": [seen]})
    last = attempt(run, "application.quiet")
    assert last.verdict is Verdict.FAIL
    assert said in last.observed
    assert "[[application.outbound]]" in last.fix
    assert "outbound_reason" in last.fix
    assert len(offered) == 1
    assert Act.ATTEST not in offered[0]
    assert practice.done("northflank:SetSecretGroup") == practice.done("northflank:Deploy") == []


async def test_a_platform_that_cannot_be_asked_does_not_make_it_quiet_by_word_of_mouth(practice: Practice) -> None:
    offered: list[tuple[Act, ...]] = []

    def seen(ask: Decide) -> Decision:
        offered.append(ask.options)
        return abort("no")

    down = just_before(lambda: practice.world.take_down("northflank"))
    run = await through_stage_4(practice, {"confirm application.quiet": [down], "decide application.quiet": [seen]})
    assert attempt(run, "application.quiet").verdict is Verdict.INCONCLUSIVE
    assert Act.ATTEST not in offered[0]


async def test_a_recovered_application_is_meant_to_act_on_others(practice: Practice) -> None:
    operator = up_to_stage_4(practice)
    run = await practice.conductor(operator).declare({**DECLARED, "mode": "recovery"})
    last = attempt(run, "application.quiet")
    assert last.verdict is Verdict.NOT_NEEDED
    assert "recovered" in last.observed
    assert {release.variable("OUTBOUND_MAIL") for release in practice.world.platform.started[:1]} == {"on"}


# -- what a switch may hold ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("leak", [LEAK, "hunter2", "hunter2-s3cret", "98712345", "on\n"])
async def test_what_is_no_switch_is_named_and_never_shown(practice: Practice, leak: str) -> None:
    set_variable(practice, "clinic-env/OUTBOUND_SMS", leak)
    recorder = practice.recorder()
    run = await through_stage_4(practice, recorder=recorder)
    last = attempt(run, "application.quiet")
    assert last.verdict is Verdict.FAIL
    assert last.observed == "clinic-env/OUTBOUND_SMS holds something that is no switch"
    assert leak not in str(recorder.events)
    assert "hunter2" not in str(recorder.events)
    assert practice.done("northflank:SetSecretGroup") == []


@pytest.mark.parametrize("word", ["", "On", "TRUE", "yes", "Enabled", "live", "1", "1000"])
async def test_the_words_of_switches_are_shown_and_put_back_to_the_letter(practice: Practice, word: str) -> None:
    set_variable(practice, "clinic-env/OUTBOUND_SMS", word)
    operator = up_to_stage_4(practice)
    run = await through_stage_4(practice, operator=operator)
    assert ("clinic-env/OUTBOUND_SMS", word) in [
        (change.name, change.before) for change in preview(operator, "application.quiet").changes
    ]
    assert practice.world.platform.started[0].variable("OUTBOUND_SMS") == "off"
    assert group(practice, "clinic-env")["OUTBOUND_SMS"] == word
    assert run.open_ledger == ()


@pytest.mark.parametrize("replaces", [False, True], ids=["merged", "replaced"])
async def test_a_switch_that_was_not_there_is_set_and_taken_out_as_far_as_the_platform_does_it(
    practice: Practice, *, replaces: bool
) -> None:
    practice.world.platform.replaces = replaces
    set_variable(practice, "worker-env/OUTBOUND_JOBS", None)
    operator = up_to_stage_4(practice, {"decide closeout.cleanup": [abort("by hand, later")]})
    recorder = practice.recorder()
    run = await through_stage_4(practice, operator=operator, recorder=recorder)
    assert practice.world.platform.started[1].variable("OUTBOUND_JOBS") == "off"
    assert ("worker-env/OUTBOUND_JOBS", "not there") in [
        (change.name, change.before) for change in preview(operator, "application.quiet").changes
    ]
    left = [(entry.kind, entry.id) for entry in run.open_ledger]
    if replaces:
        assert left == []
        assert "OUTBOUND_JOBS" not in group(practice, "worker-env")
    else:
        assert left == [(KIND, "clinic-staging/worker-env")]
        (said,) = [event.data["observed"] for event in recorder.of(Kind.CLEANUP) if not event.data["gone"]]
        assert said == "OUTBOUND_JOBS was not there before, and the platform's API takes nothing out"


async def test_what_the_platform_left_as_it_was_is_named_and_nothing_is_deployed(practice: Practice) -> None:
    practice.world.platform.kept = {"OUTBOUND_SMS"}
    run = await through_stage_4(practice)
    last = attempt(run, "application.quiet")
    assert last.verdict is Verdict.FAIL
    assert last.observed == "clinic-env does not hold what was set: OUTBOUND_SMS"
    assert practice.done("northflank:Deploy") == []


# -- again --------------------------------------------------------------------------------------------------------
async def test_a_switch_that_somebody_turned_on_meanwhile_is_off_again_before_the_next_deployment(
    practice: Practice,
) -> None:
    again = just_before(
        lambda: set_variable(practice, "clinic-env/OUTBOUND_SMS", "yes"), back("application", "once more")
    )
    run = await through_stage_4(practice, {"gate application": [again, abort("enough")]})
    started = [release for release in practice.world.platform.started if release.service == "web"]
    assert [release.variable("OUTBOUND_SMS") for release in started] == ["off", "off"]
    assert group(practice, "clinic-env")["OUTBOUND_SMS"] == "on"  # as before this run, not as it was meanwhile
    assert run.open_ledger == ()


async def test_what_is_put_back_are_the_switches_and_nothing_else(practice: Practice) -> None:
    theirs = just_before(lambda: set_variable(practice, "clinic-env/THEIRS", "new"), abort("enough"))
    before = group(practice, "clinic-env")
    await through_stage_4(practice, {"gate application": [theirs]})
    assert group(practice, "clinic-env") == {**before, "THEIRS": "new"}


async def test_nothing_is_switched_on_that_still_leads_to_the_copy(practice: Practice) -> None:
    def keep() -> None:
        practice.world.platform.kept = {"DATABASE_URL"}

    def mend() -> None:
        practice.world.platform.kept = set()
        assert [group(practice, "clinic-env")[name] for name in SWITCHES] == ["off"] * 3

    stuck, mended = just_before(keep, abort("enough")), just_before(mend, RETRY)
    recorder = practice.recorder()
    run = await through_stage_4(
        practice, {"gate application": [stuck], "decide closeout.cleanup": [mended]}, recorder=recorder
    )
    said = [e.data["observed"] for e in recorder.of(Kind.CLEANUP) if e.data["kind"] == KIND and not e.data["gone"]]
    assert said == [f"stays off: {name} still leads to the copy" for name in ("worker-env", "clinic-env")]
    assert [group(practice, "clinic-env")[name] for name in SWITCHES] == ["on"] * 3
    assert run.open_ledger == ()


async def test_a_group_of_switches_alone_waits_for_every_group_that_leads_to_the_copy(practice: Practice) -> None:
    practice.world.platform.groups["flags"] = {"MAIL": Secret("on")}
    switches = (*practice.environment.application.outbound, Switch(secret_group="flags", variable="MAIL"))
    configure(practice, outbound=switches)
    gone = just_before(lambda: set_variable(practice, "worker-env/DATABASE_URL", None), abort("enough"))
    run = await through_stage_4(practice, {"gate application": [gone]})
    assert group(practice, "flags")["MAIL"] == group(practice, "worker-env")["OUTBOUND_JOBS"] == "off"
    assert group(practice, "clinic-env")["OUTBOUND_MAIL"] == "on"
    assert {entry.id for entry in run.open_ledger if entry.kind == KIND} == {
        "clinic-staging/flags",
        "clinic-staging/worker-env",
    }


async def test_thirty_groups_are_one_line_under_all_their_names(tmp_path: Path) -> None:
    practice = Practice(tmp_path, services=30)
    operator = up_to_stage_4(practice)
    run = await through_stage_4(practice, operator=operator)
    shown = preview(operator, "application.quiet")
    assert len(shown.calls) == 30
    assert max(map(len, shown.calls)) <= 80
    (change,) = shown.changes
    assert change.name.count("/") == 32
    assert attempt(run, "application.quiet").observed == (
        "32 off: clinic-env/OUTBOUND_MAIL, clinic-env/OUTBOUND_SMS, clinic-env/OUTBOUND_WEBHOOKS, "
        "worker-env/OUTBOUND_JOBS and 28 more: set and read back"
    )
    assert run.open_ledger == ()
