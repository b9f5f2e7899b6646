"""Real OpenBao servers in every state that a restore can meet, and what the operator reads of them."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from runbook import config
from runbook.engine.errors import LayerFailed, NoVerdict, SignedOut
from runbook.engine.ports import Permit, Secret
from runbook.estate.door import Door
from runbook.estate.ports import SealStatus, WrongShares
from runbook.estate.vault.server import VaultServer
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from runbook.training.certificates import Authority
from runbook.training.servers.openbao import Bao, BaoError
from runbook.training.servers.waiting import Ports, until


@dataclass(frozen=True, slots=True)
class Said:
    """What the operator reads when something went wrong: the kind of verdict, our sentence and fix, their words."""

    verdict: str
    sentence: str
    fix: str
    words: str


async def said(call: Coroutine[Any, Any, object]) -> Said:
    """The adapter's refusal of a call; it fails when there is none."""
    try:
        answered = await call
    except WrongShares as wrong:
        return Said(f"wrong shares: {wrong.reason}", wrong.sentence, wrong.fix, wrong.text)
    except SignedOut as error:
        return Said("signed out", error.sentence, error.fix, error.provider_text)
    except NoVerdict as error:
        return Said("no verdict", error.sentence, error.fix, error.provider_text)
    except LayerFailed as error:
        return Said("fail", error.sentence, error.fix, error.provider_text)
    raise AssertionError(f"it was answered: {answered}")


@dataclass(frozen=True, slots=True)
class Opened:
    """The keys with which a server was initialised (unseal shares, or recovery keys), and its root token."""

    keys: tuple[str, ...]
    token: str


@dataclass(frozen=True)
class Node:
    """One server, and the adapter that a run would have for it."""

    bao: Bao
    vault: VaultServer

    def permit(self, operation: str) -> Permit:
        return Permit("run", "step", f"vault:{operation}", self.bao.address)

    async def unseal(self, share: str) -> SealStatus:
        return await self.vault.unseal(self.permit("Unseal"), Secret(share))

    async def restore(self, archive: Path, token: str, *, force: bool) -> None:
        await self.vault.restore(
            self.permit("Restore"), archive, token=Secret(token), force=force, progress=lambda *_: None
        )

    def initialised(self, shares: int = 1, threshold: int = 1) -> Opened:
        """Initialised and open, past the adapter: not what is tested."""
        kind = "recovery" if "seal" in self.bao.extra else "secret"
        made = self.bao.call("PUT", "sys/init", {f"{kind}_shares": shares, f"{kind}_threshold": threshold})
        opened = Opened(tuple(made["keys_base64"] or made["recovery_keys_base64"]), made["root_token"])
        if kind == "secret":
            self.open_with(*opened.keys[:threshold])
        until(lambda: self.bao.health() == 200, self.bao.child)
        return opened

    def open_with(self, *shares: str) -> None:
        for share in shares:
            self.bao.call("PUT", "sys/unseal", {"key": share})

    def becomes(self, health: int) -> None:
        """Waits for that `sys/health`: a restore goes on for some 6 s after its 204."""
        until(lambda: self.bao.health() == health, self.bao.child, seconds=30, every=0.2)

    def holds(self, condition: Callable[[], bool]) -> None:
        """Waits for a condition of an open server that has an archive to install: for 5 s it answers nothing."""

        def held() -> bool:
            with contextlib.suppress(BaoError, httpx.TransportError):
                return condition()
            return False

        until(held, self.bao.child, seconds=30, every=0.2)

    def configure(self, **extra: Any) -> None:
        """Another configuration from the next start on; None takes a key out."""
        path = self.bao.folder / "config.json"
        whole = json.loads(path.read_text()) | extra
        path.write_text(json.dumps({key: value for key, value in whole.items() if value is not None}))


@dataclass
class Lab:
    """Makes servers below `folder`; `laboratory` ends them."""

    folder: Path
    door: Door
    ports: Ports = field(default_factory=Ports)
    nodes: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.authority = Authority(self.folder / "ca")

    def node(self, name: str, extra: Mapping[str, Any] | None = None) -> Node:
        """A server that is started and uninitialised."""
        bao = Bao(name, self.folder / name, self.authority, self.ports, extra or {})
        known = settings(bao.address, self.authority.ca_file)
        node = Node(bao, VaultServer(known, Interlock(bounds.practice()), self.door))
        self.nodes.append(node)
        bao.start()
        return node

    def archive_of(self, node: Node, token: str, name: str) -> Path:
        path = self.folder / f"{name}.snap"
        node.bao.save_snapshot(token, path)
        return path

    def static_seal(self, name: str) -> dict[str, Any]:
        """A key of that name as the server's seal: it unseals itself, as under a KMS key."""
        path = self.folder / f"{name}.key"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(secrets.token_bytes(32))
        return {"seal": [{"static": {"current_key_id": name, "current_key": f"file://{path}"}}]}


@contextlib.contextmanager
def laboratory(folder: Path) -> Iterator[Lab]:
    lab = Lab(folder, Door(4))
    try:
        yield lab
    finally:
        lab.door.close()
        for node in lab.nodes:
            node.bao.close()


def settings(address: str, ca_file: Path) -> config.Vault:
    return config.Vault(
        address=address,
        ca_file=ca_file,
        product="openbao",
        production_address="https://127.0.0.1:1",
        backup=config.VaultBackup(bucket="b", prefix="p/", kms_key="k"),
        mounts=("transit",),
        transit_keys=("notes",),
        custodians=("one",),
    )


def altered(share: str, *, at: int = 0) -> str:
    """The same share with one bit changed; `at` is the byte (-1: the x byte)."""
    raw = bytearray(base64.b64decode(share))
    raw[at] ^= 1
    return base64.b64encode(raw).decode()
