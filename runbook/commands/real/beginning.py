"""What must be so before a real run begins, and what it declares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from runbook import __version__
from runbook.commands.configured import Configured
from runbook.commands.plans import policy_hash
from runbook.config import Environment
from runbook.config.file import ENVIRONMENT_OF
from runbook.engine.errors import Refused, WrongUse
from runbook.engine.ports import Operator
from runbook.safety import bounds, environment
from runbook.safety.bounds import Bounds, RecordsPlace, is_loopback
from runbook.views import Banner
from steps import declaring


@dataclass(frozen=True, slots=True)
class Intention:
    """What was asked for: `run_id` None = a new run of that mode; `point_in_time` of the database, ISO, or ""."""

    mode: str
    attended: bool
    run_id: str | None = None
    point_in_time: str = ""


class Beginning:
    """One intention on one configured platform."""

    def __init__(self, configured: Configured, intention: Intention) -> None:
        self._configured = configured
        self._wanted = intention
        self._settings = configured.settings
        self.environment: Environment = configured.environment(intention.mode)

    @property
    def loopback(self) -> bool:
        """A provider's API on this machine is not the real one: such a run never counts as the quarterly test."""
        target = self.environment
        platform, code = target.application.platform, target.application.github
        urls = (target.aws.endpoint, platform, code, target.connectivity.cloudflare)
        return any(is_loopback(urlsplit(url).hostname or "") for url in urls if url)

    @property
    def banner(self) -> Banner:
        """Mode and exact target."""
        where = f"{self._settings.platform.name} {self.environment.name}, account {self.environment.aws.account_id}"
        return Banner(self._wanted.mode.upper(), where, "providers: LOOPBACK" if self.loopback else "")

    @property
    def may_go_on_elsewhere(self) -> bool:
        """In a disaster with somebody there: restoring goes before the place of the record."""
        return self._wanted.mode == "recovery" and self._wanted.attended

    def refuse_variables(self) -> None:
        """Refused where the shell would lead other tools elsewhere."""
        found = environment.refusals(self._wanted.mode)
        if found:
            raise Refused("; ".join(found), fix="Unset what is named, then start again.")

    def refuse_unfinished(self) -> None:
        """A run that nobody ended may have left anything standing: it is ended before another begins."""
        for line in self._configured.shelf.runs():
            if not line.outcome and ENVIRONMENT_OF[line.mode] == self.environment.name:
                raise WrongUse(
                    f"{line.run_id} is not finished: two runs on {self.environment.name} would undo each other's work",
                    fix=f"`runbook resume {line.run_id}` goes on with it; aborted there, it cleans up first.",
                )

    async def declared(self, run_id: str, operator: Operator | None, now: Callable[[], datetime]) -> dict[str, Any]:
        """What T0 is written with; WrongUse where the operator thought better of it."""
        settings, mode = self._settings, self._wanted.mode
        said = await self._said(operator, now)
        flat, policy = self._configured.loaded.flat(), settings.policy()
        return {
            "run_id": run_id,
            "mode": mode,
            "attended": operator is not None,
            "environment": self.environment.name,
            "platform": settings.platform.name,
            **said,
            "targets": settings.targets.model_dump(),
            "policy": {"ref": policy.reference, "sha256": policy_hash(policy)},
            "tool_version": __version__,
            "providers": "LOOPBACK" if self.loopback else "REAL",
            "region": self.environment.aws.region,
            "point_in_time": self._wanted.point_in_time,
            "configuration": flat,
            "configuration_sha256": _fingerprint(flat),
            "dpia_ref": settings.records.dpia_ref,
            "evidence_refs": list(settings.records.evidence_refs),
        }

    async def _said(self, operator: Operator | None, now: Callable[[], datetime]) -> Mapping[str, Any]:
        """The part that people answer for."""
        mode, defaults = self._wanted.mode, self._settings.people.model_dump()
        if operator is None:
            return declaring.declared(declaring.unattended(defaults), now())
        name = self._settings.platform.name
        said = await declaring.ask(operator, mode, defaults, self._in_words(), platform=name, now=now)
        if said is None:
            raise WrongUse("nothing was declared, so nothing was begun", fix="Start again when it is time.")
        return said

    def _in_words(self) -> tuple[str, ...]:
        """What the configuration says this run is about, above the declaration."""
        targets = self._settings.targets
        rto, rpo = (f"{each} s" if each is not None else "no target set" for each in (targets.rto_s, targets.rpo_s))
        return (f"{self.banner.line}; configuration: {self._configured.loaded.path}", f"RTO {rto}, RPO {rpo}")


def bounds_of(configured: Configured, mode: str) -> Bounds:
    """What a run of that mode may touch: its environment, never the other one, and the evidence bucket."""
    settings = configured.settings
    bucket = settings.records.bucket
    place = None
    if bucket is not None:
        locks = bucket.retain_days is not None
        place = RecordsPlace(bucket.bucket, bucket.prefix, bucket.account_id, locks=locks)
    return bounds.of(mode, settings.environment(mode), settings.other(mode), place)


def _fingerprint(flat: Mapping[str, str]) -> str:
    return "sha256:" + hashlib.sha256(json.dumps(flat, sort_keys=True).encode()).hexdigest()
