"""Signing in with long-term keys and the code of an MFA device, by our own STS call.

botocore would ask for the code on the terminal, underneath the screen, and again for every session of its own; a code
is good for one call.  A session that STS gave for serial and code is the only proof of MFA that AWS has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from runbook.config import Aws, SignIn
from runbook.engine.errors import NoVerdict, SignedOut
from runbook.engine.ports import Secret
from runbook.estate.aws import places
from runbook.estate.aws.client import make_client
from runbook.estate.aws.credentials import Held, WithKeys, with_credentials
from runbook.estate.aws.errors import code_of, translated
from runbook.estate.aws.isolation import Reads, loading_session
from runbook.estate.ports import SignInState, WrongCode
from runbook.safety.interlock import Interlock
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

STS_ONLY: Final = frozenset(("sts:GetCallerIdentity", "sts:AssumeRole", "sts:GetSessionToken"))
SOURCE: Final = "AWS sign-in"
NEEDS_CODE: Final = "sign in with the code of your MFA device first"
_ROLE_LIMIT_S: Final = 12 * 3600
_REFUSED_CODE: Final = re.compile(r"MultiFactorAuthentication failed|'(?:tokenCode|serialNumber)'", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _LongTerm:
    """The user's own keys, and what they are to be changed for; the profile fills in what is not configured."""

    credentials: Any
    source: str
    role_arn: str | None
    serial: str | None


class MfaWay:
    """`keys` are access key and secret key; None: they are in `sign_in.profile`."""

    def __init__(self, settings: Aws, keys: tuple[Secret, Secret] | None, interlock: Interlock) -> None:
        self._settings = settings
        self._keys = keys
        self._interlock = interlock

    def state(self, held: Held | None) -> SignInState:
        """Without a call; NoVerdict where there are no keys or no device."""
        known = self._long_term()
        device = _device(known)
        if held is None:
            return SignInState("mfa", known.source, needs="code", device=device)
        return SignInState(
            "mfa", held.source, mfa="PROVEN" if held.with_code else "NO", until=held.until, device=device
        )

    def before(self) -> Held:
        """What can be asked before there is a session: who these keys belong to."""
        known = self._long_term()
        return Held(known.credentials, known.source)

    def take(self, code: Secret | None) -> Held:
        """A session for serial and code; WrongCode when it is not one, or STS does not accept it."""
        if code is None:
            raise SignedOut("aws", f"{SOURCE}: {NEEDS_CODE}", fix="Enter the code of your MFA device.", source=SOURCE)
        digits = Secret("".join(code.reveal().split()))  # authenticators show 123 456
        if not re.fullmatch(r"[0-9]{6}", digits.reveal()):
            raise WrongCode("the code of an MFA device has six digits")
        known = self._long_term()
        device = _device(known)
        return self._held(
            known, {"SerialNumber": device, "TokenCode": digits.reveal()}, f"with the MFA device {device}"
        )

    def without_code(self) -> Held:
        """What can be had without a second factor: a session of the role, or the user's own keys as they are."""
        known = self._long_term()
        if known.role_arn is None:
            return Held(known.credentials, f"{known.source}, without a second factor")
        return self._held(known, {}, "without a second factor")

    def _held(self, known: _LongTerm, given: Mapping[str, str], how: str) -> Held:
        from botocore.exceptions import ClientError

        what = "AssumeRole" if known.role_arn else "GetSessionToken"
        try:
            answer = self._ask_sts(known, given)
        except ClientError as error:
            raise _refused(error, f"sts:{what}") from None
        keys = answer["Credentials"]
        return Held(
            WithKeys(Secret(keys["AccessKeyId"]), Secret(keys["SecretAccessKey"]), Secret(keys["SessionToken"])).made(),
            f"{what} {how}",
            keys["Expiration"].astimezone(UTC),
            with_code=bool(given),
        )

    def _ask_sts(self, known: _LongTerm, given: Mapping[str, str]) -> Mapping[str, Any]:
        """One attempt: a code that arrived is used up, and a second one would only hear that it is wrong."""
        session = with_credentials(known.credentials, self._settings, self._interlock, only=STS_ONLY)
        region = self._settings.region
        endpoint = (self._settings.endpoint or places.endpoint("sts", region)).rstrip("/")
        sts = make_client(session, "sts", region, endpoint, attempts=1)
        seconds = round(self._settings.sign_in.session_hours * 3600)
        answer: Mapping[str, Any]
        if known.role_arn is None:
            answer = sts.get_session_token(DurationSeconds=seconds, **given)
        else:
            answer = sts.assume_role(
                RoleArn=known.role_arn,
                RoleSessionName=_session_name(_device(known)),
                DurationSeconds=min(seconds, _ROLE_LIMIT_S),
                **given,
            )
        return answer

    def _long_term(self) -> _LongTerm:
        sign_in = self._settings.sign_in
        if self._keys is not None:
            return _LongTerm(
                WithKeys(*self._keys).made(), "access key as entered", sign_in.role_arn, sign_in.mfa_serial
            )
        return _of_profile(self._settings, sign_in, self._interlock)


