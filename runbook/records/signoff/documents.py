"""signoff.json and amendment.json: who said what of a run, when, and how it was shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from runbook import __version__
from runbook.config.signers import PublicKey
from runbook.records.canonical import stamp
from runbook.records.log.testlog import Row
from runbook.records.signoff.correction import Assigned, Correction
from runbook.records.signoff.findings import CLOSED, OPEN, Finding
from runbook.records.signoff.signature import WAYS
from runbook.records.signoff.statement import Said

SCHEMA: Final = 1
CODE: Final = "CODE"
CLOCK: Final = "of the machine on which this was written, UTC"


@dataclass(frozen=True, slots=True)
class Keyboard:
    """Whose account of which machine this was typed on, as the system says it."""

    account: str
    machine: str


@dataclass(frozen=True, slots=True)
class Proof:
    """How a sign-off was shown: by the witness code, or where `key` is given by that key's signature.

    `known`: the key stands in the configuration under the signer's name.
    """

    key: PublicKey | None = None
    known: bool = False

    @property
    def method(self) -> str:
        """CODE, SSH or MINISIGN."""
        return self.key.method if self.key else CODE

    @property
    def shows(self) -> str:
        """What it shows, and what it does not."""
        if self.key is None:
            return (
                "Who signed had this very report: they read its witness code out, and it was typed here. "
                "It does not show who they were."
            )
        whose = "of the signer, as runbook.toml names it" if self.known else "that was given on the spot"
        return f"The statement was signed with the key {self.key.fingerprint} {whose}."


def signoff(
    own: str, said: Said, proof: Proof, rows: Sequence[Row], *, at: datetime, keyboard: Keyboard
) -> dict[str, Any]:
    """signoff.json; `rows` as in `statement`."""
    return {
        **_head(own, rows[0], at, keyboard),
        "decision": said.decision,
        "signer": {"name": said.name, "role": said.role},
        "because": said.because or None,
        "method": proof.method,
        "shows": proof.shows,
        "key": _key(proof),
        "signed": {
            "evidence_path": rows[0]["evidence_path"],
            "evidence_digest": rows[0]["evidence_digest"],
            "rows": [{"run_id": row["run_id"], "row_hash": row["row_hash"]} for row in rows],
        },
    }


def amendment(
    own: str,
    rows: Sequence[Row],
    wanted: Correction,
    changes: Mapping[str, tuple[str, str]],
    *,
    at: datetime,
    keyboard: Keyboard,
) -> dict[str, Any]:
    """amendment.json; `changes` are (was, is) by column."""
    return {
        **_head(own, rows[0], at, keyboard),
        "by": {"name": wanted.name, "role": wanted.role},
        "why": wanted.why,
        "changes": {column: {"was": was, "is": new} for column, (was, new) in changes.items()},
        "findings": [*(_closed(*each) for each in wanted.closed), *map(_assigned, wanted.assigned)],
        "amends": {"run_id": rows[-1]["run_id"], "row_hash": rows[-1]["row_hash"]},
    }


def _head(own: str, run: Row, at: datetime, keyboard: Keyboard) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "row": own,
        "run_id": run["run_id"],
        "at": stamp(at),
        "clock": CLOCK,
        "keyboard": {"account": keyboard.account, "machine": keyboard.machine},
        "tool_version": __version__,
    }


def _key(proof: Proof) -> dict[str, Any] | None:
    if proof.key is None:
        return None
    return {
        "public": proof.key.text,
        "fingerprint": proof.key.fingerprint,
        "from": "runbook.toml" if proof.known else "given on the spot",
        "verify": WAYS[proof.method].by_hand,
    }


def _closed(finding: Finding, how: str) -> dict[str, Any]:
    return {"number": finding.number, "text": finding.text, "was": OPEN, "status": CLOSED, "verified": how}


def _assigned(said: Assigned) -> dict[str, Any]:
    now = said.finding
    return {
        "number": now.number,
        "text": now.text,
        "status": OPEN,
        "owner": {"was": now.owner, "is": said.owner},
        "due": {"was": now.due, "is": said.due},
    }
