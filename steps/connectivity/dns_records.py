"""How the records that route a name read, wherever they are compared or shown."""

from __future__ import annotations

import ipaddress
from typing import Final

from runbook.estate.ports import DnsRecord

RECORD: Final = "cloudflare:record"  # in the ledger
ROUTING: Final = frozenset({"A", "AAAA", "CNAME"})  # what else stands at a name (TXT, CAA) routes nobody
SOURCE: Final = "cloudflare: GET dns_records"


def said(record: DnsRecord) -> str:
    """What it says."""
    return f"{record.type} {place(record.content)}, {'proxied' if record.proxied else 'NOT proxied'}"


def place(content: str) -> str:
    """As one place is always written: an address in its shortest form, a name in lower case without the final dot."""
    try:
        return str(ipaddress.ip_address(content))
    except ValueError:
        return content.removesuffix(".").lower()
