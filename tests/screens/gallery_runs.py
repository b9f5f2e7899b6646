"""The faces of the run's own screen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from runbook.engine.events import Kind
from runbook.engine.forecast import Forecast
from runbook.engine.ports import Operator
from runbook.engine.verdict import Verdict
from runbook.views import Banner, Ending
from screens.run.screen import RunScreen
from tests.screens.fake import FakeSession
from tests.screens.gallery import Shot, running

GIB = 2**30
TARGETS = {"rto_s": 3600, "rpo_s": 86400}
BUDGETS = {"identity": 300.0, "vault": 900.0, "database": 1800.0, "application": 600.0, "connectivity": 300.0}
EARLIER = Forecast(
    steps={"database.content": 420.0, "vault.restore": 60.0, "database.restore": 900.0},
    stages={"identity": 120.0, "vault": 480.0, "database": 1500.0, "application": 420.0, "connectivity": 180.0},
    runs=3,
)
CONTENT = "comparing public.appointments, 12 of 500 tables, 5,120 of 12,288 MiB at 320.0 MiB/s"
DRILL = Banner("DRILL", "Sampleclinic staging, account 222222222222", "providers: LOOPBACK")
RECOVERY = Banner("RECOVERY", "Sampleclinic production, account 111111111111 in eu-west-2")


def later(session: FakeSession, seconds: float) -> None:
    """That much time goes by."""
    session.at += timedelta(seconds=seconds)


def begun(session: FakeSession) -> None:
    """The first step of the first stage."""
    session.say(Kind.STARTED, "identity")
    session.say(Kind.STARTED, "identity", "identity.tool", attempt=1)


def done(session: FakeSession, *stages: str, took: float = 200.0) -> None:
    """Those stages, each opened."""
    for stage in stages:
        session.say(Kind.STARTED, stage)
        for step in session.procedure.stage(stage).steps:
            later(session, took / len(session.procedure.stage(stage).steps))
            session.result(step.id)
        session.opened(stage)


def comparing(session: FakeSession, after: float = 0.0) -> None:
    """In the third stage, at the step that takes longest."""
    done(session, "identity", "vault")
    session.say(Kind.STARTED, "database")
    session.result("database.snapshots", observed="rds:prod-2026-11-23-02-05, 55 min old, encrypted by AES-256")
    session.result("database.restore", observed="rt-1 is available, 20 GiB, in eu-west-2b")
    session.say(Kind.STARTED, "database", "database.content", attempt=1)
    later(session, after)
    session.progress("database.content", 5 * GIB, 12 * GIB, CONTENT)


def waiting(session: FakeSession) -> None:
    """Somebody is asked, who is not there yet."""
    done(session, "identity")
    session.say(Kind.STARTED, "vault")
    session.result("vault.backup")
    session.result("vault.restore")
    session.say(Kind.STARTED, "vault", "vault.unseal", attempt=1)
    session.say(Kind.ASKED, "vault", "vault.unseal", question="secret", text="The next share")
    later(session, 240)


def fallen(session: FakeSession) -> None:
    """The vault sealed itself while the database is looked at."""
    comparing(session)
    session.say(Kind.HEARTBEAT, "vault", alive=False, verdict="FAIL", observed="HTTP 503, sealed", source="heartbeat")


def every_mark(session: FakeSession) -> None:
    """A stage in which each step is in another state."""
    done(session, "identity")
    session.say(Kind.STARTED, "vault")
    session.result("vault.backup", Verdict.ATTESTED, "as stated by the operator", reason="S3 is down")
    session.result("vault.restore", Verdict.FAIL, "3 of 1,204 rows are lost")
    session.say(
        Kind.EXCEPTION,
        "vault",
        "vault.restore",
        accepted=True,
        what="vault.restore",
        who="Pat",
        second="Sam",
        why="lost",
    )
    session.result("vault.unseal", Verdict.NOT_NEEDED, "unsealed already")
    session.result("vault.health", Verdict.INCONCLUSIVE, "no answer within 10 s")
    session.say(Kind.FINDING, text="the runbook's contact list names somebody who left", severity="minor")


def signed_in(session: FakeSession, mfa: str) -> None:
    """What is known of the second factor."""
    begun(session)
    who = {"account": "222222222222", "arn": "arn:aws:iam::222222222222:user/cto", "mfa": mfa}
    session.result("identity.aws-account", facts={"SignedInAs": who})


def back_again(session: FakeSession) -> None:
    """After the way back: what was done is to be done again; and this machine was asleep."""
    comparing(session)
    session.result("database.content", Verdict.FAIL, "12 rows are missing")
    void = [step.id for step in session.procedure.stage("vault").steps] + ["database.snapshots", "database.content"]
    session.say(
        Kind.CHECKPOINT, "database", decision="back", to="vault", reason="older backup", void=void, stages=["vault"]
    )
    session.say(Kind.HEARTBEAT, pause="suspended", seconds=840, observed="this machine was suspended for 0:14:00")


@dataclass
class GettingReady(FakeSession):
    """Nothing is declared yet: the practice estate is being started."""

    async def walk(self, operator: Operator | None) -> Ending:
        self.progress("estate", 0, 0, "PostgreSQL of production is starting")
        await asyncio.Event().wait()
        return self.ending


@dataclass
class Followed(FakeSession):
    """A run that somebody else walks, until its end where it `ended`."""

    ended: bool = False

    async def walk(self, operator: Operator | None) -> Ending:
        self.say(Kind.DECLARED, run_id="drill-20261123T030000Z-0001", mode="drill")
        waiting(self)
        if self.ended:
            self.say(Kind.ENDED, outcome="ABORTED")
        await asyncio.Event().wait()
        return self.ending


async def _nothing(_: FakeSession, __: Operator) -> None: ...


RUNS: tuple[Shot, ...] = (
    Shot("run-getting-ready", RunScreen, straight=lambda: GettingReady(_nothing)),
    running("run-early", begun),
    running("run-first-time", begun, targets=TARGETS, budgets=BUDGETS),
    running("run-progress", comparing, targets=TARGETS, budgets=BUDGETS, forecast=EARLIER),
    running("run-drill", comparing, banner=DRILL, targets=TARGETS, budgets=BUDGETS, forecast=EARLIER),
    running("run-recovery", waiting, banner=RECOVERY, targets=TARGETS, budgets=BUDGETS, forecast=EARLIER),
    running("run-over-target", partial(comparing, after=3900), targets=TARGETS, budgets=BUDGETS, forecast=EARLIER),
    running("run-layer-fallen", fallen, targets=TARGETS, budgets=BUDGETS, forecast=EARLIER),
    running("run-every-mark", every_mark, targets=TARGETS),
    running("run-back-again", back_again),
    running("run-mfa", partial(signed_in, mfa="PROVEN")),
    running("run-mfa-attested", partial(signed_in, mfa="ATTESTED")),
    running("run-no-mfa", partial(signed_in, mfa="NO")),
    Shot("run-watching", RunScreen, straight=lambda: Followed(_nothing, banner=DRILL), watching=True),
    Shot("run-over", RunScreen, straight=lambda: Followed(_nothing, banner=DRILL, ended=True), watching=True),
)
