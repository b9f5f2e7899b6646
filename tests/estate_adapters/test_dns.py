from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.estate.dns import Dns
from tests.estate_adapters.provider import door, interlock

__all__ = ["door"]
ADDRESSES = {
    ("app.clinic.test.", "A"): [("app.clinic.test.", "A", "127.0.0.1")],
    ("app.clinic.test.", "AAAA"): [("app.clinic.test.", "AAAA", "::1")],
    ("alias.clinic.test.", "A"): [
        ("alias.clinic.test.", "CNAME", "app.clinic.test."),
        ("app.clinic.test.", "A", "127.0.0.1"),
    ],
    ("dangling.clinic.test.", "A"): [("dangling.clinic.test.", "CNAME", "elsewhere.test.")],
    ("bare.clinic.test.", "A"): [],
    ("clinic.test.", "NS"): [
        ("clinic.test.", "NS", "Bob.NS.Practice.test."),
        ("clinic.test.", "NS", "ada.ns.practice.test."),
    ],
}


def reply(query: dns.message.Message) -> dns.message.Message | None:
    question = query.question[0]
    name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.AA
    if name == "silent.clinic.test.":
        return None
    if name == "ill.clinic.test.":
        answer.set_rcode(dns.rcode.SERVFAIL)
    elif not any(known == name for known, _ in ADDRESSES):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    for owner, of, text in ADDRESSES.get((name, kind), []):
        answer.answer.append(dns.rrset.from_text(owner, 300, "IN", of, text))
    return answer


@pytest.fixture
def port() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        here = server.getsockname()[1]
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        yield here
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", ("127.0.0.1", here))
        thread.join(5)


def serve(server: socket.socket) -> None:
    while True:
        wire, client = server.recvfrom(4096)
        if not wire:
            return
        answer = reply(dns.message.from_wire(wire))
        if answer is not None:
            server.sendto(answer.to_wire(), client)


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("app.clinic.test", ("127.0.0.1", "::1")),
        ("alias.clinic.test", ("127.0.0.1",)),
        ("dangling.clinic.test", ()),
        ("bare.clinic.test", ()),
        ("missing.clinic.test", ()),
    ],
)
async def test_addresses_are_what_that_server_says(door, port, name, addresses):
    assert await Dns(interlock(), door).addresses(name, "127.0.0.1", port) == addresses


async def test_name_servers_come_in_lower_case_without_the_dot_sorted(door, port):
    here = Dns(interlock(), door)
    assert await here.name_servers("clinic.test", "127.0.0.1", port) == ("ada.ns.practice.test", "bob.ns.practice.test")
    assert await here.name_servers("bare.clinic.test", "127.0.0.1", port) == ()
    assert await here.name_servers("missing.clinic.test", "127.0.0.1", port) == ()


async def test_name_servers_that_nobody_tells_are_no_verdict(door, port):
    with pytest.raises(NoVerdict, match="no usable answer"):
        await Dns(interlock(), door, lifetime=0.2).name_servers("ill.clinic.test", "127.0.0.1", port)


@pytest.mark.parametrize("name", ["ill.clinic.test", "silent.clinic.test"])
async def test_a_server_that_gives_no_usable_answer_is_no_verdict(door, port, name):
    with pytest.raises(NoVerdict, match="no usable answer") as caught:
        await Dns(interlock(), door, lifetime=0.2).addresses(name, "127.0.0.1", port)
    assert caught.value.source == f"dns: 127.0.0.1:{port} {name}"


async def test_a_name_that_is_none_fails(door, port):
    with pytest.raises(LayerFailed):
        await Dns(interlock(), door).addresses("a" * 64 + ".test", "127.0.0.1", port)


async def test_training_asks_no_server_outside_this_machine(door):
    guard = interlock()
    with pytest.raises(Refused):
        await Dns(guard, door).addresses("app.clinic.test", "192.0.2.53", 53)
    with pytest.raises(Refused):
        await Dns(guard, door).name_servers("clinic.test", "192.0.2.53", 53)
    assert guard.counts["refused"] == 2
