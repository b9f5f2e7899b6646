"""AWS's refusals in the operator's words, for every AWS adapter.

`NoVerdict` = AWS could not be asked (network, sign-in, throttled, its own fault), or cannot do it now whatever the
backup (busy, no room); `LayerFailed` = it answered, and the answer is about the backup or the layer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from runbook.engine.errors import NoVerdict, RunbookError, SignedOut
from runbook.estate.aws import database_refusals, refusals
from runbook.estate.aws.refusals import DENIED, KEY_UNUSABLE, OTHER, SIGN_IN, THEIR_FAULT, THROTTLED, Meaning
from runbook.estate.aws.sign_in_errors import trouble_with_credentials
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

T = TypeVar("T")

# S3 passes on what KMS said; it speaks about the backup, not about our permissions at S3.
_ABOUT_THE_KEY: Final = re.compile(r"kms:Decrypt|ciphertext", re.IGNORECASE)
_MEANINGS: Final[Mapping[str, Meaning]] = {
    code: meaning for codes, meaning in (*refusals.TABLE, *database_refusals.TABLE) for code in codes.split()
}


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


def unless(codes: frozenset[str], source: str, call: Callable[[], T]) -> T | None:
    """What `call` answers, or None where AWS refuses it with one of these codes; else as `asking`."""
    from botocore.exceptions import ClientError

    with asking(source):
        try:
            return call()
        except ClientError as error:
            if code_of(error) in codes:
                return None
            raise translated(error, source) from None


def translated(error: ClientError, source: str) -> RunbookError:
    """The refusal in the operator's words, with AWS's own beside it."""
    code = code_of(error)
    meaning = _MEANINGS.get(code) or _by_status(error) or OTHER
    words = error.response.get("Error", {}).get("Message", "")
    if meaning is DENIED and _ABOUT_THE_KEY.search(words):
        meaning = KEY_UNUSABLE
    sentence, said = f"{source}: {meaning.sentence}", outside_text(f"{code}: {words}")
    if issubclass(meaning.kind, SignedOut):
        return SignedOut("aws", sentence, fix=meaning.fix, provider_text=said, source=source)
    return meaning.kind(sentence, fix=meaning.fix, provider_text=said, source=source)


def code_of(error: ClientError) -> str:
    """AWS's error code without the "Fault" that RDS appends to some of them, in some places."""
    return outside_text(error.response.get("Error", {}).get("Code")).removesuffix("Fault")


def _by_status(error: ClientError) -> Meaning | None:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status >= 500:
        return THEIR_FAULT
    return {401: SIGN_IN, 403: DENIED, 429: THROTTLED}.get(status)


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
