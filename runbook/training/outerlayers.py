"""The practice estate's outer layers: platform, code host, registry, edge, names; and what can go wrong in them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from runbook.training.certificates import Authority
from runbook.training.faults import OUTER_FAULTS, checked
from runbook.training.halves import Data
from runbook.training.process import Child
from runbook.training.servers import images, zone
from runbook.training.servers.cloudflare import Cloudflare
from runbook.training.servers.edge import Edge
from runbook.training.servers.github import GitHub
from runbook.training.servers.images import Catalogue
from runbook.training.servers.names import NameServer
from runbook.training.servers.northflank import Northflank
from runbook.training.servers.northflank_documents import GROUP, IMAGE_NAME, PROJECT, WEB
from runbook.training.servers.platform import Platform
from runbook.training.servers.registry import Registry
from runbook.training.servers.web import LoopbackServer
from runbook.training.servers.zone import Zone

NEWEST = images.RELEASES[-1]
REFERENCE_HOST = IMAGE_NAME.partition("/")[0]


class OuterLayers:
    """All blocking; lives in the supervisor process; methods may be called from several threads."""

    def __init__(self, root: Path, authority: Authority, data: Data, *, now: datetime, seed: int) -> None:
        self._root = root
        self._authority = authority
        self._data = data
        self._now = now
        self._lock = threading.Lock()
        self._catalogue = Catalogue(seed=seed, now=now)
        self._zone = Zone()
        self._credentials = {
            "northflank-token": "nf-" + secrets.token_urlsafe(24),
            "github-token": "ghp_" + secrets.token_hex(18),
            "cloudflare-token": secrets.token_urlsafe(30),
        }
        self._servers: dict[str, LoopbackServer] = {}
        self._names: dict[str, NameServer] = {}
        self._platform: Platform | None = None
        self._faults: dict[str, Callable[..., None]] = {
            "wrong-database": self._wrong_database,
            "waf-off": self._waf_off,
            "digest-swapped": self._swap,
            "half-boot": lambda: self._running().override({"HALF_BOOT": "1"}),
            "app-stopped": self._end_processes,
            "dns-old-origin": self._zone.go_stale,
            "zone-paused": self._pause,
            "unsigned-image": lambda: self._catalogue.unsign(NEWEST),
            "moved-tag": lambda: self._catalogue.move(NEWEST),
            "red-checks": lambda: self._catalogue.fail_checks(NEWEST),
        }

    # -- life ---------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Start all servers; `data` must be started.  No application process runs before the first deploy."""
        platform = Platform(
            self._root, self._catalogue, self._group(), restart_vault=self._data.restart_vault, now=self._now
        )
        self._platform = platform
        token = self._credentials
        certificate = self._authority.issue(zone.HOSTNAME)
        edge = Edge(self._zone, platform.workload.balancer.port)
        self._servers = {
            "northflank": LoopbackServer(Northflank(platform, token["northflank-token"])),
            "github": LoopbackServer(GitHub(self._catalogue, token["github-token"], self._now)),
            "registry": LoopbackServer(Registry(self._catalogue, token["github-token"])),
            "cloudflare": LoopbackServer(Cloudflare(self._zone, token["cloudflare-token"])),
            "edge": LoopbackServer(edge, tls=certificate.server_context()),
            "application": platform.workload.balancer,
        }
        self._names = {
            "authoritative": NameServer(self._zone, public=False),
            "resolver": NameServer(self._zone, public=True),
        }
        for server in self._all_servers():
            server.start()

    def stop(self) -> None:
        """Stop everything; may be called twice, and before `start` came to its end."""
        with self._lock:
            if self._platform is not None:
                self._platform.stop()
            for server in self._all_servers():
                server.stop()
            self._platform, self._servers, self._names = None, {}, {}

    def _all_servers(self) -> list[LoopbackServer | NameServer]:
        return [*self._servers.values(), *self._names.values()]

    def children(self) -> list[Child]:
        """The application's live processes."""
        platform = self._platform
        return platform.workload.children() if platform is not None else []

    # -- what the run is told -----------------------------------------------------------------------------------
    def credentials(self) -> dict[str, str]:
        """The three tokens by name."""
        return dict(self._credentials)

    def environment(self) -> dict[str, Any]:
        """The parts `application` and `connectivity` of `runbook.config.Environment`."""
        return {"application": self._application(), "connectivity": self._connectivity()}

    def _application(self) -> dict[str, Any]:
        service = self._servers["application"].url
        return {
            "platform": self._servers["northflank"].url + "/v1",
            "project": PROJECT,
            "service": WEB,
            "secret_group": GROUP,
            "image": self._image(),
            "health_url": f"{service}/healthz",
            "probe_url": f"{service}/__runbook/probe",
        }

    def _image(self) -> dict[str, Any]:
        return {
            "github": self._servers["github"].url,
            "registry": self._servers["registry"].url,
            "reference_host": REFERENCE_HOST,
            "organisation": images.ORGANISATION,
            "repository": images.REPOSITORY,
            "package": images.PACKAGE,
            "branch": images.BRANCH,
            "required_checks": list(images.REQUIRED_CHECKS),
            "level": "B",
            "level_reason": "a private repository on a plan without artifact attestations",
        }

    def _connectivity(self) -> dict[str, Any]:
        servers = {role: [{"address": "127.0.0.1", "port": one.port}] for role, one in self._names.items()}
        return {
            "cloudflare": self._servers["cloudflare"].url + "/client/v4",
            "zone": zone.ZONE,
            "hostnames": [{"name": zone.HOSTNAME, "type": "CNAME", "content": zone.ORIGIN}],
            "managed_ruleset": zone.MANAGED_RULESET,
            "canary_path": zone.CANARY_PATH,
            "authoritative": servers["authoritative"],
            "resolvers": servers["resolver"],
            "https_port": self._servers["edge"].port,
            "ca_file": str(self._authority.ca_file),
        }

    # -- the application's variables ----------------------------------------------------------------------------
    def _group(self) -> dict[str, str]:
        """Before the restore: the addresses of what was lost, where nothing listens."""
        known = self._data.credentials()
        return {
            "DATABASE_URL": self._database_url("clinic-lost.eu-west-2.rds.practice.test", 1),
            "VAULT_ADDR": "https://127.0.0.1:1",
            "VAULT_CACERT": str(self._authority.ca_file),
            "VAULT_ROLE_ID": known["app-vault-role-id"],
            "VAULT_SECRET_ID": known["app-vault-secret-id"],
            "TRANSIT_KEY": str(self._data.environment()["canary"]["transit_key"]),
            "OUTBOUND_MAIL": "on",
            "OUTBOUND_SMS": "on",
            "OUTBOUND_WEBHOOKS": "on",
        }

    def _database_url(self, host: str, port: int) -> str:
        known = self._data.credentials()
        login = f"{quote(known['app-database-user'], safe='')}:{quote(known['app-database-password'], safe='')}"
        options = {
            "sslmode": "verify-full",
            "sslrootcert": str(self._authority.ca_file),
            "hostaddr": "127.0.0.1",
            "application_name": "clinic",
        }
        name = self._data.environment()["database"]["name"]
        return f"postgresql://{login}@{host}:{port}/{name}?{urlencode(options)}"

    # -- faults -------------------------------------------------------------------------------------------------
    def fault(self, kind: str, with_: Mapping[str, Any]) -> None:
        """Make it go wrong now; ValueError names what is known when kind or parameters do not fit."""
        parameters = checked(kind, with_, OUTER_FAULTS)
        self._faults[kind](**parameters)

    def _running(self) -> Platform:
        if self._platform is None:
            raise ValueError("the practice estate is not running")
        return self._platform

    def _end_processes(self) -> None:
        self._running().workload.end()

    def _wrong_database(self) -> None:
        production = {
            "DATABASE_URL": self._database_url(*self._data.source_endpoint()),
            "VAULT_ADDR": self._data.production_vault_address(),
        }
        self._running().override(production)

    def _waf_off(self, *, managed: bool = True, canary: bool = True) -> None:
        self._zone.drop_protection(managed=managed, canary=canary)

    def _swap(self, tag: str = "v1.8.0") -> None:
        if tag not in images.RELEASES:
            raise ValueError(f"no release {tag}; known: {', '.join(images.RELEASES)}")
        platform = self._running()
        digest = self._catalogue.released(tag).digest
        instances = platform.services[WEB].instances
        platform.configure(f"{IMAGE_NAME}@{digest}", instances, by="somebody@clinic.test")

    def _pause(self) -> None:
        with self._zone.locked() as state:
            state.paused = True
