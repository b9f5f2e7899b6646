"""This machine's clock is wrong, or is set in mid-run: the providers' clocks decide, and the record says so."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.events import Event, Kind, Said
from runbook.engine.run import Run
from tests.support import training_run
from tests.support.clock import FakeClock
from tests.support.crashing import STAGES, Crashing
from tests.support.operator import OPEN, RETRY, ScriptedOperator

DAY_S = 86_400.0
SHUT_S = 2_400


class Skewed(FakeClock):
    """A machine's clock beside the world's: as fast, and `skew_s` seconds ahead; what counts boot time is right."""

    def __init__(self, world: FakeClock) -> None:
        super().__init__()
        self._world = world
        self.skew_s = 0.0

    def now(self) -> datetime:
        return self._world.now() + timedelta(seconds=self.skew_s)

    def monotonic_ns(self) -> int:
        return self._world.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        await self._world.sleep(seconds)


class Machine(Crashing):
    """A drill whose machine reads another clock than its providers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.machine = Skewed(self.clock)
        self.clock = self.machine

    def set_clock(self, ahead_s: float) -> None:
        """This many seconds ahead of the providers from now on."""
        self.machine.skew_s = self.world.account.offset = ahead_s

    async def drill(self, operator: ScriptedOperator | None = None) -> Run:
        """To its end."""
        self.disk = self.recorder()
        return await self.conductor(operator, self.disk).declare(self.declared)


@pytest.mark.parametrize("ahead_s", [-DAY_S, -300.0, 300.0, DAY_S])
async def test_a_clock_that_is_off_fails_stage_1_before_anything_is_done(tmp_path: Path, ahead_s: float) -> None:
    practice = Machine(tmp_path)
    practice.set_clock(ahead_s)
    run = await practice.drill()
    clock = run.last("identity.clock")
    assert clock is not None
    assert (clock.verdict, clock.fix) == ("FAIL", "Set this machine's clock (turn on network time), then try again.")
    assert f"{abs(ahead_s):.1f} s {'ahead of' if ahead_s > 0 else 'behind'} the provider" in clock.observed
    assert (run.outcome, run.opened, practice.world.calls) == ("FAIL", (), [])
    assert f"{abs(ahead_s):.1f} s" in _last(practice, "identity.clock")  # of run.json


@pytest.mark.parametrize("ahead_s", [-DAY_S, DAY_S])
async def test_once_the_clock_is_set_the_same_run_goes_on(tmp_path: Path, ahead_s: float) -> None:
    practice = Machine(tmp_path)
    practice.set_clock(ahead_s)

    def put_right(_: Any) -> Any:
        practice.set_clock(0.0)
        return RETRY

    run = await practice.drill(practice.operator({"decide identity.clock": [put_right]}))
    assert practice.disk.verdicts("identity.clock") == ["FAIL", "PASS"]
    assert run.opened == STAGES
    assert [finding.text[:23] for finding in run.findings] == ["this machine's clock is"]  # that it was so stays said


@pytest.mark.parametrize("ahead_s", [-50.0, 50.0])
async def test_ages_and_lost_time_are_by_the_providers_clock_whatever_ours_says(tmp_path: Path, ahead_s: float) -> None:
    """Off, and still near enough to go on: a finding, and no age and no RPO of the record moves with it."""
    right, off = Machine(tmp_path / "right"), Machine(tmp_path / "off")
    off.set_clock(ahead_s)
    assert (await right.drill()).outcome == "PASS"
    run = await off.drill()
    assert run.outcome == "PASS_WITH_ISSUES"
    assert [finding.text for finding in run.findings] == [
        f"this machine's clock is 50 s {'ahead' if ahead_s > 0 else 'behind'}"
    ]
    for step in ("vault.backup", "vault.choose", "database.snapshots", "database.choose"):
        assert run.last(step).observed == _last(right, step)  # type: ignore[union-attr]  # every step has one
    assert off.document()["rpo"]["actual_s"] == pytest.approx(right.document()["rpo"]["actual_s"], abs=1)
    assert off.document()["clock_offset_ms"] == ahead_s * 1000


def _last(practice: Crashing, step: str) -> str:
    return str(training_run.last(practice.document(), step)["observed"])


@pytest.mark.parametrize("ahead_s", [-DAY_S, DAY_S])
async def test_a_clock_that_is_set_wrong_in_mid_run_keeps_the_next_checkpoint_shut(
    tmp_path: Path, ahead_s: float
) -> None:
    practice = Machine(tmp_path)

    def set_wrong(_: Any) -> Any:
        practice.set_clock(ahead_s)
        return OPEN

    def put_right(ask: Any) -> Any:
        assert f"this machine's clock is 86,400 s {'ahead' if ahead_s > 0 else 'behind'}: set it" in ask.refusal
        practice.set_clock(0.0)
        return OPEN

    run = await practice.drill(practice.operator({"gate vault": [set_wrong, lambda _: RETRY, put_right]}))
    assert [sentence[:33] for sentence in run.refusals][:1] == ["stage 1 (Identity & Access) fell:"], run.refusals
    assert run.outcome == "PASS"


async def test_an_age_that_is_negative_is_refused(tmp_path: Path) -> None:
    """Set back by a day just after checkpoint 2: a snapshot of the future can only be a wrong clock."""
    practice = Machine(tmp_path)

    def set_back(said: Said) -> None:
        if isinstance(said, Event) and said.kind is Kind.CHECKPOINT and said.stage == "vault":
            practice.set_clock(-DAY_S)

    practice.disk = practice.recorder()
    conductor = practice.conductor(recorder=practice.disk)
    conductor.subscribe(set_back)
    run = await conductor.declare(practice.declared)
    snapshots = run.last("database.snapshots")
    assert snapshots is not None
    assert snapshots.verdict == "FAIL"
    assert "in the future" in snapshots.observed
    assert "this clock is wrong" in snapshots.fix
    assert practice.done("rds:RestoreDBInstanceFromDBSnapshot") == []
    assert run.outcome == "FAIL"


async def test_a_laptop_that_was_shut_in_the_middle_of_the_restore_counts_that_time(tmp_path: Path) -> None:
    """Forty minutes: recovery time has them, the record says so, and every open layer is looked at again at once."""
    practice = Crashing(tmp_path)

    def shut(_: Any) -> bool:
        practice.clock.suspend(SHUT_S)
        return True

    practice.disk = practice.recorder()
    operator = practice.operator({"confirm database.restore": [shut]})
    run = await practice.conductor(operator, practice.disk, tick_s=1.0).declare(practice.declared)
    document = practice.document()
    assert run.outcome == "PASS"
    assert [(pause["pause"], pause["seconds"]) for pause in document["pauses"]] == [("suspended", SHUT_S)]
    assert document["rto"]["actual_s"] > SHUT_S
    said = next(event for event in practice.disk.events if event.data.get("pause"))
    after = [event for event in practice.disk.events[said.seq :] if event.kind is Kind.HEARTBEAT][:2]
    assert [event.stage for event in after] == ["identity", "vault"]
