"""How the practice operator signs in to the practice AWS: what their machine holds, and what their hands can do.

mfa      an IAM user's long-term keys, and a device that shows codes
sso      a profile of IAM Identity Center and the token of the last browser sign-in, in files of the estate's own
ambient  a session's keys in a configuration file of the estate's own
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from runbook.training.servers import aws_names as names
from runbook.training.servers.aws_process import AwsProcess
from runbook.training.variant import CHOICES

PROFILE: Final = "clinic"
_START_URL: Final = "https://clinic.awsapps.com/start"
_CONFIG: Final = f"""[profile {PROFILE}]
sso_session = {PROFILE}
sso_account_id = {names.ACCOUNT}
sso_role_name = {names.PERMISSION_SET}
region = {names.REGION}

[sso-session {PROFILE}]
sso_start_url = {_START_URL}
sso_region = {names.REGION}
sso_registration_scopes = sso:account:access
"""


class OperatorSignIn:
    """`folder` is made, private; nothing of the real operator's ~/.aws or environment is read or written."""

    def __init__(self, aws: AwsProcess, folder: Path, way: str) -> None:
        if way not in (known := CHOICES["sign_in"]):
            raise ValueError(f"sign-in {way!r} is not known; known: {', '.join(known)}")
        self._aws, self._folder, self._way = aws, folder, way

    def prepare(self) -> None:
        """Once the account is made: lay out what the operator's machine has at the start, a valid sign-in included."""
        self._cache.mkdir(mode=0o700, parents=True)
        if self._way == "sso":
            _write(self._config, _CONFIG)
            self.sso_login()
        elif self._way == "ambient":
            self._write_ambient()

    def settings(self) -> dict[str, Any]:
        """`runbook.config.SignIn`, as plain values."""
        if self._way == "mfa":
            facts = self._aws.facts
            return {"way": "mfa", "role_arn": facts["role_arn"], "mfa_serial": facts["mfa_serial"]}
        given = {"way": self._way, "profile": PROFILE, "config_file": str(self._config)}
        return given | ({"sso_cache": str(self._cache)} if self._way == "sso" else {})

    def identities(self) -> list[str]:
        """Whom AWS may know the operator as: the user before the code, the role after it, the role of the portal."""
        session = f"arn:aws:sts::{names.ACCOUNT}:assumed-role"
        user = f"arn:aws:iam::{names.ACCOUNT}:user/{names.USER}"
        return [f"{session}/{names.ROLE}/*", user, f"{session}/AWSReservedSSO_{names.PERMISSION_SET}_*/*"]

    def credentials(self) -> dict[str, str]:
        """What the operator can type in: their keys, and the code that the device shows now."""
        if self._way != "mfa":
            return {}
        return {
            "aws-access-key": self._aws.facts["user_key"],
            "aws-secret-key": self._aws.facts["user_secret"],
            "aws-mfa-code": self._aws.ask("mfa-code")["code"],
        }

    def sso_login(self) -> None:
        """`aws sso login`, and the browser's part of it: a new token lies in the cache."""
        made = self._aws.ask("sso-login")
        self._write_token(made["token"], made["until"])

    def expire(self) -> None:
        """All sessions run out, as they do over night; by file a new one is there at once."""
        self._aws.facts |= self._aws.ask("sign-in")
        if self._way == "sso":
            token = json.loads(self._token_file.read_text(encoding="utf-8"))
            self._write_token(token["accessToken"], f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        elif self._way == "ambient":
            self._write_ambient()

    def _write_ambient(self) -> None:
        facts = self._aws.facts
        _write(
            self._config,
            f"[profile {PROFILE}]\n"
            f"aws_access_key_id = {facts['ambient_key']}\n"
            f"aws_secret_access_key = {facts['ambient_secret']}\n"
            f"aws_session_token = {facts['ambient_token']}\n",
        )

    def _write_token(self, token: str, until: str) -> None:
        written = {"startUrl": _START_URL, "region": names.REGION, "accessToken": token, "expiresAt": until}
        _write(self._token_file, json.dumps(written))

    @property
    def _config(self) -> Path:
        return self._folder / "config"

    @property
    def _cache(self) -> Path:
        return self._folder / "sso-cache"

    @property
    def _token_file(self) -> Path:
        """As the AWS CLI names it: after the sso-session."""
        return self._cache / f"{hashlib.sha1(PROFILE.encode(), usedforsecurity=False).hexdigest()}.json"


def _write(file: Path, text: str) -> None:
    """In one piece, mode 0600: it holds practice keys."""
    draft = file.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
    draft.replace(file)
