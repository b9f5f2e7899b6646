"""The practice estate's outer layers: platform, code host, registry, edge, names; and what can go wrong in them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from runbook.training import outer_settings
from runbook.training.certificates import Authority
from runbook.training.edgelayer import EdgeLayer
from runbook.training.faults import OUTER_FAULTS, checked
from runbook.training.halves import Data
from runbook.training.outer_settings import Addresses
from runbook.training.process import Child
from runbook.training.servers import images
from runbook.training.servers.github import GitHub
from runbook.training.servers.images import Catalogue
from runbook.training.servers.northflank import Northflank
from runbook.training.servers.northflank_state import IMAGE_NAME, WEB, WORKER
from runbook.training.servers.platform import Platform
from runbook.training.servers.registry import Registry
from runbook.training.servers.web import LoopbackServer

NEWEST = images.RELEASES[-1]


@dataclass(frozen=True, slots=True)
class _Running:
    """What exists once the estate is started."""

    platform: Platform
    edge: EdgeLayer
    northflank: Northflank
    github: GitHub


class OuterLayers:
    """All blocking; lives in the supervisor process; methods may be called from several threads."""

    def __init__(
        self,
        root: Path,
        authority: Authority,
        data: Data,
        *,
        now: datetime,
        seed: int,
        public_names: str = "staging",
    ) -> None:
        self._root = root
        self._authority = authority
        self._data = data
        self._now = now
        self._public_names = public_names
        self._lock = threading.Lock()
        self._catalogue = Catalogue(seed=seed, now=now)
        self._tokens = {
            "northflank-token": "nf-" + secrets.token_urlsafe(24),
            "github-token": "ghp_" + secrets.token_hex(18),
        }
        self._servers: dict[str, LoopbackServer] = {}
        self._running: _Running | None = None

    # -- life ---------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Start all servers; `data` must be started.  No application process runs before the first deploy."""
        groups = outer_settings.groups(self._data, self._authority.ca_file)
        platform = Platform(self._root, self._catalogue, groups, restart_vault=self._data.restart_vault, now=self._now)
        edge = EdgeLayer(self._authority, platform.workloads[WEB].balancer.port, public_names=self._public_names)
        northflank = Northflank(platform, self._tokens["northflank-token"])
        github = GitHub(self._catalogue, self._tokens["github-token"], self._now)
        self._running = _Running(platform, edge, northflank, github)
        self._servers = {
            "northflank": LoopbackServer(northflank),
            "github": LoopbackServer(github),
            "registry": LoopbackServer(Registry(self._catalogue, self._tokens["github-token"])),
        }
        platform.start()
        edge.start()
        for server in self._servers.values():
            server.start()

    def stop(self) -> None:
        """Stop everything; may be called twice, and before `start` came to its end."""
        with self._lock:
            if self._running is not None:
                self._running.platform.stop()
                self._running.edge.stop()
            for server in self._servers.values():
                server.stop()
            self._running, self._servers = None, {}

    def children(self) -> list[Child]:
        """The application's live processes."""
        running = self._running
        return running.platform.children() if running is not None else []

    # -- what the run is told -----------------------------------------------------------------------------------
    def credentials(self) -> dict[str, str]:
        """The three tokens by name."""
        return {**self._tokens, **self._now_running().edge.credentials()}

    def environment(self) -> dict[str, Any]:
        """The parts `application` and `connectivity` of `runbook.config.Environment`."""
        running = self._now_running()
        balancers = {name: workload.balancer.url for name, workload in running.platform.workloads.items()}
        at = Addresses(
            platform=self._servers["northflank"].url,
            github=self._servers["github"].url,
            registry=self._servers["registry"].url,
            web=balancers[WEB],
            worker=balancers[WORKER],
        )
        return {"application": outer_settings.application(at), "connectivity": running.edge.environment()}

    # -- faults -------------------------------------------------------------------------------------------------
    def fault(self, kind: str, with_: Mapping[str, Any]) -> None:
        """Make it go wrong now; ValueError names what is known when kind or parameters do not fit."""
        parameters = checked(kind, with_, OUTER_FAULTS)
        self.faults[kind](**parameters)

    @property
    def faults(self) -> dict[str, Callable[..., None]]:
        """Kind to what does it."""
        running = self._now_running()
        return {
            "wrong-database": self.wrong_database,
            "digest-swapped": self.digest_swapped,
            "half-boot": self.half_boot,
            "app-stopped": running.platform.end_processes,
            "unsigned-image": lambda: self._catalogue.unsign(NEWEST),
            "moved-tag": lambda: self._catalogue.move(NEWEST),
            "red-checks": lambda: self._catalogue.fail_checks(NEWEST),
            "rate-limited": self.rate_limited,
            **running.edge.faults,
        }

    def _now_running(self) -> _Running:
        running = self._running
        if running is None:
            raise ValueError("the practice estate is not running")
        return running

    def half_boot(self) -> None:
        """The release that visitors meet answers every page with an error, and 200."""
        self._now_running().platform.hosted[WEB].override({"HALF_BOOT": "1"})

    def wrong_database(self) -> None:
        """The pages alone: what the worker says and shows is right all the while."""
        ca_file, endpoint = self._authority.ca_file, self._data.source_endpoint()
        production = {
            "DATABASE_URL": outer_settings.database_url(self._data, ca_file, endpoint, "clinic"),
            "VAULT_ADDR": self._data.production_vault_address(),
        }
        self._now_running().platform.hosted[WEB].override(production)

    def digest_swapped(self, tag: str = "v1.8.0") -> None:
        """Somebody else's deployment of another release."""
        if tag not in images.RELEASES:
            raise ValueError(f"no release {tag}; known: {', '.join(images.RELEASES)}")
        platform = self._now_running().platform
        image = f"{IMAGE_NAME}@{self._catalogue.released(tag).digest}"
        platform.deploy(WEB, image, platform.hosted[WEB].service.instances, by="somebody@clinic.test")

    def rate_limited(self, provider: str = "northflank", calls: int = 3, wait: int = 2) -> None:
        """The next `calls` calls of that provider are refused, each with the request to wait that many seconds."""
        running = self._now_running()
        throttles = {
            "northflank": running.northflank.allowance.throttle,
            "github": running.github.allowance.throttle,
            "cloudflare": running.edge.throttle,
        }
        throttles[provider](calls, wait)
