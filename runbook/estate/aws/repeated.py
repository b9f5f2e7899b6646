"""What AWS, or a proxy on the way to it, repeats of our own request: the session's secrets go before anybody reads it.

An answer is cut to a length where it is put into words, so that masking it later would miss the half of a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any, Final

from runbook.safety import concealing

_HEADERS: Final = ("X-Amz-Security-Token", "x-amz-sso_bearer_token")
_KEY: Final = re.compile(r"Credential=([^/,\s]+)")
_LONG_ENOUGH: Final = 12  # characters: a shorter form would be found in ordinary words


class Repeated:
    """botocore hooks of one session; thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sent: frozenset[str] = frozenset()
        self._forms: frozenset[str] = frozenset()  # of all that was sent, in lower case

    def about_to_send(self, request: Any, **_: Any) -> None:
        """`before-send`: remembers what this request is signed with."""
        new = set(_secrets_of(request.headers)) - self._sent
        if not new:
            return
        forms = {concealing.folded(form) for secret in new for form in concealing.forms(secret)}
        with self._lock:
            self._sent |= new
            self._forms |= {form for form in forms if len(form) >= _LONG_ENOUGH}

    def answered(self, response_dict: dict[str, Any], **_: Any) -> None:
        """`before-parse`: masks that in the answer; the content of an object, which is streamed, is left as it is."""
        body = response_dict.get("body")
        if not isinstance(body, bytes) or not body:
            return
        text = body.decode("utf-8", "surrogateescape")
        masked = concealing.masked(text, self._forms)
        if masked != text:
            response_dict["body"] = masked.encode("utf-8", "surrogateescape")


def _secrets_of(headers: Mapping[str, Any]) -> Iterator[str]:
    for name in _HEADERS:
        if value := _text(headers.get(name)):
            yield value
    if key := _KEY.search(_text(headers.get("Authorization"))):
        yield key.group(1)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
