"""The seconds of a run, whatever happens in it: none counted twice, none lost, the same in the record and on screen."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.engine.events import Kind
from runbook.engine.standing import shares, taken_s
from runbook.records.evidence import figures
from tests.engine.told import Told
from tests.records.story import PROCEDURE, T0

STAGES = [stage.id for stage in PROCEDURE.stages]
MICROSECOND = timedelta(microseconds=1)
A_WHILE = st.integers(0, 4_000_000_000)  # microseconds


class Counted(Told):
    """Counts for itself, in microseconds, what is told."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[tuple[str, str]] = Counter()  # by stage and by whose time it was
        self.stage_now = ""

    def wait(self, microseconds: int, whose: str = "") -> None:
        self.at += microseconds * MICROSECOND
        self.counted[self.stage_now, whose or ("people" if self.run.questions else "machines")] += microseconds

    def by_stage(self, stage: str) -> int:
        return sum(each for (where, _), each in self.counted.items() if where == stage)

    def by_whom(self, whose: str) -> int:
        return sum(each for (_, who), each in self.counted.items() if who == whose)

    # -- what may happen ----------------------------------------------------------------------------------------------
    def enter(self, number: int, _: int) -> None:
        self.stage_now = STAGES[number]
        self.say(Kind.STARTED, self.stage_now)

    def open(self, _: int, __: int) -> None:
        if self.stage_now:
            self.say(Kind.CHECKPOINT, self.stage_now, decision="opened", by="")
        self.stage_now = ""

    def back(self, number: int, _: int) -> None:
        if self.stage_now:
            shut = STAGES[number:]
            self.say(Kind.CHECKPOINT, self.stage_now, decision="back", to=STAGES[number], void=[], stages=shut)

    def ask(self, number: int, _: int) -> None:
        self.say(Kind.ASKED, STAGES[number], question="confirm", text="")

    def answer(self, number: int, _: int) -> None:
        self.say(Kind.ANSWERED, STAGES[number], answer="yes", by="", reason="")

    def beat(self, number: int, _: int) -> None:
        self.say(Kind.HEARTBEAT, STAGES[number], alive=True, verdict="PASS", observed="", source="")

    def crash(self, _: int, microseconds: int) -> None:
        self.say(Kind.HEARTBEAT, STAGES[0], alive=True, verdict="PASS", observed="", source="")
        self.wait(microseconds, "nobody")
        self.say(Kind.RESUMED, by="")

    def pause(self, number: int, microseconds: int) -> None:
        seconds = microseconds // 1_000_000
        self.wait(seconds * 1_000_000, "nobody")
        kind = ("suspended", "stopped")[number % 2]
        self.say(Kind.HEARTBEAT, alive=True, verdict="PASS", observed="", pause=kind, seconds=seconds)

    def abort(self, _: int, __: int) -> None:
        if self.stage_now:
            self.say(Kind.CHECKPOINT, self.stage_now, decision="aborted", reason="", by="")
        self.stage_now = ""


HAPPENS = st.sampled_from(
    [
        Counted.enter,
        Counted.open,
        Counted.back,
        Counted.ask,
        Counted.answer,
        Counted.beat,
        Counted.crash,
        Counted.pause,
        Counted.abort,
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(HAPPENS, st.integers(0, 4), A_WHILE, A_WHILE), max_size=25), A_WHILE)
def test_no_second_is_counted_twice_or_lost(happened: list[tuple[object, int, int, int]], later: int) -> None:
    told = Counted()
    for happens, number, lasting, between in happened:
        happens(told, number, lasting)  # type: ignore[operator]  # one of the methods above
        told.wait(between)
        told.beat(0, 0)
        as_counted(told)
    in_the_record(told)
    told.wait(later)
    as_counted(told)


def as_counted(told: Counted) -> None:
    """Now, whether something was heard since or not."""
    spent = shares(told.run, told.at)
    assert spent.whole == (told.at - T0).total_seconds()
    whose = {"people": spent.people, "nobody": spent.nobody, "machines": spent.machines}
    assert whose == {name: told.by_whom(name) / 1e6 for name in whose}
    taken = {stage: taken_s(told.run, PROCEDURE.stage(stage), told.at) for stage in STAGES}
    assert {stage: took or 0 for stage, took in taken.items()} == {
        stage: told.by_stage(stage) / 1e6 for stage in STAGES
    }


def in_the_record(told: Counted) -> None:
    """At the last that was heard, in whole seconds."""
    stages = figures.stages(told.run, PROCEDURE)
    for each in stages:
        assert each["machine_s"] + each["human_s"] + each["waiting_s"] == each["seconds"]
        assert min(each["machine_s"], each["human_s"], each["waiting_s"]) >= 0
        assert each["seconds"] == int(taken_s(told.run, PROCEDURE.stage(each["id"]), told.at) or 0)
    assert sum(each["seconds"] for each in stages) <= int(shares(told.run, told.at).whole)


def test_five_stages_of_less_than_a_second_make_no_five_seconds() -> None:
    """Each rounded up they would take longer than the run, which the log's rules compare."""
    told = Told()
    for stage in STAGES:
        told.stage(stage, 0.6)
    assert sum(each["seconds"] for each in figures.stages(told.run, PROCEDURE)) == 0


def test_a_stage_that_was_gone_back_from_and_never_again_begun_was_left_then() -> None:
    told = Counted()
    told.enter(0, 0)
    told.later(60)
    told.back(0, 0)
    told.enter(0, 0)
    told.later(30)
    told.abort(0, 0)
    told.later(3600)
    told.beat(0, 0)
    (identity, vault, *_) = figures.stages(told.run, PROCEDURE)
    assert (identity["seconds"], identity["left_at"]) == (90, "2027-01-15T10:01:30.000000Z")
    assert (vault["seconds"], vault["entered_at"], vault["left_at"]) == (0, None, None)
