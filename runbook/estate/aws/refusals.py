"""What AWS's error codes mean to the operator: those that any service says, and S3's and KMS's.

The codes are botocore's service models', without the "Fault" that RDS appends to some of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict, SignedOut


@dataclass(frozen=True, slots=True)
class Meaning:
    """`kind` says whether AWS could not be asked (or not now), or answered on the merits; SignedOut is of `aws`."""

    kind: type[NoVerdict | LayerFailed]
    sentence: str
    fix: str


DENIED: Final = Meaning(
    NoVerdict,
    "AWS does not allow this session to do that",
    "Use a session with MFA and the role that `runbook iam` prints; ask whether a service control policy forbids it.",
)
SIGN_IN: Final = Meaning(
    SignedOut, "AWS no longer accepts this session", "Sign in again; the run goes on where it stands."
)
KEY_UNUSABLE: Final = Meaning(
    LayerFailed,
    "the KMS key of the backup cannot be used",
    "Enable the key or cancel its deletion; check Region, kms:CreateGrant, kms:Decrypt and kms:DescribeKey.",
)
THROTTLED: Final = Meaning(NoVerdict, "AWS asks for fewer calls", "Wait a minute and retry.")
THEIR_FAULT: Final = Meaning(NoVerdict, "AWS failed to answer", "Retry; look at the AWS health page if it goes on.")
OTHER: Final = Meaning(LayerFailed, "AWS refused it", "Read AWS's words; check the names in runbook.toml.")
_SILENT: Final = Meaning(
    SignedOut,
    "AWS refused it without a word, as it does when the session has run out",
    "Sign in again; if that does not help, list the object in the console.",
)

ENDED: Final = frozenset(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken"))
"""Codes that say that this session is over, whoever asks with it."""

_FEWER: Final = (
    "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException "
    "RequestLimitExceeded TooManyRequestsException EC2ThrottledException PriorRequestNotComplete SlowDown 429"
)

TABLE: Final[tuple[tuple[str, Meaning], ...]] = (
    ("AccessDenied AccessDeniedException UnauthorizedOperation AuthFailure OptInRequired 401 403", DENIED),
    (" ".join(sorted(ENDED)) + " RequestExpired UnauthorizedException", SIGN_IN),
    ("400", _SILENT),  # a HEAD has no body to say why
    (
        "ForbiddenException",
        Meaning(
            NoVerdict,
            "IAM Identity Center does not give this role to you",
            "Ask for the permission set of the profile on this account; check sso_role_name and sso_account_id.",
        ),
    ),
    (_FEWER, THROTTLED),
    ("InternalFailure InternalError ServiceUnavailable 500 502 503 504", THEIR_FAULT),
    (
        "InvalidClientTokenId UnrecognizedClientException InvalidAccessKeyId",
        Meaning(NoVerdict, "AWS does not know this access key", "Check the credentials; sign in again."),
    ),
    (
        "SignatureDoesNotMatch InvalidSignatureException RequestTimeTooSkewed",
        Meaning(
            NoVerdict,
            "AWS refuses the signature of this session: wrong secret key, or this machine's clock is off",
            "Check the clock against the provider's time first, then the credentials.",
        ),
    ),
    (
        "NoSuchKey NoSuchVersion NotFound 404",
        Meaning(LayerFailed, "the object is not in the bucket", "Check bucket, prefix and the backup job."),
    ),
    (
        "NoSuchBucket",
        Meaning(LayerFailed, "there is no such bucket", "Check the bucket's name, account and Region."),
    ),
    (
        "KMSKeyNotAccessible DisabledException KMSInvalidStateException KMS.DisabledException KMS.NotFoundException",
        KEY_UNUSABLE,
    ),
    (
        "InvalidArnException",
        Meaning(LayerFailed, "the KMS key's ARN is not one", "Check kms_key in runbook.toml."),
    ),
)
