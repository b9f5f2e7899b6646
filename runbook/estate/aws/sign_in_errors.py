"""What goes wrong before AWS is even asked: credentials that cannot be loaded, in the operator's words.

None of these is a `ClientError`; each may come up in the middle of any call, when botocore renews what it holds.  Those
that a new sign-in mends are `SignedOut`, the others a `NoVerdict` with what has to be set right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from runbook.engine.errors import NoVerdict, SignedOut
from runbook.safety.outside_text import outside_text

SSO_LOGIN: Final = "Sign in with `aws sso login` for this profile; the run goes on where it stands."
PROFILE: Final = "Check `profile` and the files in [aws.sign_in] of runbook.toml against `aws configure list-profiles`."
_PORTAL: Final = re.compile(r"//(?:portal\.sso|oidc)\.")


@dataclass(frozen=True, slots=True)
class _Trouble:
    sentence: str
    fix: str
    signed_out: bool = False


_TABLE: Final[Mapping[str, _Trouble]] = {
    # IAM Identity Center
    "SSOTokenLoadError": _Trouble("nobody has signed in to IAM Identity Center here yet", SSO_LOGIN, signed_out=True),
    "UnauthorizedSSOTokenError": _Trouble("the sign-in to IAM Identity Center has run out", SSO_LOGIN, signed_out=True),
    "TokenRetrievalError": _Trouble("the sign-in to IAM Identity Center has run out", SSO_LOGIN, signed_out=True),
    "NoAuthTokenError": _Trouble("nobody has signed in to IAM Identity Center here yet", SSO_LOGIN, signed_out=True),
    # `aws login`
    "LoginRefreshRequired": _Trouble(
        "the sign-in by `aws login` has run out", "Run `aws login` again.", signed_out=True
    ),
    "LoginTokenLoadError": _Trouble(
        "nobody has signed in by `aws login` here yet", "Run `aws login`.", signed_out=True
    ),
    "LoginInsufficientPermissions": _Trouble(
        "the sign-in by `aws login` may not be renewed", "Ask for signin:CreateOAuth2Token, then run `aws login` again."
    ),
    "LoginError": _Trouble("the sign-in by `aws login` cannot be used", "Run `aws login` again.", signed_out=True),
    "MissingDependencyException": _Trouble(
        "this profile signs in by `aws login`, which needs botocore's optional part",
        "Use a profile of IAM Identity Center or an MFA device, or install botocore[crt] beside this tool.",
    ),
    # Files, variables, the machine
    "ProfileNotFound": _Trouble("there is no such profile in the AWS configuration", PROFILE),
    "NoCredentialsError": _Trouble(
        "no credentials are to be found on this machine",
        "Say in [aws.sign_in] of runbook.toml how you sign in: way = mfa, sso or ambient.",
    ),
    "PartialCredentialsError": _Trouble(
        "only a part of the credentials is there", "Set key id and secret key both, or neither, where it says."
    ),
    "CredentialRetrievalError": _Trouble(
        "the program or service that hands out credentials failed", "Run its command by hand and see what it says."
    ),
    "MetadataRetrievalError": _Trouble(
        "the machine's own role could not be asked for", "Check the instance's role, or sign in another way."
    ),
    "InvalidIMDSEndpointError": _Trouble(
        "the address of the instance's metadata is not one", "Check AWS_EC2_METADATA_*."
    ),
    "NoRegionError": _Trouble("no Region is set", "Set region in [aws] of runbook.toml."),
    "InvalidRegionError": _Trouble("the Region is not one", "Check region in [aws] of runbook.toml."),
    "ConfigParseError": _Trouble("the AWS configuration file cannot be read", "Repair the line that is named."),
    "ConfigNotFound": _Trouble("the AWS configuration file is not there", PROFILE),
    "InvalidConfigError": _Trouble("the profile is not complete", "Repair it with `aws configure sso` or by hand."),
    "InfiniteLoopConfigError": _Trouble("the profile names itself as its source", "Repair source_profile."),
    "UnknownCredentialError": _Trouble("the profile names a source of credentials that does not exist", PROFILE),
    "RefreshWithMFAUnsupportedError": _Trouble(
        "the profile's role wants a new code", "Set way = mfa in [aws.sign_in] of runbook.toml."
    ),
}
_PORTAL_AWAY: Final = _Trouble(
    "IAM Identity Center could not be reached",
    "Check the network and sso_region of the profile; with an IAM user and an MFA device it is not needed.",
)


def trouble_with_credentials(error: Exception, source: str) -> NoVerdict | None:
    """`error` in the operator's words when it is about credentials, else None."""
    for kind in type(error).__mro__:  # the nearest kind that is listed: most have a parent that is listed too
        if found := _TABLE.get(kind.__name__):
            return _told(found, error, source)
    if _PORTAL.search(str(getattr(error, "kwargs", {}).get("endpoint_url", ""))):
        return _told(_PORTAL_AWAY, error, source)
    return None


def _told(trouble: _Trouble, error: Exception, source: str) -> NoVerdict:
    sentence, words = f"{source}: {trouble.sentence}", outside_text(error)
    if trouble.signed_out:
        return SignedOut("aws", sentence, fix=trouble.fix, provider_text=words, source=source)
    return NoVerdict(sentence, fix=trouble.fix, provider_text=words, source=source)