def _of_profile(settings: Aws, sign_in: SignIn, interlock: Interlock) -> _LongTerm:
    """Keys of the profile or of its `source_profile`; its role and its device where runbook.toml names none."""
    from botocore.exceptions import NoCredentialsError, PartialCredentialsError, ProfileNotFound

    name = sign_in.profile or "default"
    session = loading_session(settings, interlock, Reads(profile=name, config_file=sign_in.config_file))
    profiles: Mapping[str, Mapping[str, str]] = session.full_config.get("profiles", {})
    if name not in profiles:
        raise ProfileNotFound(profile=name)
    profile = profiles[name]
    source = profile.get("source_profile", name)
    if source not in profiles:
        raise ProfileNotFound(profile=source)
    found = [profiles[source].get(key) for key in ("aws_access_key_id", "aws_secret_access_key")]
    if all(found):
        credentials = WithKeys(*(Secret(str(key)) for key in found)).made()
    elif any(found):
        raise PartialCredentialsError(provider=f"the profile {source}", cred_var="key id or secret key")
    else:
        credentials = _of_process(session, source)
    if credentials is None:
        raise NoCredentialsError
    return _LongTerm(
        credentials,
        f"access key of the profile {outside_text(source)}",
        sign_in.role_arn or profile.get("role_arn"),
        sign_in.mfa_serial or profile.get("mfa_serial"),
    )


def _of_process(session: Any, profile: str) -> Any:
    """From the program that the profile names (a password store, mostly); None where it names none."""
    from botocore.credentials import ProcessProvider

    return ProcessProvider(profile_name=profile, load_config=lambda: session.full_config).load()


def _device(known: _LongTerm) -> str:
    if known.serial is None:
        raise NoVerdict(
            f"{SOURCE}: no MFA device is named",
            fix="Set mfa_serial in [aws.sign_in] of runbook.toml (IAM console → your user → security credentials).",
            source=SOURCE,
        )
    return known.serial


def _session_name(device: str) -> str:
    """Who it is, for CloudTrail: a virtual device is called as its user is, mostly."""
    return re.sub(r"[^\w+=,.@-]", "-", device.rpartition("/")[2], flags=re.ASCII)[:64].ljust(2, "-")


def _refused(error: ClientError, source: str) -> Exception:
    code, words = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    said = outside_text(f"{code}: {words}")
    if _REFUSED_CODE.search(words):
        return WrongCode(said)
    if "DurationSeconds" in words:
        return NoVerdict(
            f"{SOURCE}: the role does not allow sessions of that length",
            fix="Set session_hours in [aws.sign_in] to the role's maximum session duration, or raise that in IAM.",
            provider_text=said,
            source=SOURCE,
        )
    return translated(error, source)
