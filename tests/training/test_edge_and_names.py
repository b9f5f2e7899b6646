"""What a visitor meets: the edge's rules and the name servers follow the zone's state."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import httpx
import pytest
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response

from runbook.training.certificates import Authority
from runbook.training.servers.edge import Edge
from runbook.training.servers.names import NameServer
from runbook.training.servers.web import LoopbackServer, Upstream
from runbook.training.servers.zone import CANARY_PATH, HOSTNAMES, ORIGIN, Zone

Servers = dict[str, NameServer]


@pytest.fixture
def origin() -> Iterator[LoopbackServer]:
    server = LoopbackServer(Response("the clinic", headers={"x-clinic-commit": "abc", "server": "origin"}))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def edge(zone: Zone, origin: LoopbackServer) -> Edge:
    lead_to_the_edge(zone)
    return Edge(zone, Upstream(origin.port))


def lead_to_the_edge(zone: Zone) -> None:
    """What a restore leaves: both names proxied, to the new origin."""
    for one in zone.records:
        if one.name in HOSTNAMES:
            one.content, one.proxied = ORIGIN, True


def visit(edge: Edge, path: str = "/", **options: object) -> TestResponse:
    headers = {"Host": "app.clinic.test", **options}
    answer = Client(edge).get(path, headers=headers)
    assert answer.headers["server"] == "cloudflare"
    assert answer.headers["cf-ray"].endswith("-LHR")
    return answer


@pytest.mark.parametrize("name", HOSTNAMES)
def test_a_visitor_of_either_name_is_taken_to_the_origin(edge: Edge, name: str) -> None:
    answer = visit(edge, Host=name)
    assert (answer.status_code, answer.text, answer.headers["x-clinic-commit"]) == (200, "the clinic", "abc")


def test_the_canary_path_is_blocked_while_its_rule_is_there(edge: Edge, zone: Zone) -> None:
    blocked = visit(edge, CANARY_PATH)
    assert (blocked.status_code, "Sorry, you have been blocked" in blocked.text) == (403, True)
    assert "cf-mitigated" not in blocked.headers
    zone.drop_protection(managed=False, canary=True)
    assert visit(edge, CANARY_PATH).status_code == 200


@pytest.mark.parametrize(
    ("path", "headers"), [("/", {"X-Api-Version": "${jndi:ldap://x}"}), ("/?q=<script>alert(1)</script>", {})]
)
def test_the_managed_rules_block_known_attacks_while_they_are_on(
    edge: Edge, zone: Zone, path: str, headers: dict[str, str]
) -> None:
    assert visit(edge, path, **headers).status_code == 403
    zone.drop_protection(managed=True, canary=False)
    assert visit(edge, path, **headers).status_code == 200


def test_under_attack_every_visitor_is_challenged(edge: Edge, zone: Zone) -> None:
    zone.set_security_level("under_attack")
    assert (visit(edge).status_code, visit(edge).headers["cf-mitigated"]) == (403, "challenge")
    with pytest.raises(ValueError, match="essentially_off"):
        zone.set_security_level("extreme")


def test_a_redirect_to_http_keeps_the_path(edge: Edge) -> None:
    edge.to_http = True
    answer = visit(edge, "/appointments?day=2")
    assert (answer.status_code, answer.headers["Location"]) == (301, "http://app.clinic.test/appointments?day=2")


def test_a_name_that_does_not_pass_the_edge_is_not_served(edge: Edge, zone: Zone) -> None:
    zone.paused = True
    assert visit(edge).status_code == 530
    zone.paused = False
    zone.go_stale()
    assert visit(edge).status_code == 530
    assert visit(edge, Host="other.test").status_code == 530


def test_an_origin_that_is_down_is_said_to_be(edge: Edge, origin: LoopbackServer) -> None:
    origin.stop()
    assert visit(edge).status_code == 522


def test_the_edge_speaks_tls_for_the_name_and_survives_a_client_that_does_not(edge: Edge, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = LoopbackServer(edge, tls=authority.issue("app.clinic.test").server_context())
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as silent:
            silent.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with httpx.Client(verify=authority.client_context(), trust_env=False) as client:
                named = {"headers": {"Host": "app.clinic.test"}, "extensions": {"sni_hostname": "app.clinic.test"}}
                assert client.get(server.url, **named).text == "the clinic"  # type: ignore[arg-type]  # one table for both calls
                with pytest.raises(httpx.ConnectError):
                    client.get(server.url)  # the certificate is not for the address
    finally:
        server.stop()


# -- names ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def servers(zone: Zone) -> Iterator[Servers]:
    made = {"authoritative": NameServer(zone, public=False), "public": NameServer(zone, public=True)}
    for server in made.values():
        server.start()
    yield made
    for server in made.values():
        server.stop()


def ask(server: NameServer, name: str, kind: str = "A", *, tcp: bool = False) -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    over = dns.query.tcp if tcp else dns.query.udp
    return over(query, "127.0.0.1", timeout=3, port=server.port)


def addresses(message: dns.message.Message) -> list[str]:
    return [item.to_text() for answer in message.answer for item in answer if answer.rdtype == dns.rdatatype.A]


@pytest.mark.parametrize("tcp", [False, True])
def test_a_proxied_name_shows_the_edge_and_never_its_origin(zone: Zone, servers: Servers, *, tcp: bool) -> None:
    lead_to_the_edge(zone)
    for server in servers.values():
        message = ask(server, "app.clinic.test", tcp=tcp)
        assert addresses(message) == ["127.0.0.1"]
        assert len(message.answer) == 1
        assert message.answer[0].ttl == 300


@pytest.mark.parametrize("name", HOSTNAMES)
def test_a_name_that_is_not_proxied_shows_its_origin(servers: Servers, name: str) -> None:
    message = ask(servers["authoritative"], name)
    assert message.answer[0].rdtype == dns.rdatatype.CNAME
    assert addresses(message) == ["192.0.2.81"]
    assert message.flags & dns.flags.AA


def test_an_address_record_shows_its_address(servers: Servers) -> None:
    assert addresses(ask(servers["authoritative"], "status.clinic.test")) == ["192.0.2.90"]
    assert ask(servers["authoritative"], "status.clinic.test", "AAAA").answer == []


def test_a_paused_zone_shows_the_origin_even_of_a_proxied_name(zone: Zone, servers: Servers) -> None:
    lead_to_the_edge(zone)
    zone.pause()
    assert addresses(ask(servers["public"], "app.clinic.test")) == ["192.0.2.80"]


def test_public_resolvers_are_behind_for_a_while(zone: Zone, servers: Servers) -> None:
    zone.go_stale(2)
    lead_to_the_edge(zone)
    for name in HOSTNAMES:
        assert addresses(ask(servers["authoritative"], name)) == ["127.0.0.1"]
        told = [addresses(ask(servers["public"], name))[0] for _ in range(3)]
        assert told == ["192.0.2.81", "192.0.2.81", "127.0.0.1"]


def test_other_names_are_refused_or_unknown(servers: Servers) -> None:
    assert ask(servers["authoritative"], "nothing.clinic.test").rcode() == dns.rcode.NXDOMAIN
    assert ask(servers["authoritative"], "example.com").rcode() == dns.rcode.REFUSED
    assert ask(servers["public"], "example.com").rcode() == dns.rcode.NXDOMAIN


def test_the_zone_names_its_servers(servers: Servers) -> None:
    message = ask(servers["authoritative"], "clinic.test", "NS")
    assert {item.to_text() for item in message.answer[0]} == {"ada.ns.practice.test.", "bob.ns.practice.test."}


def test_what_is_no_query_gets_no_answer(servers: Servers) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"hello", ("127.0.0.1", servers["public"].port))
    assert addresses(ask(servers["public"], "app.clinic.test"))
