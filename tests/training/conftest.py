"""The simulated providers, asked in memory: no port, no process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from runbook.training.servers.cloudflare import Cloudflare
from runbook.training.servers.github import GitHub
from runbook.training.servers.images import Catalogue
from runbook.training.servers.northflank import Northflank
from runbook.training.servers.northflank_state import WEB, WEB_GROUP, WORKER, WORKER_GROUP, Group
from runbook.training.servers.platform import Platform
from runbook.training.servers.registry import Registry
from runbook.training.servers.web import Api
from runbook.training.servers.zone import Zone
from tests.training.openapi import NOTHING, judge, judge_request

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKEN = "practice-token"


@dataclass
class Asker:
    """Asks one simulator.  Every answer with JSON in it is judged by the contract, and every request that was met;
    `judged` False: neither.
    """

    app: Api
    contract: str
    base: str = ""

    def __call__(
        self, method: str, path: str, *, token: str | None = TOKEN, judged: bool = True, **options: Any
    ) -> TestResponse:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        answer = Client(self.app).open(path, method=method, headers=headers, **options)
        if judged and answer.is_json and method != "HEAD":
            asked, _, query = path.removeprefix(self.base).partition("?")
            if answer.status_code < 400:
                judge_request(self.contract, method, asked, query, options.get("json", NOTHING))
            judge(self.contract, method, asked, answer.status_code, answer.get_json(), kind=answer.mimetype or "")
        return answer


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(seed=7, now=NOW)


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
def cloudflare(zone: Zone) -> Asker:
    return Asker(Cloudflare(zone, TOKEN), "cloudflare", "/client/v4")


@pytest.fixture
def code_host(catalogue: Catalogue) -> GitHub:
    return GitHub(catalogue, TOKEN, NOW)


@pytest.fixture
def github(code_host: GitHub) -> Asker:
    return Asker(code_host, "github")


@pytest.fixture
def registry(catalogue: Catalogue) -> Asker:
    return Asker(Registry(catalogue, TOKEN), "ghcr")


@pytest.fixture
def restarts() -> list[str]:
    return []


@pytest.fixture
def platform(tmp_path: Path, catalogue: Catalogue, restarts: list[str]) -> Iterator[Platform]:
    lost = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "VAULT_ADDR": "https://127.0.0.1:1"}
    letterhead = {"/etc/letterhead.txt": {"data": "UHJhY3RpY2U=", "encoding": "utf-8"}}
    groups = (
        Group(WEB_GROUP, {**lost, "OUTBOUND_MAIL": "on"}, (WEB,), files=letterhead),
        Group(WORKER_GROUP, {**lost, "OUTBOUND_JOBS": "on"}, (WORKER,)),
    )
    made = Platform(tmp_path, catalogue, groups, restart_vault=lambda: restarts.append("vault"), now=NOW)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def platform_api(platform: Platform) -> Northflank:
    return Northflank(platform, TOKEN)


@pytest.fixture
def northflank(platform_api: Northflank) -> Asker:
    return Asker(platform_api, "northflank")
