"""IAM Identity Center as the AWS configuration knows it: the profile, and the token that a browser sign-in left.

The token's file is read to say when the sign-in ends *before* a long restore; nothing is called for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runbook.engine.ports import Secret

if TYPE_CHECKING:
    from botocore.session import Session

_OWN_CACHE = "~/.aws/sso/cache"


@dataclass(frozen=True, slots=True)
class SsoProfile:
    """`key` names the token's file: the sso-session, or in an older profile the start URL itself."""

    name: str
    key: str
    region: str
    role: str


@dataclass(frozen=True, slots=True)
class SsoToken:
    """What the last sign-in left; `until` is aware, in UTC."""

    text: Secret
    until: datetime


def sso_profile(session: Session, name: str) -> SsoProfile:
    """The profile as it is written; botocore's ProfileNotFound or InvalidConfigError where it is not one of SSO."""
    from botocore.exceptions import InvalidConfigError, ProfileNotFound

    known: Mapping[str, Any] = session.full_config
    profile = known.get("profiles", {}).get(name)
    if profile is None:
        raise ProfileNotFound(profile=name)
    shared = profile.get("sso_session")
    found = {**known.get("sso_sessions", {}).get(shared, {}), **profile} if shared else profile
    needed = ("sso_start_url", "sso_region", "sso_account_id", "sso_role_name")
    if missing := [variable for variable in needed if not found.get(variable)]:
        where = f'the sso-session "{shared}" and the profile "{name}"' if shared else f'the profile "{name}"'
        raise InvalidConfigError(error_msg=f"{where} lack {', '.join(missing)}")
    return SsoProfile(name, shared or found["sso_start_url"], found["sso_region"], found["sso_role_name"])


def cache_folder(configured: Path | None) -> Path:
    """Where the tokens' files are."""
    return configured or Path(_OWN_CACHE).expanduser()


def cached_token(folder: Path, key: str) -> SsoToken | None:
    """The token of that session or start URL; None where there is none, or none that can be read."""
    file = folder / f"{hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()}.json"
    try:
        written = json.loads(file.read_text(encoding="utf-8"))
        # The CLI has written `2026-11-23T20:00:00Z` and, long ago, `…00UTC`.
        until = datetime.fromisoformat(str(written["expiresAt"]).removesuffix("UTC").removesuffix("Z"))
        return SsoToken(Secret(str(written["accessToken"])), until if until.tzinfo else until.replace(tzinfo=UTC))
    except (OSError, ValueError, KeyError, TypeError):
        return None
