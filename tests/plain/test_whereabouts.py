"""`where` says what the screens show all the time: what is new in a run's state has to find its place in this table."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.events import Kind
from runbook.engine.forecast import Forecast
from runbook.engine.objectives import RECOVERY
from runbook.engine.run import Run
from runbook.plain.whereabouts import whereabouts
from runbook.views import Session
from tests.plain.walking import FORECAST, STAGES, a_session, result
from tests.screens.fake import NOW, FakeSession

SCREENS = Path(__file__).parents[2] / "screens"
HOUR = 3600

SAID: dict[str, tuple[str, ...]] = {
    "Session.banner": ("TRAINING: practice estate on 127.0.0.1, scenario calm",),
    "Session.procedure": ("Stage 5, Connectivity: to come", "Closing: to come"),
    "Session.targets": ("target 4 hours", "target 1 hour"),
    "Session.forecast": ("by 3 earlier runs about", "Core Database: to come; 0 of 3 steps hold; usually 10 minutes."),
    "Session.budgets": ("of 10 minutes", "Connectivity: to come; 0 of 3 steps hold; budget 5 minutes."),
    "Run.started_at": ("since T0",),
    "Run.attempts": ("3 of 3 steps hold", "1 of 4 steps hold"),
    "Run.opened": ("Identity & Access: passed",),
    "Run.entered": ("Encryption Vault: under way",),
    "Run.pulses": ("layer alive, seen",),
    "Run.pauses": ("Pauses: 1.", "Pause, suspended, 40 minutes: this machine was suspended for 2,400 s"),
    "Run.ledger": (
        "Made by this run: 3.",
        "Made, undone: archive.snap (file:archive)",
        "Made, kept: rt-1 (rds:instance)",
        "Made, there: v-1 (vault:data)",
    ),
    "Run.findings": ("Findings: 1.", "Finding, minor: the backup is 30 h old"),
    "Run.times": ("Waited for people", "interrupted"),
    "SignedInAs": ("Second factor (MFA): proven.",),
    "DataUntil": ("Data loss (RPO): 20 minutes",),
    "ClockOffset": ("Data loss (RPO): 20 minutes 30 seconds before T0; target 1 hour; met.",),
}
UNSAID = {
    **dict.fromkeys((f"Session.{name}" for name in ("now", "run", "subscribe", "walk", "note")), "how it is had"),
    "Session.phone": "offered at a share",
    "Session.refusal": "at its checkpoint",
    "Run.id": "in the first line of the run",
    "Run.declared": "the banner says it",
    "Run.begun": "nothing is at work while a question waits; else GOING ON says it",
    "Run.intents": "said as CALLING",
    "Run.announced": "said as CALLING",
    "Run.refusals": "said at its checkpoint",
    "Run.exceptions": "said when they are made",
    "Run.accepted": "the stage's state says it",
    "Run.questions": "what waits is handed in",
    "Run.resumes": "said when it is resumed",
    "Run.stopped": "said at the question about it",
    "Run.aborted": "said when it is",
    "Run.outcome": "then nothing is asked any more",
    **dict.fromkeys(("Run.last_fall", "Run.last_at", "Run.last_stage", "Run.last_seq"), "for the engine"),
}


async def unwalked(_: Any, __: Any) -> None:
    """Only its state is looked at."""


def declared(*, mode: str = "training", incident_at: str = "", **more: Any) -> FakeSession:
    session = a_session(unwalked, **more)
    session.say(Kind.DECLARED, run_id="run-1", mode=mode, incident_at=incident_at)
    return session


def everything() -> FakeSession:
    """A run in which there is something to say of each."""
    budgets = {"vault": 600.0, "connectivity": 300.0}
    session = declared(targets={"rto_s": 4 * HOUR, "rpo_s": HOUR}, budgets=budgets)
    session.stage_done("identity")
    facts = {"SignedInAs": {"mfa": "PROVEN"}, "ClockOffset": {"ms": -30_000}}
    result(session, "identity.aws-account", "PASS", facts=facts)
    session.opened("identity")
    session.say(Kind.STARTED, "vault")
    result(session, "vault.backup", "PASS", facts={"DataUntil": {"at": _before_t0(minutes=20)}})
    for kind, name in (("file:archive", "archive.snap"), ("rds:instance", "rt-1"), ("vault:data", "v-1")):
        made = {"kind": kind, "id": name}
        session.say(Kind.INTENT, "vault", "vault.restore", operation="x", target=name, creates=made)
    session.say(Kind.CLEANUP, "vault", kind="file:archive", id="archive.snap", gone=True, observed="gone")
    session.say(Kind.CLEANUP, "vault", kind="rds:instance", id="rt-1", gone=False, kept=True, observed="there")
    told = {"alive": True, "observed": "this machine was suspended for 2,400 s", "pause": "suspended", "seconds": 2400}
    session.say(Kind.HEARTBEAT, None, **told)
    session.say(Kind.FINDING, "vault", text="the backup is 30 h old", severity="minor")
    session.say(Kind.ASKED, "vault", question="confirm", text="?")
    session.at += timedelta(minutes=10)
    session.say(Kind.ANSWERED, "vault", answer="yes", by="Robin")
    session.at += timedelta(minutes=20)
    session.say(Kind.RESUMED, None, by="Robin", gap_s=1200)
    return session


def _before_t0(**ago: float) -> str:
    return (NOW + timedelta(seconds=1) - timedelta(**ago)).isoformat()


def where(session: FakeSession) -> str:
    return "\n".join(whereabouts(session, "may it be done"))


def facts_of_the_screens() -> set[str]:
    """The facts that they ask a run for by name, and those that their clocks rest on."""
    texts = (path.read_text(encoding="utf-8") for path in SCREENS.rglob("*.py"))
    asked = {name for text in texts for name in re.findall(r"known\(\w+, \"(\w+)\"\)", text)}
    return {*asked, "DataUntil", "ClockOffset"}


def test_all_of_a_runs_state_has_its_place_here() -> None:
    state = {f"Run.{field.name}" for field in dataclasses.fields(Run)}
    session = {f"Session.{name}" for name in dir(Session) if not name.startswith("_")}
    assert state | session | facts_of_the_screens() == set(SAID) | set(UNSAID)


@pytest.mark.parametrize("what", SAID)
def test_what_the_screens_show_all_the_time_is_said(what: str) -> None:
    said = where(everything())
    assert [text for text in SAID[what] if text not in said] == [], said


def test_what_waits_stands_last() -> None:
    assert where(everything()).endswith("\nNot answered yet: may it be done")


def test_of_what_is_not_there_that_is_said() -> None:
    said = where(declared())
    for line in ("Pauses: none.", "Findings: none.", "Made by this run: nothing so far.", "(MFA): not known yet."):
        assert f"{line}\n" in said
    assert "Data loss (RPO): not known yet; no target set.\n" in said


@pytest.mark.parametrize(("mfa", "word"), [("ATTESTED", "attested, not proven"), ("NO", "NONE")])
def test_a_second_factor_that_was_not_proven_is_none_of_the_proven(mfa: str, word: str) -> None:
    session = everything()
    result(session, "identity.tool", "PASS", facts={"SignedInAs": {"mfa": mfa}})
    assert f"Second factor (MFA): {word}.\n" in where(session)


# -- the objectives ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("at", "rpo_s", "wanted"),
    [
        (_before_t0(hours=2), HOUR, "2 hours before T0; target 1 hour; MISSED."),
        (_before_t0(hours=2), None, "2 hours before T0; no target set."),
        (_before_t0(hours=-2), HOUR, "unknown, as the clocks disagree; target 1 hour."),
        ("yesterday", HOUR, "not known yet; target 1 hour."),
    ],
)
def test_what_is_lost_is_said_against_its_target(at: str, rpo_s: int | None, wanted: str) -> None:
    session = declared(targets={"rpo_s": rpo_s})
    result(session, "database.content", "PASS", facts={"DataUntil": {"at": at}})
    assert f"Data loss (RPO): {wanted}\n" in where(session)


def closing(target_s: int, **more: Any) -> FakeSession:
    """Every stage was open within a minute or so; the closing has taken three hours."""
    session = declared(targets={"rto_s": target_s}, **more)
    for stage in STAGES:
        session.stage_done(stage)
        session.opened(stage)
    session.say(Kind.STARTED, "closeout")
    session.at += timedelta(hours=3)
    return session


def test_the_recovery_clock_stops_with_the_last_stage_and_nothing_is_forecast_then() -> None:
    session = closing(HOUR)
    said = where(session)
    assert "to the last stage's end; target 1 hour; met.\n" in said
    assert "EXCEEDED" not in said
    assert "to go" not in said
    assert "forecast" not in said
    session.at += timedelta(hours=9)
    assert _recovery_time(where(session)) == _recovery_time(said)


def test_what_had_taken_too_long_by_then_is_exceeded() -> None:
    assert "; target 10 seconds; EXCEEDED.\n" in where(closing(10))


def test_a_recovery_counts_from_the_incident() -> None:
    said = where(closing(HOUR, mode=RECOVERY, incident_at=_before_t0(hours=2)))
    assert "2 hours" in _recovery_time(said)
    assert "since the incident to the last stage's end; target 1 hour; EXCEEDED." in said


def test_without_an_earlier_run_nothing_is_usual() -> None:
    session = everything()
    session.forecast = Forecast()
    said = where(session)
    assert "no forecast yet; target 4 hours.\n" in said
    assert "usually" not in said
    assert "Identity & Access: passed; 3 of 3 steps hold; took" in said
    assert "no budget is set" in said


def test_a_forecast_that_is_too_long_is_missed() -> None:
    session = everything()
    session.forecast = replace(FORECAST, stages=dict.fromkeys(STAGES, 4.0 * HOUR))
    assert "target 4 hours; it will be MISSED at this pace.\n" in where(session)


def _recovery_time(said: str) -> str:
    return next(line for line in said.splitlines() if line.startswith("Recovery time"))
