"""Who may do what in the practice account, where moto would say yes to anything: codes, sessions, the SSO portal.

The operator has an IAM user whose long-term keys are good for STS alone, an MFA device that is really checked, a role
that wants its code, and a permission set in IAM Identity Center.  Imported by the AWS server's own process only.
"""

from __future__ import annotations

import io
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from runbook.training.servers.aws_device import Device
from runbook.training.servers.aws_names import MFA_DEVICE, PERMISSION_SET, ROLE, SESSION, SSO_ROLE, USER
from runbook.training.servers.aws_replies import Reply, credentials_reply, simulation_reply
from runbook.training.servers.aws_weather import SCOPE, Denial, Weather

BEARER = "HTTP_X_AMZ_SSO_BEARER_TOKEN"
_PORTAL = "/federation/credentials"
_LOGIN_LASTS = timedelta(hours=8)
_ROLE_LASTS = timedelta(hours=1)
_MFA = "MultiFactorAuthentication failed"
_NO_CODE = f"{_MFA}, must provide both MFA serial number and one time pass code."
_NO_DEVICE = (
    f"{_MFA}, unable to validate MFA code.  "
    "Please verify your MFA serial number is valid and associated with this user."
)
_WRONG_CODE = f"{_MFA} with invalid MFA one time pass code. "


@dataclass(frozen=True, slots=True)
class _Asked:
    """A signed request, as far as it matters here."""

    key: str
    service: str
    form: Mapping[str, str]
    action: str


