"""AWS's refusals in the operator's words: one table, used by every AWS adapter.

`NoVerdict` = AWS could not be asked (network, sign-in, throttled, its own fault); `LayerFailed` = it answered, and the
answer is about the backup or the layer.  The codes are botocore's service models'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runbook.engine.errors import LayerFailed, NoVerdict, RunbookError, SignedOut
from runbook.estate.aws.sign_in_errors import trouble_with_credentials
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from botocore.exceptions import ClientError


@dataclass(frozen=True, slots=True)
class _Meaning:
    kind: type[NoVerdict | LayerFailed]  # SignedOut: of `aws`
    sentence: str
    fix: str


_DENIED: Final = _Meaning(
    NoVerdict,
    "AWS does not allow this session to do that",
    "Use a session with MFA and the role that `runbook iam` prints; ask whether a service control policy forbids it.",
)
_SIGN_IN: Final = _Meaning(
    SignedOut, "AWS no longer accepts this session", "Sign in again; the run goes on where it stands."
)
_SILENT: Final = _Meaning(
    SignedOut,
    "AWS refused it without a word, as it does when the session has run out",
    "Sign in again; if that does not help, list the object in the console.",
)
_KEY_UNUSABLE: Final = _Meaning(
    LayerFailed,
    "the KMS key of the backup cannot be used",
    "Enable the key or cancel its deletion; check Region, kms:CreateGrant, kms:Decrypt and kms:DescribeKey.",
)
_THROTTLED: Final = _Meaning(NoVerdict, "AWS asks for fewer calls", "Wait a minute and retry.")
_THEIR_FAULT: Final = _Meaning(NoVerdict, "AWS failed to answer", "Retry; look at the AWS health page if it goes on.")
_OTHER: Final = _Meaning(LayerFailed, "AWS refused it", "Read AWS's words; check the names in runbook.toml.")

ENDED: Final = frozenset(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken"))
"""Codes that say that this session is over, whoever asks with it."""

# S3 passes on what KMS said; it speaks about the backup, not about our permissions at S3.
_ABOUT_THE_KEY: Final = re.compile(r"kms:Decrypt|ciphertext", re.IGNORECASE)

_TABLE: Final[tuple[tuple[str, _Meaning], ...]] = (
    ("AccessDenied AccessDeniedException UnauthorizedOperation AuthFailure OptInRequired 401 403", _DENIED),
    (" ".join(sorted(ENDED)) + " RequestExpired UnauthorizedException", _SIGN_IN),
    ("400", _SILENT),  # a HEAD has no body to say why
    (
        "ForbiddenException",
        _Meaning(
            NoVerdict,
            "IAM Identity Center does not give this role to you",
            "Ask for the permission set of the profile on this account; check sso_role_name and sso_account_id.",
        ),
    ),
    ("Throttling ThrottlingException ThrottledException RequestLimitExceeded SlowDown 429", _THROTTLED),
    ("InternalFailure InternalError ServiceUnavailable 500 502 503 504", _THEIR_FAULT),
    (
        "InvalidClientTokenId UnrecognizedClientException InvalidAccessKeyId",
        _Meaning(NoVerdict, "AWS does not know this access key", "Check the credentials; sign in again."),
    ),
    (
        "SignatureDoesNotMatch InvalidSignatureException RequestTimeTooSkewed",
        _Meaning(
            NoVerdict,
            "AWS refuses the signature of this session: wrong secret key, or this machine's clock is off",
            "Check the clock against the provider's time first, then the credentials.",
        ),
    ),
    (
        "NoSuchKey NoSuchVersion NotFound 404",
        _Meaning(LayerFailed, "the object is not in the bucket", "Check bucket, prefix and the backup job."),
    ),
    (
        "NoSuchBucket",
        _Meaning(LayerFailed, "there is no such bucket", "Check the bucket's name, account and Region."),
    ),
    (
        "KMSKeyNotAccessible DisabledException KMSInvalidStateException KMS.DisabledException KMS.NotFoundException",
        _KEY_UNUSABLE,
    ),
    (
        "InvalidArnException",
        _Meaning(LayerFailed, "the KMS key's ARN is not one", "Check kms_key in runbook.toml."),
    ),
    (
        "DBInstanceAlreadyExists",
        _Meaning(
            LayerFailed,
            "an instance of that name exists already and is not this run's",
            "Rename the old instance or use another prefix; never delete one to make room.",
        ),
    ),
    (
        "DBSnapshotNotFound",
        _Meaning(
            LayerFailed,
            "the snapshot does not exist",
            "Wrong Region or account, or it has aged out; a shared snapshot needs its ARN.",
        ),
    ),
    (
        "InvalidDBSnapshotState",
        _Meaning(LayerFailed, "the snapshot is not available yet", "Wait until it is, or choose an older one."),
    ),
    (
        "InvalidDBInstanceState",
        _Meaning(LayerFailed, "the instance is busy with something else", "Wait until it is available, then retry."),
    ),
    (
        "DBSubnetGroupNotFound InvalidSubnet DBSubnetGroupDoesNotCoverEnoughAZs InvalidVPCNetworkState",
        _Meaning(
            LayerFailed,
            "the network that the copy is to stand in does not exist as configured",
            "Create the subnet group and security groups first; check [database] in runbook.toml.",
        ),
    ),
    (
        "DBParameterGroupNotFound",
        _Meaning(LayerFailed, "the parameter group does not exist", "Create it again from the saved export."),
    ),
    (
        "InstanceQuotaExceeded StorageQuotaExceeded SnapshotQuotaExceeded",
        _Meaning(
            LayerFailed, "a quota of the account is reached", "Delete old drill copies, or ask AWS for more (slow)."
        ),
    ),
    (
        "InsufficientDBInstanceCapacity",
        _Meaning(LayerFailed, "AWS has no capacity for this instance class now", "Try another class, or later."),
    ),
    (
        "InvalidParameterCombination",
        _Meaning(
            LayerFailed,
            "AWS refuses this combination of parameters",
            "Read AWS's words; deletion protection has to be switched off before an instance can be deleted.",
        ),
    ),
)
_MEANINGS: Final[Mapping[str, _Meaning]] = {code: meaning for codes, meaning in _TABLE for code in codes.split()}


@contextmanager
def asking(source: str) -> Iterator[None]:
    """Translate whatever boto3 raises inside into `NoVerdict` or `LayerFailed`; `source` names the call."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        raise translated(error, source) from None
    except ResponseParserError as error:  # not a BotoCoreError; an HTML page of a proxy, for one
        raise _unreadable(error, source) from None
    except (BotoCoreError, HTTPError) as error:  # urllib3's own only from within a body that is being read
        raise (trouble_with_credentials(error, source) or _not_reached(error, source)) from None


