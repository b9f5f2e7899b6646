"""Ports that are given out before their servers start: nobody else may be given one in between."""

from __future__ import annotations

import errno
import socket

import pytest

from runbook.training.servers.waiting import Ports


def test_a_port_that_was_given_out_is_kept_from_another_estate(monkeypatch: pytest.MonkeyPatch) -> None:
    port = Ports().take()
    following = iter([port, port, *range(port + 1, port + 50)])
    monkeypatch.setattr("secrets.choice", lambda _: next(following))
    assert Ports().take() > port


def test_its_server_gets_it_and_gets_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    port = Ports().take()
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)):
            following = iter([port, *range(port + 1, port + 50)])
            monkeypatch.setattr("secrets.choice", lambda _, following=following: next(following))
            assert Ports().take() > port


def test_where_no_port_can_be_had_at_all_none_is_looked_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> socket.socket:
        raise PermissionError(errno.EPERM, "loopback is shut")

    monkeypatch.setattr(socket, "create_connection", refused)
    with pytest.raises(PermissionError):
        Ports().take()
