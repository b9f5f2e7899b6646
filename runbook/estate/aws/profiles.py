"""The two ways of signing in in which botocore loads the credentials: IAM Identity Center, and its chain.

AWS has no API that shows whether MFA was used for either, so neither proves it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from runbook.config import Aws
from runbook.engine.ports import Secret
from runbook.estate.aws.credentials import Held
from runbook.estate.aws.isolation import Reads, loading_session
from runbook.estate.aws.sso import SsoProfile, SsoToken, cache_folder, cached_token, sso_profile
from runbook.estate.ports import SignInState
from runbook.safety.interlock import Interlock
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from botocore.credentials import CredentialResolver
    from botocore.session import Session

_SOURCES: Final[Mapping[str, str]] = {
    "env": "environment variables",
    "shared-credentials-file": "shared credentials file",
    "config-file": "AWS configuration file",
    "assume-role": "a role that the profile assumes",
    "assume-role-with-web-identity": "a role assumed with a web identity token",
    "sso": "IAM Identity Center",
    "login": "aws login",
    "custom-process": "the program that the profile names (credential_process)",
    "container-role": "the container's role",
    "iam-role": "the instance's role",
}
# Not of a file: they must not count where a file is named.
_OF_THE_MACHINE: Final = ("env", "ec2-credentials-file", "boto-config", "container-role", "iam-role")


class SsoWay:
    """A profile of IAM Identity Center.  The browser sign-in is the AWS CLI's work, its token is read here."""

    def __init__(self, settings: Aws, interlock: Interlock, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._interlock = interlock
        self._clock = clock
        self._name = settings.sign_in.profile or "default"
        self._folder = cache_folder(settings.sign_in.sso_cache)
        self._refused: Secret | None = None  # the token that the portal does not accept any more

    @property
    def region(self) -> str:
        """Where Identity Center lives."""
        return self._profile(self._session()).region

    def state(self, held: Held | None) -> SignInState:
        """From the files alone."""
        del held
        profile = self._profile(self._session())
        token = self._token(profile)
        source = f"IAM Identity Center, profile {outside_text(profile.name)}"
        command = ("aws", "sso", "login", "--profile", profile.name)
        usable = token is not None and token.until > self._clock() and token.text != self._refused
        return SignInState(
            "sso", source, needs="" if usable else "login", until=token.until if token else None, command=command
        )

    def load(self) -> Held:
        """Credentials that botocore fetches from the portal when they are first used, and renews."""
        from botocore.credentials import SSOProvider
        from botocore.tokens import SSOTokenProvider
        from botocore.utils import JSONFileCache

        session = self._session()
        profile = self._profile(session)
        cache: Any = JSONFileCache(str(self._folder), dumps_func=_as_the_cli_writes)
        provider = SSOProvider(
            load_config=lambda: session.full_config,
            client_creator=session.create_client,
            profile_name=profile.name,
            token_cache=cache,
            token_provider=SSOTokenProvider(session, cache=cache, profile_name=profile.name),
        )
        return Held(provider.load(), _SOURCES["sso"])

    def take(self, code: Secret | None) -> Held:
        """Asks the portal at once, so that a sign-in that has run out is seen here and not in the next step."""
        del code
        held = self.load()
        held.credentials.get_frozen_credentials()
        return held

    def _session(self) -> Session:
        reads = Reads(profile=self._name, config_file=self._settings.sign_in.config_file)
        return loading_session(self._settings, self._interlock, reads, heard=self._heard)

    def _profile(self, session: Session) -> SsoProfile:
        return sso_profile(session, self._name)

    def _token(self, profile: SsoProfile) -> SsoToken | None:
        return cached_token(self._folder, profile.key)

    def _heard(self, operation: str, code: str) -> None:
        if (operation, code) == ("sso:GetRoleCredentials", "UnauthorizedException"):
            token = self._token(self._profile(self._session()))
            self._refused = token.text if token else None


class AmbientWay:
    """botocore's own chain: environment, files, container, instance; only the file where one is configured."""

    def __init__(self, settings: Aws, interlock: Interlock) -> None:
        self._settings = settings
        self._interlock = interlock

    def state(self, held: Held | None) -> SignInState:
        """Loads what is there when nothing is held yet."""
        return SignInState("ambient", (held or self.load()).source)

    def load(self) -> Held:
        """What the chain finds first; botocore's NoCredentialsError where it finds nothing."""
        from botocore.credentials import create_credential_resolver
        from botocore.exceptions import NoCredentialsError

        sign_in = self._settings.sign_in
        # A file that is named is all that counts: naming the profile too switches the environment's variables off.
        profile = sign_in.profile or ("default" if sign_in.config_file else None)
        reads = Reads(profile=profile, config_file=sign_in.config_file, chain=True)
        session = loading_session(self._settings, self._interlock, reads)
        session.get_scoped_config()  # ProfileNotFound
        chain = create_credential_resolver(session, region_name=self._settings.region)
        if sign_in.config_file is not None:
            for method in _OF_THE_MACHINE:
                chain.remove(method)
        _never_ask_on_the_terminal(chain)
        found = chain.load_credentials()
        if found is None:
            raise NoCredentialsError
        return Held(found, _SOURCES.get(found.method, outside_text(found.method)))

    def take(self, code: Secret | None) -> Held:
        """Load again: environment and files may have changed since."""
        del code
        return self.load()


def _never_ask_on_the_terminal(chain: CredentialResolver) -> None:
    """A role with `mfa_serial` would have botocore ask for the code underneath the screen, from some thread."""
    from botocore.exceptions import RefreshWithMFAUnsupportedError

    def refuse(_prompt: str) -> str:
        raise RefreshWithMFAUnsupportedError

    provider: Any = chain.get_provider("assume-role")
    provider._prompter = refuse  # noqa: SLF001 - there is no public way; a test holds it


def _as_the_cli_writes(token: Any) -> str:
    """A renewed token as the AWS CLI writes it: `expiresAt` in UTC with a Z (botocore's own default is another)."""
    return json.dumps(token, default=lambda moment: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
