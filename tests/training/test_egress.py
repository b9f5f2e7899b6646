"""The probe beside the staging vault: shut by its rule but for what is staging's own, really connecting without it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from werkzeug.test import Client

from runbook.training.servers.egress import RULE, EgressProbe


@pytest.fixture
def door() -> Iterator[socket.socket]:
    """Something that listens; whoever connected waits in its queue."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(0)
        yield listening


@pytest.fixture
def deaf() -> str:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def probe(*allowed: int, shut: bool = True) -> EgressProbe:
    made = EgressProbe(lambda: allowed)
    made.shut = shut
    return made


def ask(asked: EgressProbe, *targets: Any) -> Any:
    return Client(asked).post("/connect", json={"targets": list(targets)}).get_json()


def at(door: socket.socket) -> str:
    return f"127.0.0.1:{door.getsockname()[1]}"


def knocked(door: socket.socket) -> bool:
    try:
        door.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_the_rule_refuses_by_name_and_without_a_connection(door: socket.socket) -> None:
    assert ask(probe(), at(door)) == {"rule": RULE, "reached": [], "refused": [at(door)]}
    assert not knocked(door)


def test_without_the_rule_each_connection_is_tried(door: socket.socket, deaf: str) -> None:
    assert ask(probe(shut=False), at(door), deaf) == {"rule": None, "reached": [at(door)], "refused": [deaf]}
    assert knocked(door)


def test_what_belongs_to_staging_is_tried_in_spite_of_the_rule(door: socket.socket) -> None:
    assert ask(probe(door.getsockname()[1]), at(door)) == {"rule": RULE, "reached": [at(door)], "refused": []}
    assert knocked(door)


@pytest.mark.parametrize(
    "target", ["192.0.2.1:5432", "example.test:443", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", ""]
)
def test_no_other_machine_and_no_nonsense_is_ever_tried(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("it was tried"))
    assert ask(probe(shut=False), target)["refused"] == [target]


@pytest.mark.parametrize("body", [None, [], {}, {"targets": "all"}, {"targets": [1]}])
def test_a_body_without_targets_is_refused(body: Any) -> None:
    assert Client(probe()).post("/connect", json=body).status_code == 400


def test_there_is_nothing_else() -> None:
    assert Client(probe()).get("/").status_code == 404
