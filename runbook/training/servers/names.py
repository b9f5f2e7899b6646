"""The practice zone's name servers: an authoritative one and a public resolver, over UDP and TCP."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Callable

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from runbook.training.servers.web import bound_socket
from runbook.training.servers.zone import EDGE_ADDRESS, NAME_SERVERS, ORIGIN_ADDRESSES, ZONE, Record, Zone

TTL = 300
Answer = Callable[[bytes], bytes | None]


class NameServer:
    """Answers for the practice zone from its state; `public` ones may be behind the authoritative truth."""

    def __init__(self, zone: Zone, *, public: bool) -> None:
        self._zone = zone
        self._public = public
        self._udp, self._tcp, self._port = _pair(self._reply)
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            for server in (self._udp, self._tcp)
        ]

    @property
    def port(self) -> int:
        """The same for UDP and TCP."""
        return self._port

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for server, thread in zip((self._udp, self._tcp), self._threads, strict=True):
            if thread.is_alive():
                server.shutdown()
                thread.join()
            server.server_close()

    def _reply(self, wire: bytes) -> bytes | None:
        """The answer in wire form; None (silence) for what is no query at all."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if query.flags & dns.flags.QR or not query.question:
            return None
        response = dns.message.make_response(query, recursion_available=self._public)
        question = query.question[0]
        if question.name.is_subdomain(dns.name.from_text(ZONE)):
            self._fill(response, question)
        else:
            response.set_rcode(dns.rcode.NXDOMAIN if self._public else dns.rcode.REFUSED)
        return response.to_wire()

    def _fill(self, response: dns.message.Message, question: dns.rrset.RRset) -> None:
        if not self._public:
            response.flags |= dns.flags.AA
        if question.name == dns.name.from_text(ZONE):
            self._apex(response, question)
            return
        name = question.name.to_text(omit_final_dot=True).lower()
        record, at_the_edge = self._zone.answer(name, public=self._public)
        if record is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif at_the_edge:
            _add(response, question, question.name, "A", EDGE_ADDRESS)
        else:
            _point(response, question, record)

    def _apex(self, response: dns.message.Message, question: dns.rrset.RRset) -> None:
        _add(response, question, question.name, "NS", *(server + "." for server in NAME_SERVERS))


def _point(response: dns.message.Message, question: dns.rrset.RRset, record: Record) -> None:
    """A name that does not pass the edge shows what its record says; of an origin, the origin's own address too."""
    if record.type != "CNAME":
        _add(response, question, question.name, record.type, record.content)
        return
    target = dns.name.from_text(record.content)
    response.answer.append(dns.rrset.from_text(question.name, TTL, "IN", "CNAME", target.to_text()))
    address = ORIGIN_ADDRESSES.get(record.content)
    if address is not None:
        _add(response, question, target, "A", address)


def _add(
    response: dns.message.Message, question: dns.rrset.RRset, name: dns.name.Name, kind: str, *values: str
) -> None:
    """Add records of `kind` when that is what was asked for."""
    if question.rdtype in {dns.rdatatype.from_text(kind), dns.rdatatype.ANY}:
        response.answer.append(dns.rrset.from_text(name, TTL, "IN", kind, *values))


def _pair(answer: Answer) -> tuple[_Udp, _Tcp, int]:
    """A UDP and a TCP server on one free port; the port that UDP got may be taken for TCP: then another."""
    for _ in range(20):
        udp = bound_socket(socket.SOCK_DGRAM)
        try:
            tcp = bound_socket(socket.SOCK_STREAM, udp.getsockname()[1])
        except OSError:
            udp.close()
            continue
        return _Udp(udp, answer), _Tcp(tcp, answer), int(udp.getsockname()[1])
    raise OSError("no port of 127.0.0.1 is free for both UDP and TCP")


class _UdpHandler(socketserver.BaseRequestHandler):
    server: _Udp

    def handle(self) -> None:
        wire, reply_to = self.request
        reply = self.server.answer(wire)
        if reply is not None:
            reply_to.sendto(reply, self.client_address)


class _TcpHandler(socketserver.StreamRequestHandler):
    server: _Tcp
    timeout = 5

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while len(size := self.rfile.read(2)) == 2:
                reply = self.server.answer(self.rfile.read(struct.unpack("!H", size)[0]))
                if reply is None:
                    return
                self.wfile.write(struct.pack("!H", len(reply)) + reply)


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True

    def __init__(self, bound: socket.socket, answer: Answer) -> None:
        super().__init__(bound.getsockname(), _UdpHandler, bind_and_activate=False)
        self.socket.close()
        self.socket, self.answer = bound, answer
        self.server_address = bound.getsockname()


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, bound: socket.socket, answer: Answer) -> None:
        super().__init__(bound.getsockname(), _TcpHandler, bind_and_activate=False)
        self.socket.close()
        self.socket, self.answer = bound, answer
        self.server_address = bound.getsockname()
        self.server_activate()
