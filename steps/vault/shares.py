"""Entering unseal shares: local checks before one is sent, a wrong set said plainly, labels kept and shares never.

Others may enter theirs meanwhile, from their own machines: the server counts, and is watched while one is asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict, RunbookError
from runbook.engine.ports import AskSecret, Secret, SecretAnswer
from runbook.engine.verdict import Finding
from runbook.estate.ports import SealStatus, WrongShares
from runbook.estate.share_text import share_bytes
from steps.here import Here

ELSEWHERE: Final = "entered elsewhere"
WATCH_S: Final = 1.0
REMEMBERED: Final = 4  # runs over which it is shown whose shares were used
_SHARE_BYTES: Final = 33  # 32 bytes of the key and one x byte; with a single share the key itself, 32 bytes


@dataclass
class Entry:
    """One set being entered: whose shares went in here, and how many the server counts in all."""

    labels: list[str] = field(default_factory=list)
    xs: set[int] = field(default_factory=set)
    counted: int = 0  # by the server, ours among them
    nonce: str = ""
    note: str = ""
    refused: bool = False  # a complete set was refused in this attempt

    def start_again(self, note: str) -> None:
        """The whole set was thrown away."""
        self.labels.clear()
        self.xs.clear()
        self.counted, self.nonce, self.note = 0, "", note

    def take(self, share: Secret, label: str) -> None:
        """It went in."""
        raw = decoded(share)
        self.labels.append(label)
        self.xs.update(raw[-1:] if raw else b"")

    def elsewhere(self, total: int) -> int:
        """How many of `total` did not come from here."""
        return max(total - len(self.labels), 0)

    def used(self, total: int) -> tuple[str, ...]:
        """Whose shares those were; of the ones that came from elsewhere only that is known."""
        return (*self.labels, *(ELSEWHERE,) * self.elsewhere(total))


# -- what can be seen here ----------------------------------------------------------------------------------------
def decoded(share: Secret) -> bytes | None:
    """A share's bytes, from hex or base64; None when it is neither."""
    return share_bytes(share.reveal())


def fault_of(share: Secret, entry: Entry, shares: int) -> str | None:
    """What can be seen to be wrong with a share before it is sent, or None."""
    raw = decoded(share)
    length = _SHARE_BYTES if shares > 1 else _SHARE_BYTES - 1
    if raw is None:
        return "That is neither hex nor base64: a share has 66 hex digits or 44 base64 characters."
    if len(raw) != length:
        return f"That is {len(raw)} bytes long; a share of this vault has {length}. Was something cut off?"
    if shares > 1 and raw[-1] == 0:
        return "That is no share: its last byte, which numbers it, is zero. Was a character misread?"
    if shares > 1 and raw[-1] in entry.xs:
        return "That share is in already: the same one entered twice does not count."
    return None