class Identity:
    """Stands in front of moto; safe to use from several threads."""

    def __init__(self, account: str, region: str, weather: Weather) -> None:
        self._account, self._region, self._weather = account, region, weather
        self._iam: Any = iam_backends[account]["aws"]
        self._sts: Any = sts_backends[account]["aws"]
        self._device = Device(f"arn:aws:iam::{account}:mfa/{MFA_DEVICE}", weather.clock)
        self._user = self._make_user()
        self._sessions: list[str] = []
        self._tokens: dict[str, datetime] = {}
        self._lock = Lock()
        self.facts: dict[str, Any] = {
            "user_key": self._user.access_key_id,
            "user_secret": self._user.secret_access_key,
            "mfa_serial": self._device.serial,
            "role_arn": self._role_arn,
            **self._ambient(),
        }

    # -- what the estate's door may ask ----------------------------------------------------------------------------
    def code(self) -> dict[str, str]:
        """What the operator's device shows."""
        return {"code": self._device.next_code()}

    def expire(self) -> dict[str, str]:
        """Every sign-in of the operator's runs out; the new session for those who sign in by environment or file."""
        with self._lock:
            over, self._sessions = self._sessions, []
            self._tokens.clear()
        self._weather.change(expired_keys=(*self._weather.now.expired_keys, *over))
        return self._ambient()

    def sso_login(self) -> dict[str, str]:
        """What a sign-in in the browser ends in: a bearer token for the portal, and its end."""
        token, until = secrets.token_urlsafe(48), self._now() + _LOGIN_LASTS
        with self._lock:
            self._tokens[token] = until
        return {"token": token, "until": until.strftime("%Y-%m-%dT%H:%M:%SZ")}

    # -- what AWS's clients ask ------------------------------------------------------------------------------------
    def answer(self, environ: dict[str, Any]) -> Reply | None:
        """Our own answer to a request, or None: moto answers it."""
        if environ.get("PATH_INFO") == _PORTAL:
            return self._role_credentials(environ)
        scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if scope is None:
            return None
        asked = _asked(environ, *scope.groups())
        if asked.key == self._user.access_key_id:
            return self._with_long_term_keys(asked)
        if (asked.service, asked.action) == ("iam", "SimulatePrincipalPolicy"):
            return self._simulate(asked)
        return None

    def _with_long_term_keys(self, asked: _Asked) -> Reply | None:
        wishes: dict[str, Callable[[_Asked], Reply]] = {
            "AssumeRole": self._assume_role,
            "GetSessionToken": self._session_token,
        }
        if asked.service == "sts" and asked.action in wishes:
            return wishes[asked.action](asked)
        if asked.service == "sts" and asked.action == "GetCallerIdentity":
            return None
        why = "with an explicit deny in an identity-based policy"
        return _denied(asked.service, f"{self._may_not(asked)} {why}")

    def _assume_role(self, asked: _Asked) -> Reply:
        role = asked.form.get("RoleArn", "")
        if role != self._role_arn or not {"SerialNumber", "TokenCode"} & asked.form.keys():
            return _denied("sts", f"{self._may_not(asked)} on resource: {role}")
        if refused := self._refused_code(asked):
            return refused
        lasts = timedelta(seconds=int(asked.form.get("DurationSeconds", "3600")))
        session = self._session(role, asked.form.get("RoleSessionName", SESSION), lasts)
        return credentials_reply("AssumeRole", session, self._now() + lasts, arn=session.arn, role_id=session.user_id)

    def _session_token(self, asked: _Asked) -> Reply:
        if refused := self._refused_code(asked):
            return refused
        key = self._iam.get_user(USER).create_access_key(prefix="ASIA")
        self._iam.access_keys[key.access_key_id] = key
        self._remember(key.access_key_id)
        lasts = timedelta(seconds=int(asked.form.get("DurationSeconds", "43200")))
        return credentials_reply("GetSessionToken", key, self._now() + lasts)

    def _refused_code(self, asked: _Asked) -> Reply | None:
        """In the order in which AWS looks: both there, the shape, the device, the code."""
        serial, code = asked.form.get("SerialNumber", ""), asked.form.get("TokenCode", "")
        if not serial or not code:
            return _denied("sts", _NO_CODE)
        if not re.fullmatch(r"[0-9]{6}", code):
            what = f"1 validation error detected: Value '{code}' at 'tokenCode' failed to satisfy constraint"
            pattern = "Member must satisfy regular expression pattern: [\\d]*"
            return Denial(HTTPStatus.BAD_REQUEST, "ValidationError", f"{what}: {pattern}").reply("sts")
        if serial != self._device.serial:
            return _denied("sts", _NO_DEVICE)
        return None if self._device.accepts(code) else _denied("sts", _WRONG_CODE)

    def _role_credentials(self, environ: Mapping[str, Any]) -> Reply:
        """The portal's GetRoleCredentials: it is not signed, the bearer token is all it has."""
        with self._lock:
            until = self._tokens.get(environ.get(BEARER, ""))
        if until is None or until <= self._now():
            return Denial(HTTPStatus.UNAUTHORIZED, "UnauthorizedException", "Session token not found or invalid").reply(
                "sso"
            )
        form = _first(parse_qs(environ.get("QUERY_STRING", "")))
        if (form.get("role_name"), form.get("account_id")) != (PERMISSION_SET, self._account):
            return Denial(HTTPStatus.FORBIDDEN, "ForbiddenException", "No access").reply("sso")
        session = self._session(self._sso_role_arn, SESSION, _ROLE_LASTS)
        keys = {
            "accessKeyId": session.access_key_id,
            "secretAccessKey": session.secret_access_key,
            "sessionToken": session.session_token,
            "expiration": int((self._now() + _ROLE_LASTS).timestamp() * 1000),
        }
        return Reply(HTTPStatus.OK, "application/json", json.dumps({"roleCredentials": keys}).encode())

    def _simulate(self, asked: _Asked) -> Reply:
        """Allowed, but for the mood's `denied_actions`; a page has `MaxItems` actions, as AWS's have."""
        entity, forbidden = asked.form.get("PolicySourceArn", ""), self._weather.now.denied_actions
        if "iam:SimulatePrincipalPolicy" in forbidden:
            return _denied("iam", f"User: {entity} is not authorized to perform: iam:SimulatePrincipalPolicy")
        if entity not in {self._role_arn, self._sso_role_arn, self._user_arn}:
            return Denial(HTTPStatus.NOT_FOUND, "NoSuchEntity", f"Entity {entity} does not exist.").reply("iam")
        names = [name for field, name in sorted(asked.form.items()) if field.startswith("ActionNames.member.")]
        start, size = int(asked.form.get("Marker", "0")), int(asked.form.get("MaxItems", "100"))
        page = [(name, "implicitDeny" if name in forbidden else "allowed") for name in names[start : start + size]]
        return simulation_reply(page, marker=str(start + size) if start + size < len(names) else "")

    # -- keys --------------------------------------------------------------------------------------------------------
    def _make_user(self) -> Any:
        self._iam.create_user(region_name=self._region, user_name=USER)
        self._iam.create_virtual_mfa_device(MFA_DEVICE, "/")
        self._iam.enable_mfa_device(USER, self._device.serial, "123456", "654321")  # moto takes any two codes
        return self._iam.create_access_key(USER)

    def _ambient(self) -> dict[str, str]:
        session = self._session(self._role_arn, SESSION, _LOGIN_LASTS)
        return {
            "ambient_key": session.access_key_id,
            "ambient_secret": session.secret_access_key,
            "ambient_token": session.session_token,
        }

    def _session(self, role: str, name: str, lasts: timedelta) -> Any:
        """A role's session in moto, which knows who it is by its key."""
        session = self._sts.assume_role(self._region, name, role, "", int(lasts.total_seconds()), "")
        self._remember(session.access_key_id)
        return session

    def _remember(self, key: str) -> None:
        with self._lock:
            self._sessions.append(key)

    @property
    def _role_arn(self) -> str:
        return f"arn:aws:iam::{self._account}:role/{ROLE}"

    @property
    def _sso_role_arn(self) -> str:
        return f"arn:aws:iam::{self._account}:role/aws-reserved/sso.amazonaws.com/{self._region}/{SSO_ROLE}"

    @property
    def _user_arn(self) -> str:
        return f"arn:aws:iam::{self._account}:user/{USER}"

    def _may_not(self, asked: _Asked) -> str:
        return f"User: {self._user_arn} is not authorized to perform: {asked.service}:{asked.action}"

    def _now(self) -> datetime:
        """By the provider's clock."""
        return datetime.fromtimestamp(self._weather.clock(), UTC)


def _asked(environ: dict[str, Any], key: str, service: str) -> _Asked:
    form: dict[str, str] = {}
    if service in {"sts", "iam", "rds"}:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)  # for moto to read once more
        form = _first(parse_qs(body.decode("utf-8", "replace")))
    target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    return _Asked(key, service, form, form.get("Action") or target or environ["REQUEST_METHOD"])


def _first(fields: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[0] for name, values in fields.items()}


def _denied(service: str, message: str) -> Reply:
    code = "AccessDeniedException" if service in {"kms", "sso"} else "AccessDenied"
    return Denial(HTTPStatus.FORBIDDEN, code, message).reply(service)
