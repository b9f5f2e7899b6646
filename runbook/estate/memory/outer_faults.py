"""What can go wrong around the data in memory: the platform, images, the edge, names and providers' allowances.

Each is what the practice estate's fault of that name is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runbook.estate.memory.application import Application
from runbook.estate.memory.code import MemoryProvenances
from runbook.estate.memory.edge import MemoryEdge
from runbook.estate.memory.images import Images
from runbook.estate.memory.platform import MemoryPlatform
from runbook.estate.memory.rates import MemoryRates
from runbook.estate.memory.web import MemoryWeb


class OuterFaults:
    """Where services can be named and are not, all of them are meant."""

    images: Images
    provenances: MemoryProvenances
    platform: MemoryPlatform
    application: Application
    edge: MemoryEdge
    web: MemoryWeb
    rates: MemoryRates

    # -- the platform and what runs on it ------------------------------------------------------------------------
    def swap_digest(self, *services: str) -> None:
        """Other images run than those that this run deployed."""
        self.platform.swap_digest(*services)

    def stop_application(self, *services: str) -> None:
        """No process of the application runs."""
        self.platform.stop(*services)

    def fail_rollout(self, *services: str) -> None:
        """Later rollouts end in FAILED."""
        for name in services or self.application.services:
            self.platform.services[name].comes_up = False

    @property
    def app_on_wrong_database(self) -> bool:
        """Services are on production's database and vault, whatever their variables say; set: all, or none."""
        return bool(self.application.on_wrong_database)

    @app_on_wrong_database.setter
    def app_on_wrong_database(self, wrong: bool) -> None:
        self.application.on_wrong_database = set(self.application.services) if wrong else set()

    def wrong_database(self, *services: str, as_this_run: bool = False) -> None:
        """Variables of their own keep them on production's database and vault; with `as_this_run` it is no variable
        that does, and they are known there by the name that this run gave them."""
        self.application.as_this_run = as_this_run
        for name in services or self.application.services:
            self.application.on_wrong_database.add(name)
            if not as_this_run:
                self.platform.describe(name, own=self.application.production_variables)

    def half_boot(self, *services: str) -> None:
        """The health address answers 200 with an error page."""
        self.application.half_booted |= set(services or self.application.services)

    def probe_fails(self, why: str = "the record could not be read") -> None:
        """The application answers the probe with an error."""
        self.application.probe_error = why

    # -- images --------------------------------------------------------------------------------------------------
    def unsigned_image(self) -> None:
        """The newest release's commit is not signed."""
        self.images.unsign()

    def red_checks(self) -> None:
        """A required check of the newest release failed."""
        self.images.redden()

    def moved_tag(self) -> None:
        """The newest release's tag names another image than the package's list."""
        self.images.move_tag()

    def tampered_image(self) -> None:
        """The registry serves other bytes under the newest release's digest."""
        self.images.tamper()

    def unprotected_branch(self) -> None:
        """Anybody may push to the branch."""
        self.images.protected = False

    def side_branch(self) -> None:
        """The newest release was built beside the protected branch."""
        self.images.side_branch()

    def attest(self, digest: str = "", **said: str) -> Mapping[str, Any]:
        """The code host has an attestation of that digest (the newest release's); `said` as in `Images.attest`."""
        return self.images.attest(digest or self.images.newest_release.digest, **said)

    # -- the edge ------------------------------------------------------------------------------------------------
    def waf_off(self, *, managed: bool = True, canary: bool = True, never_configured: bool = False) -> None:
        """Managed rules switched off and the canary rule deleted; or their phases were never configured."""
        self.edge.waf_off(managed=managed, canary=canary, never_configured=never_configured)

    def pause_zone(self) -> None:
        """The zone is paused: DNS only."""
        self.edge.zone_state = replace(self.edge.zone_state, paused=True)

    def security_level(self, level: str = "essentially_off") -> None:
        """Somebody changed it."""
        self.edge.zone_settings = replace(self.edge.zone_settings, security_level=level)

    def development_mode(self) -> None:
        """The cache is bypassed for three hours."""
        self.edge.zone_settings = replace(self.edge.zone_settings, development_mode=True)
        self.edge.zone_state = replace(self.edge.zone_state, development_mode=True)

    def dns_old_origin(self, answers: int = 3) -> None:
        """The records name the old origin, and public resolvers say so for that many answers more."""
        self.edge.lead_back(answers)

    def open_origin(self) -> None:
        """The origin answers visitors who do not come through the edge."""
        self.web.origin_open = True

    def bad_certificate(self, guilt: str = "self-signed") -> None:
        """The edge shows visitors a certificate that is `self-signed`, `expired` or for the `wrong-host`."""
        self.web.certificate_guilt = guilt

    def http_redirect(self) -> None:
        """The edge sends visitors to http."""
        self.web.redirects = True

    # -- allowances ----------------------------------------------------------------------------------------------
    def rate_limited(self, provider: str = "northflank", calls: int = 3, wait: float = 2.0) -> None:
        """The next `calls` calls of that provider are refused, each to be tried again after `wait` seconds."""
        self.rates.refuse(provider, calls, wait)