def translated(error: ClientError, source: str) -> RunbookError:
    """The refusal in the operator's words, with AWS's own beside it."""
    code = code_of(error)
    meaning = _MEANINGS.get(code) or _by_status(error) or _OTHER
    words = error.response.get("Error", {}).get("Message", "")
    if meaning is _DENIED and _ABOUT_THE_KEY.search(words):
        meaning = _KEY_UNUSABLE
    sentence, said = f"{source}: {meaning.sentence}", outside_text(f"{code}: {words}")
    if issubclass(meaning.kind, SignedOut):
        return SignedOut("aws", sentence, fix=meaning.fix, provider_text=said, source=source)
    return meaning.kind(sentence, fix=meaning.fix, provider_text=said, source=source)


def code_of(error: ClientError) -> str:
    """AWS's error code without the "Fault" that RDS appends to some of them, in some places."""
    return outside_text(error.response.get("Error", {}).get("Code")).removesuffix("Fault")


def _by_status(error: ClientError) -> _Meaning | None:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status >= 500:
        return _THEIR_FAULT
    return {401: _SIGN_IN, 403: _DENIED, 429: _THROTTLED}.get(status)


def _unreadable(error: Exception, source: str) -> NoVerdict:
    return NoVerdict(
        f"{source}: what answered does not speak AWS's language",
        fix="Look for a proxy or a captive portal between this machine and AWS.",
        provider_text=outside_text(error),
        source=source,
    )


def _not_reached(error: Exception, source: str) -> NoVerdict:
    """Network, TLS, time-outs, credentials that cannot be had: none of them is a `ClientError`."""
    from botocore import exceptions as aws
    from urllib3.exceptions import HTTPError

    if isinstance(error, aws.SSLError):
        sentence, fix = (
            "AWS's certificate could not be verified",
            "Look for a proxy that opens TLS; never switch it off.",
        )
    elif isinstance(error, aws.ConnectTimeoutError | aws.ReadTimeoutError):
        sentence, fix = "AWS did not answer in time", "Check the network, then retry."
    elif isinstance(error, aws.HTTPClientError | aws.ConnectionError):
        sentence, fix = "AWS could not be reached", "Check the network and the name resolution, then retry."
    elif isinstance(error, aws.ResponseStreamingError | aws.IncompleteReadError | HTTPError):
        sentence, fix = "the connection to AWS broke off", "Retry; what was already received is not kept as whole."
    elif isinstance(error, aws.ParamValidationError):
        sentence, fix = "the call cannot be made as configured", "Check the names and ARNs in runbook.toml."
    else:
        sentence, fix = "AWS could not be asked", "Check the sign-in and the configuration, then retry."
    return NoVerdict(f"{source}: {sentence}", fix=fix, provider_text=outside_text(error), source=source)
