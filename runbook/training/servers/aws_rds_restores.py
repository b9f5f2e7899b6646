"""What becomes of a restored instance: its status by the clock, and the real PostgreSQL behind it.

That server is the estate's: it is started, given a password and stopped by asking the control server.
"""

from __future__ import annotations

import json
import logging
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from urllib.parse import quote

from runbook.training.servers.aws_weather import Weather

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_UNNOTICED = 0.3  # of the time that a new password takes: the instance still says `available`


@dataclass
class Reset:
    """A new master password on its way; `applied` once the server has it."""

    seconds: float
    started: float = field(default_factory=time.monotonic)
    applied: bool = False

    @property
    def _done(self) -> float:
        return (time.monotonic() - self.started) / self.seconds if self.seconds else 1.0

    @property
    def over(self) -> bool:
        """Whether it works, and the provider says so."""
        return self.applied and self._done >= 1.0

    @property
    def noticed(self) -> bool:
        """At first nothing but PendingModifiedValues tells of it: a trap for who looks at the status alone."""
        return self._done >= _UNNOTICED


@dataclass
class Course:
    """How the restore of one instance goes: by the clock, once the server behind it answers."""

    ends_as: str
    seconds: float
    started: float = field(default_factory=time.monotonic)
    address: tuple[str, int] | None = None
    failed: bool = False
    deleting: bool = False
    reset: Reset | None = None

    @property
    def _done(self) -> float:
        return (time.monotonic() - self.started) / self.seconds if self.seconds else 1.0

    @property
    def status(self) -> str:
        """As DescribeDBInstances says it."""
        if self.deleting:
            return "deleting"
        if self.failed:
            return "restore-error"
        if self.address is None or self._done < 0.7:
            return "creating"
        if self.ends_as != "available":
            return self.ends_as
        if self._done < 1.0:
            return "backing-up"
        return "resetting-master-credentials" if self.pending and self.reset and self.reset.noticed else "available"

    @property
    def percent(self) -> int | None:
        """PercentProgress while `creating`."""
        return min(99, int(self._done * 130)) if self.status == "creating" else None

    @property
    def pending(self) -> dict[str, str]:
        """PendingModifiedValues: the password's name with asterisks, as AWS has it."""
        return {"MasterUserPassword": "****"} if self.reset and not self.reset.over else {}


class Restores:
    """The instances of this server that were restored, and what happens to them."""

    def __init__(self, control: str, weather: Weather) -> None:
        self._control = control.rstrip("/")
        self._weather = weather

    def begin(self, instance: Any, origin: Mapping[str, str]) -> None:
        """Give the instance its course, and have its server started: of a `snapshot`, or as of a `moment`."""
        weather = self._weather.now
        instance.course = Course(ends_as=weather.restore_ends_as, seconds=weather.restore_seconds)
        Thread(target=self._place, args=(instance, origin), daemon=True).start()

    def _place(self, instance: Any, origin: Mapping[str, str]) -> None:
        try:
            answer = self._ask("PUT", instance.db_instance_identifier, body=origin)
            instance.port = int(answer["port"])
            instance.course.address = (str(answer["host"]), instance.port)
        except (OSError, ValueError, KeyError):
            logging.getLogger(__name__).exception("no server for %s", instance.db_instance_identifier)
            instance.course.failed = True

    def reset(self, instance: Any, password: str) -> None:
        """Give the master user another password, a little later."""
        instance.course.reset = Reset(self._weather.now.reset_seconds)
        Thread(target=self._reset, args=(instance, password), daemon=True).start()

    def _reset(self, instance: Any, password: str) -> None:
        given = {"user": instance.master_username, "password": password}
        try:
            self._ask("POST", instance.db_instance_identifier, "/password", body=given)
        except OSError:
            logging.getLogger(__name__).exception("no new password for %s", instance.db_instance_identifier)
        instance.course.reset.applied = True

    def end(self, instance: Any, forget: Callable[[], None]) -> None:
        """Have its server stopped, then let `forget` take it out of the books."""
        instance.course.deleting = True
        Thread(target=self._remove, args=(instance.db_instance_identifier, forget), daemon=True).start()

    def _remove(self, instance: str, forget: Callable[[], None]) -> None:
        try:
            self._ask("DELETE", instance)
        except OSError:
            logging.getLogger(__name__).exception("the server of %s could not be stopped", instance)
        time.sleep(self._weather.now.delete_seconds)
        forget()

    def _ask(self, method: str, instance: str, of: str = "", body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the control server's loopback address, given by the estate
            f"{self._control}/internal/databases/{quote(instance, safe='')}{of}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with _DIRECT.open(request, timeout=60) as answer:
            text = answer.read()
        document: dict[str, Any] = json.loads(text) if text else {}
        return document
