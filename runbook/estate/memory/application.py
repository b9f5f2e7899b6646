"""The sample application in memory: each service answers from the database and vault that its own variables name."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from runbook.engine.ports import Secret
from runbook.estate.memory import names
from runbook.estate.memory.contents import BOOKINGS, Contents
from runbook.estate.memory.databases import MemoryDatabases
from runbook.estate.memory.platform import MemoryPlatform
from runbook.estate.memory.production import Production
from runbook.estate.memory.services import Release
from runbook.estate.memory.vault_server import VaultServer
from runbook.estate.ports import DatabaseSession

_ERROR_PAGE = b"<!doctype html><title>Something went wrong</title><p>Please try again later."
_PAGE = b"<!doctype html><title>Practice clinic</title><p>%(text)s</p>"
_HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the application answers to one request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Application:
    """Sets of services by name: `on_wrong_database` use production's addresses whatever their variables say,
    `half_booted` answer 200 and no more, `idle` open no connection of their own.

    The former are known there as production's own, or with `as_this_run` by the name that their variables say.
    `said_of_health` are fields of the health document that are said otherwise, `probe_error` why the probe fails.
    """

    def __init__(
        self, production: Production, platform: MemoryPlatform, databases: MemoryDatabases, server: VaultServer
    ) -> None:
        self._production = production
        self._platform = platform
        self._databases = databases
        self._server = server
        self.on_wrong_database: set[str] = set()
        self.as_this_run = False
        self.half_booted: set[str] = set()
        self.idle: set[str] = set()
        self.said_of_health: dict[str, object] = {}
        self.probe_error = ""

    @property
    def production_variables(self) -> Mapping[str, Secret]:
        """Those by which a service uses production's database and vault."""
        source = self._databases.source
        at = f"{source.host}:{source.port}"
        url = f"postgresql://clinic_app:practice@{at}/clinic?application_name={names.APPLICATION_NAME}"
        return {"DATABASE_URL": Secret(url), "VAULT_ADDR": Secret(names.PRODUCTION_VAULT)}

    @property
    def services(self) -> tuple[str, ...]:
        """All of them, running or not."""
        return tuple(self._platform.services)

    # -- what each service answers -------------------------------------------------------------------------------
    def health(self, service: str = names.SERVICE) -> Reply | None:
        """The health document; None while nothing runs."""
        release = self._running(service)
        if release is None:
            return None
        if service in self.half_booted:
            return Reply(200, {"content-type": _HTML}, _ERROR_PAGE)
        parts = {"database": self._database(release) is not None, "vault": self._texts(release) is not None}
        well = all(parts.values())
        said = {name: "ok" if good else "unreachable" for name, good in parts.items()}
        running = {"digest": release.image.digest, "commit": release.image.commit, "version": release.image.tags[0]}
        document = {"status": "ok" if well else "failing", **running, **said, "outbound": self._outbound(release)}
        return _json(200 if well else 503, {**document, **self.said_of_health})

    def probe(self, document: Mapping[str, Any], service: str = names.SERVICE) -> Reply | None:
        """HMAC-SHA-256 with the nonce as key over the canary's plaintext, read and decrypted now."""
        release = self._running(service)
        if release is None:
            return None
        database, texts = self._database(release), self._texts(release)
        wrong = self.probe_error or _trouble(database, texts)
        if wrong or database is None or texts is None:
            return _json(503, {"error": wrong})
        nonce = bytes.fromhex(str(document.get("nonce", "")))
        return _json(200, {"hmac": hmac.new(nonce, texts[database.canary].encode(), hashlib.sha256).hexdigest()})

    def page(self, service: str = names.SERVICE) -> Reply | None:
        """The public page, marked with the commit that made it."""
        return self._page(service, b"Appointments and notes.")

    def appointments(self, service: str = names.SERVICE) -> Reply | None:
        """The page that reads the database: 503 without it."""
        release = self._running(service)
        if release is None:
            return None
        database = self._database(release)
        if database is None:
            return Reply(503, {"content-type": _HTML}, _ERROR_PAGE)
        diary = database.tables.get(BOOKINGS)
        return self._page(service, b"The diary is open." if diary and diary.rows else b"The diary is empty.")

    def _page(self, service: str, text: bytes) -> Reply | None:
        release = self._running(service)
        if release is None:
            return None
        if service in self.half_booted:
            return Reply(200, {"content-type": _HTML}, _ERROR_PAGE)
        headers = {"content-type": _HTML, "x-clinic-commit": release.image.commit}
        return Reply(200, headers, _PAGE % {b"text": text})

    # -- what it is connected to ---------------------------------------------------------------------------------
    def sessions(self, here: Contents) -> tuple[DatabaseSession, ...]:
        """The pooled connection that each service opened at its start and keeps, if it is to this database."""
        return tuple(
            DatabaseSession(self._known_as(release), "127.0.0.1", release.started, "clinic_app")
            for release in self._platform.running()
            if release.service not in self.idle and self._database(release) is here
        )

    def acting(self) -> dict[str, str]:
        """The switches by which what runs now acts on others: SERVICE/VARIABLE → value."""
        return {
            f"{release.service}/{name}": release.variable(name)
            for release in self._platform.running()
            for name in self._platform.services[release.service].place.switches
        }

    def _outbound(self, release: Release) -> str:
        """`off` when every channel to the outside is."""
        switches = self._platform.services[release.service].place.switches
        return "off" if all(release.variable(name) == "off" for name in switches) else "on"

    def _running(self, service: str) -> Release | None:
        return self._platform.services[service].running

    def _known_as(self, release: Release) -> str:
        """What keeps a service on the wrong database is a whole URL of its own, under the old name."""
        if release.service in self.on_wrong_database and not self.as_this_run:
            return names.APPLICATION_NAME
        return parse_qs(urlsplit(release.variable("DATABASE_URL")).query).get("application_name", [""])[0]

    def _database(self, release: Release) -> Contents | None:
        if release.service in self.on_wrong_database:
            return self._databases.source
        url = urlsplit(release.variable("DATABASE_URL"))
        wanted = (url.hostname, url.port or 5432)
        return next((one for one in self._databases.running() if (one.host, one.port) == wanted and one.answers), None)

    def _texts(self, release: Release) -> Mapping[str, str] | None:
        """What its vault can decrypt; None when that vault does not answer."""
        wrong = release.service in self.on_wrong_database
        address = names.PRODUCTION_VAULT if wrong else release.variable("VAULT_ADDR")
        if address == names.PRODUCTION_VAULT:
            return self._production.vault.texts
        here = self._server.cluster if address == names.VAULT_ADDRESS and self._server.open else None
        return here.texts if here is not None and here.restorable else None


def _trouble(database: Contents | None, texts: Mapping[str, str] | None) -> str:
    """Why the record cannot be read, in the application's words; "" when it can."""
    if database is None:
        return "the database could not be reached"
    if texts is None:
        return "the vault could not be reached"
    return "" if database.canary in texts else "the vault refused: status 400"


def _json(status: int, document: Mapping[str, Any]) -> Reply:
    return Reply(status, {"content-type": "application/json"}, json.dumps(document).encode())
