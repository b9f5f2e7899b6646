"""The doors: opened behind the firewall and on layers that hold, and closed again from wherever the run stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runbook.engine.errors import LayerFailed
from runbook.engine.events import Kind, Progress
from runbook.engine.ports import Act, Decision, Gate
from runbook.engine.run import LedgerEntry, Run
from runbook.estate.memory import names
from runbook.estate.ports import DnsRecord
from steps.connectivity import dns_records, doors, records
from steps.facts import ZoneKnown
from steps.here import Here
from tests.support.operator import OPEN, RETRY, abort
from tests.support.practice import DECLARED, Practice
from tests.support.standing import Standing

SET = "cloudflare:SetRecord"
CLOSE = Decision(Act.CLOSE)
RETREAT = "Close the doors again: every public name gets back the record it had"


def zone_of(practice: Practice) -> ZoneKnown:
    return ZoneKnown(practice.world.edge.zone_state.id, names.ZONE)


def at(practice: Practice) -> Standing:
    return Standing(practice, "connectivity.records", zone_of(practice))


def refused(run: Run, *, because: str) -> None:
    last = run.last("connectivity.records")
    assert last is not None
    assert last.verdict == "FAIL"
    assert because in last.observed


# -- in which order -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("off", [False, True], ids=["the firewall is on", "the firewall was off"])
async def test_no_record_is_changed_before_the_firewall_is_seen_enabled(practice: Practice, *, off: bool) -> None:
    if off:
        practice.world.waf_off()
    protected: list[bool] = []
    practice.world.watch(
        lambda operation, _: protected.append(practice.world.edge.protected) if operation == SET else None
    )
    run = await practice.walk()
    assert run.outcome == "PASS"
    assert len(protected) == 4  # two opened, two closed by the closing
    assert all(protected)
    calls = practice.world.log
    first = next(place for place, (operation, _) in enumerate(calls) if operation == SET)
    since = [operation for operation, _ in calls[:first]][-2:]
    assert since == ["cloudflare:Rules", "cloudflare:Rules"], "both phases are read right before the first record"


@pytest.mark.parametrize("managed", [True, False])
async def test_a_firewall_that_is_switched_off_while_the_operator_thinks_keeps_every_record_as_it_was(
    practice: Practice, *, managed: bool
) -> None:
    def meanwhile(_: Any) -> bool:
        practice.world.waf_off(managed=managed, canary=not managed)
        return True

    before = dict(practice.world.edge.zone_records)
    run = await practice.walk(practice.operator({"confirm connectivity.records": [meanwhile]}))
    refused(run, because="the firewall is not on any more, so no record is changed")
    assert practice.done(SET) == []
    assert practice.world.edge.zone_records == before


FALLS = {
    "Encryption Vault": lambda world: world.seal(),
    "Core Database": lambda world: world.take_down("postgres"),
    "Application Tier": lambda world: world.stop_application(),
    "Identity & Access": lambda world: world.take_down("aws"),
}


@pytest.mark.parametrize("layer", FALLS)
async def test_a_layer_that_fell_while_the_operator_thinks_keeps_every_record_as_it_was(
    practice: Practice, layer: str
) -> None:
    def meanwhile(_: Any) -> bool:
        FALLS[layer](practice.world)
        return True

    run = await practice.walk(practice.operator({"confirm connectivity.records": [meanwhile]}))
    last = run.last("connectivity.records")
    assert last is not None
    assert last.verdict in {"FAIL", "INCONCLUSIVE"}
    assert last.observed.startswith(f"{layer} does not hold any more: ")
    assert practice.done(SET) == []


async def test_a_criterion_that_no_longer_holds_keeps_every_record_as_it_was(practice: Practice) -> None:
    def meanwhile(_: Any) -> bool:
        practice.world.wrong_database()
        return True

    run = await practice.walk(practice.operator({"confirm connectivity.records": [meanwhile]}))
    last = run.last("connectivity.records")
    assert last is not None
    assert "does not hold any more" in last.observed
    assert practice.done(SET) == []


async def test_between_two_records_the_layers_are_looked_at_again(practice: Practice) -> None:
    def after_the_first(operation: str, _: str) -> None:
        if operation == SET and not practice.done(SET):
            practice.world.seal()

    practice.world.watch(after_the_first)
    run = await practice.walk(practice.operator({"decide connectivity.records": [abort("it fell")]}))
    last = run.last("connectivity.records")
    assert last is not None
    assert last.observed.startswith("Encryption Vault does not hold any more: ")
    first, *closing = practice.done(SET)
    assert closing == [first], "the one that was set is set back by the closing"


async def test_a_firewall_that_is_switched_off_between_two_records_keeps_the_second(practice: Practice) -> None:
    def after_the_first(operation: str, _: str) -> None:
        if operation == SET and not practice.done(SET):
            practice.world.waf_off()

    practice.world.watch(after_the_first)
    run = await practice.walk()
    refused(run, because="the firewall is not on any more")
    assert len(set(practice.done(SET))) == 1


async def test_before_every_record_both_phases_are_read(tmp_path: Any) -> None:
    practice = Practice(tmp_path, hostnames=30)
    run = await practice.walk()
    assert run.outcome == "PASS"
    calls = [operation for operation, _ in practice.world.log]
    places = [place for place, operation in enumerate(calls) if operation == SET][:30]
    assert len(set(practice.done(SET)[:30])) == 30
    assert [calls[place - 2 : place] for place in places] == [["cloudflare:Rules"] * 2] * 30


@pytest.mark.parametrize("alive_again", [True, False])
async def test_a_layer_whose_last_heartbeat_found_it_down_keeps_every_record_as_it_was(
    practice: Practice, *, alive_again: bool
) -> None:
    recorder = practice.recorder()
    conductor = practice.conductor(recorder=recorder)

    def beat(said: Any) -> None:
        """A background heartbeat that comes just when the operator is asked."""
        if getattr(said, "kind", None) is Kind.ASKED and said.step == "connectivity.records":
            for alive in (False, True)[: 1 + alive_again]:
                verdict = "PASS" if alive else "FAIL"
                conductor._scribe.say(
                    Kind.HEARTBEAT, stage="vault", alive=alive, verdict=verdict, observed="sealed", source="test"
                )

    conductor.subscribe(beat)
    run = await conductor.declare(DECLARED)
    if alive_again:
        assert practice.done(SET) != []
        return
    refused(run, because="the last heartbeat of vault found it down, so no record is changed: sealed")
    assert practice.done(SET) == []


# -- what is changed ----------------------------------------------------------------------------------------------
async def test_the_preview_shows_each_record_as_a_difference(practice: Practice) -> None:
    right = practice.world.edge.zone_records[names.HOSTNAME]
    practice.world.edge.zone_records[names.HOSTNAME] = replace(right, content=names.ORIGIN, proxied=True)
    preview = await records.show_records(at(practice).here)
    assert preview.what == "Route 1 of 2 public names to the restored application, behind the edge"
    (change,) = preview.changes
    assert change.name == "api.clinic.test"
    assert change.before == f"CNAME {names.OLD_ORIGIN}, NOT proxied"
    assert change.after == f"CNAME {names.ORIGIN}, proxied"
    zone = zone_of(practice).id
    assert preview.calls == (
        f"PATCH zones/{zone}/dns_records/{practice.world.edge.zone_records['api.clinic.test'].id}",
    )


async def test_records_that_are_right_already_are_left_alone(practice: Practice) -> None:
    for name, record in practice.world.edge.zone_records.items():
        practice.world.edge.zone_records[name] = replace(record, content=names.ORIGIN.upper() + ".", proxied=True)
    run = await practice.walk()
    last = run.last("connectivity.records")
    assert last is not None
    assert last.verdict == "PASS"
    assert "found so" in last.observed
    assert practice.done(SET) == []


@pytest.mark.parametrize("there", [0, 2])
async def test_a_name_without_its_one_record_is_told_and_nothing_is_set(
    practice: Practice, there: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = practice.world.edge.records

    async def some(zone: str, name: str) -> tuple[DnsRecord, ...]:
        found = await known(zone, name)
        return found * there if name == "api.clinic.test" else found

    monkeypatch.setattr(practice.world.edge, "records", some)
    run = await practice.walk()
    refused(run, because=f"1 of 2: api.clinic.test: api.clinic.test has {there or 'no'} records that route it")
    assert practice.done(SET) == []


async def test_what_else_stands_at_a_name_routes_nobody(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    known = practice.world.edge.records

    async def some(zone: str, name: str) -> tuple[DnsRecord, ...]:
        (record,) = await known(zone, name)
        return record, replace(record, id="txt", type="TXT", content="v=spf1 -all", proxied=False)

    monkeypatch.setattr(practice.world.edge, "records", some)
    assert (await practice.walk()).outcome == "PASS"


async def test_records_that_somebody_sets_back_are_told(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    async def in_vain(permit: Any, zone: str, record: DnsRecord) -> DnsRecord:
        return record

    monkeypatch.setattr(practice.world.edge, "set_record", in_vain)
    run = await practice.walk()
    refused(run, because="still not as set: app.clinic.test, api.clinic.test")


async def test_every_record_is_in_the_ledger_as_it_was_before_it_is_changed(practice: Practice) -> None:
    before = dict(practice.world.edge.zone_records)
    run = await practice.walk()
    kept = {entry.detail["name"]: entry for entry in run.ledger if entry.kind == dns_records.RECORD}
    assert set(kept) == set(before)
    for name, record in before.items():
        told = kept[name].detail
        assert (told["content"], told["proxied"], told["type"], told["ttl"]) == (
            record.content,
            record.proxied,
            record.type,
            record.ttl,
        )
    assert practice.world.edge.zone_records == before


async def test_thirty_names_are_one_preview_and_stay_readable(tmp_path: Any) -> None:
    practice = Practice(tmp_path, hostnames=30)
    operator, recorder = practice.operator(), practice.recorder()
    conductor = practice.conductor(operator, recorder)
    shown: list[str] = []
    conductor.subscribe(lambda said: shown.append(said.text) if isinstance(said, Progress) else None)
    run = await conductor.declare(DECLARED)
    assert run.outcome == "PASS"
    (ask,) = operator.questions("confirm connectivity.records")
    assert (len(ask.preview.changes), len(ask.preview.calls)) == (30, 30)
    results = [event for event in recorder.of(Kind.RESULT) if event.stage == "connectivity"]
    assert [event.step for event in results if len(event.data["observed"]) > 400] == []
    assert [text for text in shown if len(text) > 400] == []
    assert "app.clinic.test, api.clinic.test, name-03.clinic.test, name-04.clinic.test and 26 more" in (
        next(event.data["observed"] for event in results if event.step == "connectivity.records")
    )


# -- closed again -------------------------------------------------------------------------------------------------
def still_open(run: Run) -> list[str]:
    return [entry.id for entry in run.open_ledger if entry.kind == dns_records.RECORD]


async def test_after_a_failed_visit_the_doors_are_closed_again_and_the_run_goes_on(practice: Practice) -> None:
    before = dict(practice.world.edge.zone_records)
    practice.world.bad_certificate("expired")
    seen: list[Any] = []

    def closing(ask: Any) -> Decision:
        seen.append(ask)
        return CLOSE

    def again(_: Any) -> bool:
        assert practice.world.edge.zone_records == before, "closed before it is asked again"
        practice.world.web.certificate_guilt = None
        return True

    script: dict[str, list[Any]] = {
        "decide connectivity.https": [closing],
        "confirm connectivity.records": [True, again],
    }
    run = await practice.walk(practice.operator(script))
    (ask,) = seen
    assert ask.retreat == RETREAT
    assert Act.CLOSE in ask.options
    assert practice.done(SET).count(practice.done(SET)[0]) == 4  # opened, closed, opened, undone by the closing
    assert practice.world.edge.zone_records == before
    assert still_open(run) == []


async def test_after_a_failed_visit_the_doors_are_closed_again_and_the_run_is_aborted(practice: Practice) -> None:
    before = dict(practice.world.edge.zone_records)
    practice.world.http_redirect()

    def declined(_: Any) -> bool:
        assert practice.world.edge.zone_records == before
        return False

    script: dict[str, list[Any]] = {
        "decide connectivity.https": [CLOSE],
        "confirm connectivity.records": [True, declined],
        "decide connectivity.records": [abort("not today")],
    }
    run = await practice.walk(practice.operator(script))
    assert run.outcome == "FAIL"
    assert practice.world.edge.zone_records == before
    assert still_open(run) == []
    assert len(practice.done(SET)) == 4, "nothing is left for the closing to set"


async def test_the_doors_can_be_closed_at_the_checkpoint_and_before_it_nothing_is_offered(practice: Practice) -> None:
    before = dict(practice.world.edge.zone_records)
    offers: dict[str, str] = {}

    def gate(then: Decision) -> Any:
        def answer(ask: Gate) -> Decision:
            offers[ask.stage] = ask.retreat
            return then

        return answer

    def again(_: Any) -> bool:
        assert practice.world.edge.zone_records == before
        return True

    script = {
        "gate application": [gate(OPEN)],
        "gate connectivity": [gate(CLOSE), OPEN],
        "confirm connectivity.records": [True, again],
    }
    run = await practice.walk(practice.operator(script))
    assert offers == {"application": "", "connectivity": RETREAT}
    assert run.outcome == "PASS"
    assert practice.world.edge.zone_records == before
    assert still_open(run) == []


async def test_what_cannot_be_closed_stays_in_the_ledger_and_is_a_finding(practice: Practice) -> None:
    practice.world.bad_certificate("self-signed")

    def while_down(_: Any) -> Decision:
        practice.world.take_down("cloudflare")
        return CLOSE

    def back_again(_: Any) -> Decision:
        practice.world.bring_back("cloudflare")
        practice.world.web.certificate_guilt = None
        return RETRY

    script = {"decide connectivity.https": [while_down], "decide connectivity.records": [back_again]}
    run = await practice.walk(practice.operator(script))
    texts = [finding.text for finding in run.findings if finding.severity == "major"]
    assert [text for text in texts if text.startswith(f"{RETREAT}: not done: ")]
    assert still_open(run) == [], "the closing tries again"


async def test_a_record_that_does_not_take_its_former_value_is_not_closed(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, entry = await opened(practice)
    known = practice.world.edge.set_record

    async def stubborn(permit: Any, zone: str, record: DnsRecord) -> DnsRecord:
        return replace(record, proxied=True)

    monkeypatch.setattr(practice.world.edge, "set_record", stubborn)
    assert (await doors.close_door(here, entry)).verdict == "FAIL"
    monkeypatch.setattr(practice.world.edge, "set_record", known)
    seen = await doors.close_door(here, entry)
    assert (seen.verdict, seen.observed) == ("PASS", f"app.clinic.test put back: CNAME {names.OLD_ORIGIN}, NOT proxied")


async def opened(practice: Practice) -> tuple[Here, LedgerEntry]:
    """The first name opened by this run, and its entry in the ledger."""
    here = at(practice).here
    zone, was = zone_of(practice).id, practice.world.edge.record
    (route,) = [one for one in await records._all(here) if one.record == was]
    await records._set(here, route)
    assert practice.world.edge.proxied_to() == names.ORIGIN
    (entry,) = here.run.open_ledger
    assert entry.id == f"{zone}/{was.id}"
    return here, entry


async def test_a_door_that_has_its_former_record_already_is_closed_without_a_call(practice: Practice) -> None:
    was = practice.world.edge.record
    here, entry = await opened(practice)
    practice.world.edge.zone_records[names.HOSTNAME] = was
    assert (await doors.close_door(here, entry)).verdict == "PASS"
    assert len(practice.done(SET)) == 1


async def test_a_record_that_leads_elsewhere_meanwhile_is_left_as_it_is_and_told(practice: Practice) -> None:
    here, entry = await opened(practice)
    foreign = replace(practice.world.edge.record, type="A", content="203.0.113.9")
    practice.world.edge.zone_records[names.HOSTNAME] = foreign
    with pytest.raises(LayerFailed) as told:
        await doors.close_door(here, entry)
    assert "A 203.0.113.9, proxied" in told.value.sentence
    assert f"CNAME {names.OLD_ORIGIN}, NOT proxied" in told.value.sentence
    assert practice.world.edge.record == foreign


@pytest.mark.parametrize("proxied", [True, False])
async def test_a_record_that_still_leads_to_us_is_closed_whoever_changed_it(
    practice: Practice, *, proxied: bool
) -> None:
    here, entry = await opened(practice)
    changed = replace(practice.world.edge.record, content=names.ORIGIN.upper() + ".", proxied=proxied, ttl=60)
    practice.world.edge.zone_records[names.HOSTNAME] = changed
    assert (await doors.close_door(here, entry)).verdict == "PASS"
    assert practice.world.edge.record.content == names.OLD_ORIGIN


async def test_a_record_that_is_gone_is_told(practice: Practice) -> None:
    here, entry = await opened(practice)
    del practice.world.edge.zone_records[names.HOSTNAME]
    with pytest.raises(LayerFailed, match=r"the record of app\.clinic\.test that this run set is gone"):
        await doors.close_door(here, entry)


async def test_a_foreign_record_is_a_finding_of_the_retreat(practice: Practice) -> None:
    practice.world.bad_certificate("expired")

    def meanwhile(_: Any) -> Decision:
        record = practice.world.edge.zone_records["api.clinic.test"]
        practice.world.edge.zone_records["api.clinic.test"] = replace(record, type="A", content="203.0.113.9")
        return CLOSE

    script: dict[str, list[Any]] = {
        "decide connectivity.https": [meanwhile],
        "confirm connectivity.records": [True, False],
        "decide connectivity.records": [abort("enough")],
    }
    run = await practice.walk(practice.operator(script))
    assert [one for one in run.findings if "leads elsewhere" in one.text and "203.0.113.9" in one.text]
    assert practice.world.edge.record.content == names.OLD_ORIGIN
    assert practice.world.edge.zone_records["api.clinic.test"].content == "203.0.113.9"


# -- what was agreed to is what is done ---------------------------------------------------------------------------
async def test_a_record_that_changed_since_it_was_shown_is_not_touched_and_shown_again(practice: Practice) -> None:
    def meanwhile(_: Any) -> bool:
        record = practice.world.edge.zone_records["api.clinic.test"]
        practice.world.edge.zone_records["api.clinic.test"] = replace(record, type="A", content="203.0.113.9")
        return True

    def look(ask: Any) -> Decision:
        assert ask.verdict == "INCONCLUSIVE"
        assert "changed since it was shown" in ask.observed
        assert practice.done(SET) == []
        return RETRY

    operator = practice.operator({"confirm connectivity.records": [meanwhile], "decide connectivity.records": [look]})
    run = await practice.walk(operator)
    first, second = operator.questions("confirm connectivity.records")
    assert first.preview != second.preview
    assert "A 203.0.113.9, NOT proxied" in [change.before for change in second.preview.changes]
    assert run.outcome == "PASS"


async def test_a_record_that_somebody_changes_between_two_is_not_touched(practice: Practice) -> None:
    def after_the_first(operation: str, _: str) -> None:
        if operation == SET and not practice.done(SET):
            record = practice.world.edge.zone_records["api.clinic.test"]
            practice.world.edge.zone_records["api.clinic.test"] = replace(record, content="elsewhere.test")

    practice.world.watch(after_the_first)
    run = await practice.walk()
    last = run.last("connectivity.records")
    assert last is not None
    assert (last.verdict, "api.clinic.test changed since it was shown" in last.observed) == ("INCONCLUSIVE", True)
    assert practice.world.edge.zone_records["api.clinic.test"].content == "elsewhere.test"


async def test_after_the_doors_were_closed_the_next_preview_begins_with_that(practice: Practice) -> None:
    practice.world.bad_certificate("expired")

    def again(_: Any) -> bool:
        practice.world.web.certificate_guilt = None
        return True

    script: dict[str, list[Any]] = {
        "decide connectivity.https": [CLOSE],
        "confirm connectivity.records": [True, again],
    }
    operator = practice.operator(script)
    await practice.walk(operator)
    first, second = operator.questions("confirm connectivity.records")
    assert first.preview.what.startswith("Route 2 of 2")
    assert second.preview.what.startswith("The doors were closed again at 10:")
    assert " UTC, after connectivity.https (2 of 2: app.clinic.test: The certificate" in second.preview.what
    assert second.preview.what.endswith("). Route 2 of 2 public names to the restored application, behind the edge")


# -- how records are compared -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:DB8::0001", "2001:db8::1"), ("P01.Code.test.", "p01.code.test"), ("192.0.2.1", "192.0.2.1")],
)
def test_one_place_written_in_two_ways_is_no_difference(one: str, other: str) -> None:
    record = DnsRecord("id", "app.clinic.test", "AAAA", one, proxied=True, ttl=1)
    assert dns_records.said(record) == dns_records.said(replace(record, content=other))
