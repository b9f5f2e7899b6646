"""Cloudflare's DNS records as far as they are used, over the state in `zone`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from runbook.training.servers import cloudflare_documents as documents
from runbook.training.servers.cloudflare_documents import body_of
from runbook.training.servers.web import Answered, Route
from runbook.training.servers.zone import PROXIABLE, ZONE, Record, Zone, stamp

_NEEDED = ("type", "name", "content", "ttl")
_refusal = documents.refusal


class Records:
    """The handlers; each locks the zone for itself."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def routes(self, base: str) -> Iterable[Route]:
        """`base` is the zone's path."""
        one = base + "/dns_records/<record_id>"
        return (
            Route("GET", base + "/dns_records", self.records),
            Route("POST", base + "/dns_records", self.make),
            Route("GET", one, self.record),
            Route("PATCH", one, self.change),
            Route("PUT", one, self.change),
            Route("DELETE", one, self.remove),
        )

    def records(self, request: Request, zone_id: str) -> Response:
        del zone_id
        asked = request.args
        wanted = {
            "name": asked.get("name.exact", asked.get("name")),
            "type": asked.get("type"),
            "content": asked.get("content.exact", asked.get("content")),
            "proxied": asked.get("proxied"),
        }
        with self._zone.locked() as zone:
            found = [documents.record(one) for one in zone.records]
        fits = [one for one in found if all(value in {None, _said(one[key])} for key, value in wanted.items())]
        return documents.paged(request, fits, size=100, most=5_000_000)

    def record(self, request: Request, zone_id: str, record_id: str) -> Response:
        del request, zone_id
        with self._zone.locked() as zone:
            return documents.good(documents.record(_record(zone, record_id)))

    def make(self, request: Request, zone_id: str) -> Response:
        del zone_id
        wanted = _judged(body_of(request))
        with self._zone.locked() as zone:
            _alone(zone, wanted)
            zone.records.append(wanted)
            return documents.good(documents.record(wanted))

    def change(self, request: Request, zone_id: str, record_id: str) -> Response:
        """The documents of the API want type, name, content and ttl in every PATCH."""
        del zone_id
        body = body_of(request)
        with self._zone.locked() as zone:
            held = _record(zone, record_id)
            kept = {"proxied": held.proxied, "comment": held.comment} if request.method == "PATCH" else {}
            wanted = _judged({**kept, **body})
            wanted.id, wanted.modified = held.id, stamp()
            _alone(zone, wanted)
            zone.records[zone.records.index(held)] = wanted
            return documents.good(documents.record(wanted))

    def remove(self, request: Request, zone_id: str, record_id: str) -> Response:
        del request, zone_id
        with self._zone.locked() as zone:
            zone.records.remove(_record(zone, record_id))
        return documents.good({"id": record_id})


def _said(value: object) -> str:
    """As a query says it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _record(zone: Zone, record_id: str) -> Record:
    found = next((one for one in zone.records if one.id == record_id), None)
    if found is None:
        raise Answered(_refusal(404, 81044, "Record does not exist"))
    return found


def _judged(body: Mapping[str, Any]) -> Record:
    """The record that the body describes, or the refusal."""
    missing = [key for key in _NEEDED if key not in body]
    if missing:
        raise _invalid(f"{', '.join(missing)} missing")
    kind, ttl, proxied = str(body["type"]), body["ttl"], body.get("proxied", False)
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not (ttl == 1 or 60 <= ttl <= 86400):
        raise _invalid("TTL must be between 60 and 86400 seconds, or 1 for automatic")
    if not isinstance(proxied, bool):
        raise _invalid("proxied must be a boolean")
    if proxied and kind not in PROXIABLE:
        raise _invalid("This record type cannot be proxied")
    name = str(body["name"])
    whole = name if name == ZONE or name.endswith("." + ZONE) else f"{name}.{ZONE}"
    # what is proxied has an automatic ttl, whatever was asked for
    return Record(whole, kind, str(body["content"]), proxied, 1 if proxied else int(ttl), body.get("comment"))


def _invalid(reason: str) -> Answered:
    chain = [{"code": 9000, "message": reason}]
    return Answered(_refusal(400, 1004, "DNS Validation Error", error_chain=chain))


def _alone(zone: Zone, wanted: Record) -> None:
    """A record stands once, and an alias alone at its name."""
    others = [one for one in zone.records if one.id != wanted.id and one.name == wanted.name]
    if any((one.type, one.content) == (wanted.type, wanted.content) for one in others):
        raise Answered(_refusal(400, 81058, "An identical record already exists."))
    if any("CNAME" in {one.type, wanted.type} for one in others):
        raise Answered(_refusal(400, 81057, "Record already exists."))
