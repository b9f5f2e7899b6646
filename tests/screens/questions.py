"""One of each kind of question, as the conductor would ask it."""

from __future__ import annotations

from runbook.engine.ports import (
    Act,
    AskSecret,
    Attest,
    ByHand,
    Change,
    Choose,
    Confirm,
    Decide,
    Operator,
    Option,
    Preview,
    TypeName,
)
from runbook.engine.verdict import Verdict
from tests.screens.fake import FakeSession

CUSTODIANS = ("Ada Lovelace", "Grace Hopper", "Barbara Liskov")

CONFIRM = Confirm(
    "vault.restore",
    "Restore it into the target",
    Preview(
        "Replace the empty vault by the backup of 2026-11-22",
        "https://127.0.0.1:8200 (staging vault)",
        ("POST /v1/sys/storage/raft/snapshot-force", "GET /v1/sys/seal-status"),
        (Change("seal", "uninitialised", "sealed, 3 of 5 shares"),),
    ),
)
TYPE_NAME = TypeName("vault.restore", "production 4711")
CHOOSE = Choose(
    "database.restore",
    "Which recovery point?",
    ("snapshot", "age"),
    (
        Option("new", ("rds:prod-22", "1 h")),
        Option("made", ("rds:prod-21", "25 h"), unfit="still being made"),
        Option("old", ("rds:prod-20", "49 h")),
    ),
    "new",
)
ASK_SECRET = AskSecret("vault.unseal", "The next share", CUSTODIANS, 1, 3, "progress is back to 0")
ATTEST = Attest("identity.tool", "The contact list is at hand")
BY_HAND = ByHand("vault.restore", "Restart the vault", ("Press Restart", "Wait for Running"))


def decide(
    verdict: Verdict = Verdict.FAIL,
    options: tuple[Act, ...] = (Act.RETRY, Act.BACK, Act.ABORT),
    observed: str = "HTTP 503 from S3",
) -> Decide:
    return Decide(
        step="vault.backup",
        title="The newest backup is fresh",
        verdict=verdict,
        expected="a backup younger than 26 h",
        observed=observed,
        source="s3:ListObjectsV2",
        fix="Wait a minute and retry.",
        provider_text="SlowDown",
        why="Without it nothing can be decrypted.",
        manual="AWS console, S3",
        options=options,
        back_to=("identity", "vault"),
    )


async def everything(session: FakeSession, operator: Operator) -> None:
    """A walk that asks each kind of question once, and a checkpoint for each stage."""
    session.stage_done("identity")
    await session.ask(operator.attest(ATTEST))
    await session.ask(operator.gate(session.gate_of("identity")))
    session.opened("identity")
    session.stage_done("vault")
    await session.ask(operator.decide(decide()))
    await session.ask(operator.confirm(CONFIRM))
    await session.ask(operator.by_hand(BY_HAND))
    await session.ask(operator.secret(ASK_SECRET))
    await session.ask(operator.choose(CHOOSE))
    for stage in ("vault", "database", "application", "connectivity"):
        if stage != "vault":
            session.stage_done(stage)
        await session.ask(operator.gate(session.gate_of(stage)))
        session.opened(stage)
