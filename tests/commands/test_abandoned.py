"""A run that the next command ends: it ends where it was worked at, and its times say who had them."""

from __future__ import annotations

import json
from pathlib import Path

from runbook.commands import abandoned
from runbook.commands.places import JOURNAL, Home
from runbook.engine.events import Kind
from runbook.records.journal import read
from tests.records.story import DECLARED, PROCEDURE, RUN_ID, FakeClock, Teller, journal

NIGHT = 8 * 3600


def test_a_run_that_was_left_at_a_question_ends_in_that_stage_and_the_night_since_is_nobodys(tmp_path: Path) -> None:
    home, clock = Home(tmp_path / "home"), FakeClock()
    folder = home.folder(RUN_ID)
    teller = Teller(journal(folder, clock), clock)
    teller.say(Kind.DECLARED, **DECLARED)
    teller.stage(PROCEDURE.stages[0])
    teller.say(Kind.STARTED, stage="vault")
    teller.say(Kind.ASKED, stage="vault", step="vault.backup", question="confirm", text="")
    clock.pass_by(1799)
    teller.say(Kind.HEARTBEAT, stage="identity", alive=True, verdict="PASS", observed="", source="")
    clock.pass_by(NIGHT - 1)
    teller.recorder.close()  # type: ignore[attr-defined]  # a Journal

    abandoned.end_all(home, clock)

    (aborted,) = (each for each in read(folder / JOURNAL) if each.data.get("decision") == "aborted")
    assert aborted.stage == "vault"
    vault = json.loads((folder / "run.json").read_bytes())["stages"][1]
    assert (vault["machine_s"], vault["human_s"], vault["waiting_s"]) == (1, 1800, NIGHT)
