"""Entering unseal shares: local checks before one is sent, a wrong set said plainly, labels kept and shares never."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from runbook.engine.errors import NoVerdict
from runbook.engine.ports import AskSecret, Secret
from runbook.estate.ports import SealStatus, WrongShares
from steps.here import Here

_SHARE_BYTES = 33  # 32 bytes of the key and one x byte; with a single share the key itself, 32 bytes


@dataclass
class Entry:
    """One set being entered: whose shares are in, and their x bytes."""

    labels: list[str] = field(default_factory=list)
    xs: set[int] = field(default_factory=set)
    note: str = ""

    def start_again(self, note: str) -> None:
        """The server threw the whole set away."""
        self.labels.clear()
        self.xs.clear()
        self.note = note


def decoded(share: Secret) -> bytes | None:
    """A share's bytes, from hex or base64; None when it is neither."""
    text = share.reveal().strip()
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def fault_of(share: Secret, entry: Entry, shares: int) -> str | None:
    """What can be seen to be wrong with a share before it is sent, or None."""
    raw = decoded(share)
    length = _SHARE_BYTES if shares > 1 else _SHARE_BYTES - 1
    if raw is None:
        return "That is neither hex nor base64: a share has 66 hex digits or 44 base64 characters."
    if len(raw) != length:
        return f"That is {len(raw)} bytes long; a share of this vault has {length}. Was something cut off?"
    if shares > 1 and raw[-1] in entry.xs:
        return "That share is in already: the same one entered twice does not count."
    return None


async def enter_shares(here: Here, status: SealStatus) -> tuple[SealStatus, tuple[str, ...]]:
    """Ask for shares until the vault opens; answers the last status and whose shares opened it.

    NoVerdict when the operator stops entering.
    """
    entry = Entry(note=_begun_elsewhere(status))
    while status.sealed:
        answer = await here.desk.operator.secret(
            AskSecret(
                step=here.desk.step,
                prompt="An unseal share",
                labels=tuple(c for c in here.environment.vault.custodians if c not in entry.labels),
                entered=status.progress,
                needed=status.threshold,
                note=entry.note,
            )
        )
        if answer.secret is None:
            raise NoVerdict(
                f"no more shares were entered: {status.progress} of {status.threshold} are in",
                fix="Reach more custodians, then try again.",
                source="operator",
            )
        status = await _submit(here, status, entry, answer.secret, answer.label)
    return status, tuple(entry.labels)


async def _submit(here: Here, status: SealStatus, entry: Entry, share: Secret, label: str) -> SealStatus:
    fault = fault_of(share, entry, status.shares)
    if fault is not None:
        entry.note = fault
        return status
    address = here.environment.vault.address
    permit = await here.desk.intend("vault:Unseal", address, label=label)
    try:
        status = await here.estate.vault.unseal(permit, share)
    except WrongShares as refused:
        entry.start_again(
            "Refused: one of these shares is wrong and the server does not say which. "
            "Progress is back to 0: all of them are entered again."
        )
        here.desk.progress(0, status.threshold, f"{entry.note} ({refused.text})")
        return await here.estate.vault.seal_status()
    raw = decoded(share)
    entry.labels.append(label)
    entry.xs.update(raw[-1:] if raw else b"")
    entry.note = ""
    here.desk.progress(status.progress if status.sealed else status.threshold, status.threshold, _said(status))
    return status


def _said(status: SealStatus) -> str:
    return f"{status.progress} of {status.threshold} shares are in" if status.sealed else "the vault is open"


def _begun_elsewhere(status: SealStatus) -> str:
    return f"{status.progress} of {status.threshold} were entered before or elsewhere." if status.progress else ""
