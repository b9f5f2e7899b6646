"""The adapters themselves over transports that only write down what reaches them, and answer as if it had been done."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import httpx
import psycopg
import pytest
import requests
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from requests.adapters import HTTPAdapter

from runbook.config import Aws
from runbook.engine.ports import Secret
from runbook.estate.aws.client import AwsAccess, ServiceName, Signed
from runbook.estate.aws.credentials import WithKeys, with_credentials
from runbook.safety.call import NAMED
from runbook.safety.interlock import Interlock
from runbook.safety.learned import RUN_TAG
from runbook.safety.operations import Effect, named, of_http

_NAME: Final = re.compile(r"before-send\.([^.]+)\.([^.]+)")


@dataclass
class World:
    """What answers behind the transports, and which operations reached it.

    `account` is whose session STS says it is; `tags` are those of every instance and snapshot that is asked for by its
    name; `cluster` is what a vault says it is.
    """

    account: str
    tags: Mapping[str, str] = field(default_factory=dict)
    cluster: str = ""
    status: Mapping[str, bool] = field(default_factory=dict)  # of a vault that is not open
    reached: list[str] = field(default_factory=list)

    def was_changed(self, operation: str) -> bool:
        """Whether it reached a transport; of a database, whether one was connected to."""
        return operation in self.reached or (operation.startswith("postgres:") and "postgres" in self.reached)

    @property
    def changes(self) -> list[str]:
        """What reached a transport and is no read."""
        return [name for name in self.reached if name == "postgres" or named(name).effect is not Effect.READ]

    # -- AWS ------------------------------------------------------------------------------------------------------
    def access(self, settings: Aws, interlock: Interlock, door: Any) -> AwsAccess:
        """Signed in as somebody of `account`."""
        keys = WithKeys(Secret("AKIARECORDED"), Secret("secret"), Secret("token"))
        session = with_credentials(keys.made(), settings, interlock)
        session.get_component("event_emitter").register_last("before-send", self._aws)
        return AwsAccess(settings, _SignedIn(settings.region, Signed(0, session)), interlock, door)

    def _aws(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        found = _NAME.match(event_name)
        assert found is not None
        name = f"{found[1]}:{found[2]}"
        self.reached.append(name)
        answer = "" if found[1] == "s3" else _xml(found[2], self._said(name, _form(request.body)))
        return AWSResponse(request.url, 200, HTTPHeaders.from_dict({"ETag": '"1"'}), _Raw(answer.encode()))

    def _said(self, name: str, asked: Mapping[str, str]) -> str:
        if name == "sts:GetCallerIdentity":
            arn = f"arn:aws:sts::{self.account}:assumed-role/runbook/somebody"
            return f"<UserId>A:b</UserId><Account>{self.account}</Account><Arn>{arn}</Arn>"
        snapshot = "Snapshot" in name and "Restore" not in name
        kind = "DBSnapshot" if snapshot else "DBInstance"
        named = asked.get(NAMED.get(name, f"{kind}Identifier"), "nothing")
        thing = f"<{kind}><{kind}Identifier>{escape(named)}</{kind}Identifier>{self._tag_list()}"
        thing += "" if snapshot else f"<Endpoint><Address>{host_of(named)}</Address><Port>5432</Port></Endpoint>"
        thing += f"</{kind}>"
        return f"<{kind}s>{thing}</{kind}s>" if "Describe" in name else thing

    def _tag_list(self) -> str:
        told = (f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>" for key, value in self.tags.items())
        return f"<TagList>{''.join(told)}</TagList>"

    # -- HTTP, the vault, PostgreSQL ------------------------------------------------------------------------------
    def http(self, provider: str) -> httpx.MockTransport:
        """Of one provider's API."""

        def answer(request: httpx.Request) -> httpx.Response:
            self.reached.append(of_http(provider, request.method, request.url.path).name)
            return httpx.Response(200, json=_document(request))

        return httpx.MockTransport(answer)

    def vault(self, _: HTTPAdapter, request: requests.PreparedRequest, **__: Any) -> requests.Response:
        """In the place of `HTTPAdapter.send`."""
        self.reached.append(of_http("vault", request.method or "", urlsplit(request.url or "").path).name)
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, request.url or ""
        status = {"sealed": False, "initialized": True, "t": 2, "n": 3, "progress": 0, "version": "2.4.0"}
        told = {
            **status,
            **self.status,
            "type": "shamir",
            "auth": {"client_token": "s.token"},
            **_cluster(self.cluster),
        }
        response.raw = io.BytesIO(json.dumps(told).encode())
        return response

    def connect(self, *_: Any, **__: Any) -> Any:
        """In the place of `psycopg.connect`: one that was made is all that has to be known."""
        self.reached.append("postgres")
        raise psycopg.OperationalError("recorded")


@contextmanager
def in_place(world: World) -> Iterator[None]:
    """Where an adapter takes no transport, the library's own is replaced."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HTTPAdapter, "send", lambda *args, **given: world.vault(*args[:2], **given))
        patch.setattr(psycopg, "connect", world.connect)
        yield


def host_of(instance: str) -> str:
    """Where an instance answers."""
    return f"{instance}.eu-west-2.rds.practice.test"


def zone_id(zone: str) -> str:
    """By which the edge knows it."""
    return f"id-{zone.replace('.', '-')}"


def record_id(name: str) -> str:
    """Of the record of that name."""
    return f"record-{name.replace('.', '-')}"


def tags_of(run: str) -> dict[str, str]:
    """What a run's things carry."""
    return {RUN_TAG: run} if run else {}


@dataclass(frozen=True)
class _SignedIn:
    home_region: str
    signed: Signed

    def current(self, _: ServiceName) -> Signed:
        return self.signed


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _form(body: str | bytes) -> dict[str, str]:
    """RDS and STS are asked with forms."""
    text = body if isinstance(body, str) else body.decode()
    return {key: values[-1] for key, values in parse_qs(text).items()}


def _xml(operation: str, content: str) -> str:
    return f"<{operation}Response><{operation}Result>{content}</{operation}Result></{operation}Response>"


def _document(request: httpx.Request) -> Any:
    """Whatever it is, in Cloudflare's envelope and Northflank's at once."""
    asked = request.url.params
    found: Any = {}
    if name := asked.get("name"):
        found = [{"id": zone_id(name), "name": name, "status": "active"}]
    elif name := asked.get("name.exact"):
        found = [{"id": record_id(name), "name": name, "type": "CNAME", "content": "origin.example"}]
    return {"success": True, "result": found, "data": {"secrets": {"variables": {}}}}


def _cluster(cluster: str) -> dict[str, str]:
    return {"cluster_id": cluster} if cluster else {}
