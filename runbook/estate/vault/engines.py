"""What a restored vault would act on by itself: audit devices, leases, and the accounts of its database engine.

Each function makes its calls through an `Ask` of the server's: one call as the one who is signed in, None when that
sign-in is alive and may not make it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from runbook.engine.errors import LayerFailed
from runbook.estate.answers import listing, mapping, moment, number, text
from runbook.estate.ports import StaticRole
from runbook.estate.vault import answers
from runbook.estate.vault.answers import Answer
from runbook.estate.vault.refusals import good

Ask = Callable[[str, Callable[[Any], Any]], Awaitable[Answer | None]]
"""Source and call, as `wire.Wire.ask` takes them."""


async def audit_devices(ask: Ask) -> tuple[str, ...] | None:
    """`sys/audit` wants `sudo` besides `read`."""
    answer = await ask("GET /v1/sys/audit", lambda hvac: hvac.sys.list_enabled_audit_devices())
    return None if answer is None else answers.paths(good(answer).body)


async def irrevocable_leases(ask: Ask) -> int | None:
    """A lease is irrevocable when its revocation failed six times."""
    answer = await ask(
        "GET /v1/sys/leases/count?type=irrevocable",
        lambda hvac: hvac.adapter.get("/v1/sys/leases/count", params={"type": "irrevocable"}),
    )
    return None if answer is None else number(good(answer).data.get("lease_count"))


async def static_roles(ask: Ask, mount: str) -> tuple[StaticRole, ...] | None:
    """One call for their names, one for each: the list has no times.  None too when one of them may not be read."""
    answer = await ask(
        f"LIST /v1/{mount}/static-roles", lambda hvac: hvac.secrets.database.list_static_roles(mount_point=mount)
    )
    if answer is None:
        return None
    if _absent(answer):
        return ()
    roles = [await _static_role(ask, mount, text(name)) for name in listing(good(answer).data.get("keys"))]
    told = tuple(role for role in roles if role is not None)
    return told if len(told) == len(roles) else None


async def _static_role(ask: Ask, mount: str, name: str) -> StaticRole | None:
    """Its definition; never `static-creds`, which would show the password."""
    answer = await ask(
        f"GET /v1/{mount}/static-roles/{name}",
        lambda hvac: hvac.secrets.database.read_static_role(name, mount_point=mount),
    )
    return None if answer is None else StaticRole(name, moment(good(answer).data.get("last_vault_rotation")))


_HIDDEN: Final = "*****"  # OpenBao itself puts xxxxx in the place of a password that is part of the address
_IN_URL: Final = re.compile(r"(//[^:@/?\s]*):(?!\{\{password\}\}@)[^?\s]*@")
_AS_WORD: Final = re.compile(r"(?i)\b(password=)(?!'?\{\{password\}\})('[^']*'|[^\s&]*)")


def connection_url(answer: Answer) -> str | None:
    """`connection_url` of a connection; a password in it is shown as `*****`, `{{password}}` stays as it is."""
    if _absent(answer):
        return None
    said = text(mapping(good(answer).data.get("connection_details")).get("connection_url"), 2000)
    return _AS_WORD.sub(rf"\1{_HIDDEN}", _IN_URL.sub(rf"\1:{_HIDDEN}@", said)) or None


def only_the_address(url: str) -> dict[str, object]:
    """What an update sends: the server keeps all that is not named, user name and password among it [real server]."""
    if _HIDDEN in url:
        raise LayerFailed(
            "the connection keeps its password inside its address, where it cannot be carried over unseen",
            fix="Write the connection by hand: connection_url with {{username}} and {{password}}, then both of these.",
            source="vault: connection_url",
        )
    return {"connection_url": url, "verify_connection": True}


def _absent(answer: Answer) -> bool:
    """404 without a word: the path is there, and nothing lies at it."""
    return answer.status == 404 and not answer.text