def people(here: Here, entry: Entry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The custodians whose share is not in yet, and beside each when it was last seen to work."""
    labels = tuple(label for label in here.environment.vault.custodians if label not in entry.labels)
    return labels, tuple(_remark(here, label) for label in labels) if here.history else ()


def _remark(here: Here, label: str) -> str:
    recent = [run for run in here.history[:REMEMBERED] if run.share_labels]
    times = sum(label in run.share_labels for run in recent)
    last = next((run.ended for run in here.history if label in run.share_labels), None)
    if last is None:
        return "never used in a recorded run"
    return f"in {times} of the last {len(recent)} runs, last {last:%Y-%m-%d}"


def unproven(here: Here, used: tuple[str, ...]) -> tuple[Finding, ...]:
    """Custodians whose share nobody has seen working for a year, once the record is that old."""
    oldest = min((run.ended for run in here.history), default=here.now())
    limit = here.now() - here.policy.share_age_limit
    if oldest > limit:
        return ()
    recent = {label for run in here.history if run.ended >= limit for label in run.share_labels} | set(used)
    overdue = [label for label in here.environment.vault.custodians if label not in recent]
    return tuple(
        Finding(f"the share of {label} was not seen to work for 12 months: use it next time") for label in overdue
    )


# -- entering -----------------------------------------------------------------------------------------------------
async def enter_shares(here: Here, status: SealStatus) -> tuple[SealStatus, tuple[str, ...]]:
    """Ask for shares until the vault is open; answers the last status and whose shares opened it.

    NoVerdict when the operator stops for now; LayerFailed when no more can be had, or a whole set was refused.
    """
    entry = Entry(counted=status.progress, nonce=status.nonce)
    while status.sealed:
        answer = await _asked(here, status, entry)
        if answer is None:
            status = await here.estate.vault.seal_status()
        elif answer.secret is None:
            raise _stopped(status, entry, answer)
        else:
            status = await _submit(here, status, entry, answer.secret, answer.label)
    return status, entry.used(status.threshold)


async def _asked(here: Here, status: SealStatus, entry: Entry) -> SecretAnswer | None:
    """The operator's answer; None when what others did made the question void."""
    ask = asyncio.ensure_future(here.desk.operator.secret(_question(here, status, entry)))
    watch = asyncio.ensure_future(_until_void(here, entry))
    try:
        await asyncio.wait({ask, watch}, return_when=asyncio.FIRST_COMPLETED)
        return ask.result() if ask.done() else watch.result()
    finally:
        for task in (ask, watch):
            task.cancel()
        await asyncio.gather(ask, watch, return_exceptions=True)


def _question(here: Here, status: SealStatus, entry: Entry) -> AskSecret:
    labels, remarks = people(here, entry)
    return AskSecret(
        step=here.desk.step,
        prompt="An unseal share",
        labels=labels,
        remarks=remarks,
        entered=entry.counted,
        needed=status.threshold,
        note=entry.note,
        hint=f"{_begun_elsewhere(entry)}{_from_elsewhere(here, status)}",
    )


def _from_elsewhere(here: Here, status: SealStatus) -> str:
    """How a custodian enters theirs without reading it out to anybody."""
    tool = {"openbao": "bao", "vault": "vault"}[here.environment.vault.product]
    nonce = f", which must show nonce {status.nonce}" if status.nonce else ""
    return f"From a custodian's own machine: {tool} operator unseal -address={here.environment.vault.address}{nonce}"


async def _until_void(here: Here, entry: Entry) -> None:
    """Watch the server's count; returns when the vault is open, or a set was thrown away."""
    while True:
        await here.desk.clock.sleep(WATCH_S)
        with contextlib.suppress(RunbookError):  # it is asked again in a second; the operator goes on typing
            status = await here.estate.vault.seal_status()
            if not status.sealed or _thrown_away(status, entry):
                return
            _count(here, status, entry)


def _thrown_away(status: SealStatus, entry: Entry) -> bool:
    """Whether the set that shares had gone into is gone: reset, or completed and refused, by somebody else."""
    if not entry.counted or (status.progress >= entry.counted and status.nonce == entry.nonce):
        return False
    entry.start_again(
        "The set was thrown away from elsewhere (a wrong share there, or a reset): all shares are entered again."
    )
    entry.counted, entry.nonce = status.progress, status.nonce
    return True


def _count(here: Here, status: SealStatus, entry: Entry) -> None:
    """Tell, where it changed, how many are in."""
    changed, entry.counted, entry.nonce = status.progress != entry.counted, status.progress, status.nonce
    if changed:
        here.desk.progress(status.progress, status.threshold, _said(status, entry))


async def _submit(here: Here, status: SealStatus, entry: Entry, share: Secret, label: str) -> SealStatus:
    fault = fault_of(share, entry, status.shares)
    if fault is not None:
        entry.note = fault
        return status
    now = await here.estate.vault.seal_status()
    if not now.sealed:
        return now  # others finished it while this one was typed: it is not counted as used
    entry.counted, entry.nonce = now.progress, now.nonce
    permit = await here.desk.intend("vault:Unseal", here.environment.vault.address, label=label)
    try:
        after = await here.estate.vault.unseal(permit, share)
    except WrongShares as refused:
        return await _refused(here, status, entry, refused)
    if after.sealed and after.progress == entry.counted and after.nonce == entry.nonce:
        entry.note = "The server has that share already, entered elsewhere: another custodian's is needed."
        return after
    entry.take(share, label)
    entry.note = ""
    entry.counted, entry.nonce = after.progress if after.sealed else after.threshold, after.nonce
    here.desk.progress(entry.counted, after.threshold, _said(after, entry))
    return after


async def _refused(here: Here, status: SealStatus, entry: Entry, refused: WrongShares) -> SealStatus:
    entry.refused = True
    entry.start_again(f"Refused: {refused.sentence}. {refused.fix}")
    here.desk.progress(0, status.threshold, f"{entry.note} ({refused.text})")
    return await here.estate.vault.seal_status()


def _stopped(status: SealStatus, entry: Entry, answer: SecretAnswer) -> LayerFailed | NoVerdict:
    have = f"{entry.counted} of {status.threshold} are in"
    if entry.refused:
        return LayerFailed(
            f"a complete set of shares was refused and no other is at hand ({have})",
            fix="Another backup may be the one that these shares open (vault.choose); or find the shares of its time.",
            source="vault: PUT /v1/sys/unseal",
        )
    if answer.none_left:
        return LayerFailed(
            f"too few custodians: no more shares can be had, {have}",
            fix="Nothing opens this vault with fewer. Reach another custodian, then try again.",
            source="operator",
        )
    return NoVerdict(
        f"no more shares were entered: {have}", fix="Reach more custodians, then try again.", source="operator"
    )


def _said(status: SealStatus, entry: Entry) -> str:
    if not status.sealed:
        return "the vault is open"
    others = entry.elsewhere(status.progress)
    return f"{status.progress} of {status.threshold} shares are in" + (f", {others} {ELSEWHERE}" if others else "")


def _begun_elsewhere(entry: Entry) -> str:
    others = entry.elsewhere(entry.counted)
    return f"{others} {'was' if others == 1 else 'were'} {ELSEWHERE}. " if others else ""
