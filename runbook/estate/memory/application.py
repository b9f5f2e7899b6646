"""The sample application in memory: it answers from the database and the vault that its variables name."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from runbook.estate.memory import names
from runbook.estate.memory.contents import Contents
from runbook.estate.memory.databases import MemoryDatabases
from runbook.estate.memory.platform import MemoryPlatform, Release
from runbook.estate.memory.production import Production
from runbook.estate.memory.vault_server import VaultServer
from runbook.estate.ports import DatabaseSession

_ERROR_PAGE = b"<!doctype html><title>Something went wrong</title><p>Please try again later."


@dataclass(frozen=True, slots=True)
class Reply:
    """What the application answers to one request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Application:
    """`on_wrong_database`: it uses production's addresses whatever its variables say; `half_booted`: 200, no more."""

    def __init__(
        self, production: Production, platform: MemoryPlatform, databases: MemoryDatabases, server: VaultServer
    ) -> None:
        self._production = production
        self._platform = platform
        self._databases = databases
        self._server = server
        self.on_wrong_database = False
        self.half_booted = False

    def health(self) -> Reply | None:
        """The health document; None while nothing runs."""
        release = self._platform.running
        if release is None:
            return None
        if self.half_booted:
            return Reply(200, {"content-type": "text/html"}, _ERROR_PAGE)
        parts = {"database": self._database(release) is not None, "vault": self._texts(release) is not None}
        well = all(parts.values())
        said = {name: "ok" if good else "unreachable" for name, good in parts.items()}
        running = {"digest": release.image.digest, "commit": release.image.commit, "version": release.image.tags[0]}
        return _json(200 if well else 503, {"status": "ok" if well else "degraded", **running, **said})

    def probe(self, document: Mapping[str, Any]) -> Reply | None:
        """HMAC-SHA-256 with the nonce as key over the canary's plaintext, read and decrypted now."""
        release = self._platform.running
        if release is None:
            return None
        database, texts = self._database(release), self._texts(release)
        if database is None or texts is None or database.canary not in texts:
            return _json(503, {"error": "the record could not be read"})
        nonce = bytes.fromhex(str(document.get("nonce", "")))
        return _json(200, {"hmac": hmac.new(nonce, texts[database.canary].encode(), hashlib.sha256).hexdigest()})

    def page(self) -> Reply | None:
        """The public page, marked with the commit that made it."""
        release = self._platform.running
        if release is None:
            return None
        headers = {"content-type": "text/html; charset=utf-8", "x-clinic-commit": release.image.commit}
        return Reply(200, headers, b"<!doctype html><title>Practice clinic</title><h1>Practice clinic</h1>")

    def sessions(self, here: Contents) -> tuple[DatabaseSession, ...]:
        """The pooled connection that it keeps open, if it is to this database."""
        release = self._platform.running
        if release is None or self._database(release) is not here:
            return ()
        name = parse_qs(urlsplit(_variable(release, "DATABASE_URL")).query).get("application_name", [""])[0]
        return (DatabaseSession(name, "127.0.0.1", release.started, "clinic_app"),)

    def _database(self, release: Release) -> Contents | None:
        if self.on_wrong_database:
            return self._databases.source
        url = urlsplit(_variable(release, "DATABASE_URL"))
        wanted = (url.hostname, url.port or 5432)
        return next((one for one in self._databases.running() if (one.host, one.port) == wanted and one.answers), None)

    def _texts(self, release: Release) -> Mapping[str, str] | None:
        """What its vault can decrypt; None when that vault does not answer."""
        address = names.PRODUCTION_VAULT if self.on_wrong_database else _variable(release, "VAULT_ADDR")
        if address == names.PRODUCTION_VAULT:
            return self._production.vault.texts
        here = self._server.cluster if address == names.VAULT_ADDRESS and self._server.open else None
        return here.texts if here is not None and here.restorable else None


def _variable(release: Release, name: str) -> str:
    value = release.variables.get(name)
    return "" if value is None else value.reveal()


def _json(status: int, document: Mapping[str, Any]) -> Reply:
    return Reply(status, {"content-type": "application/json"}, json.dumps(document).encode())
