"""From an HTTP answer, or none, to the two errors that a step understands; no HTTP library here.

What is not the layer's fault (no answer, sign-in refused, throttled, 5xx, no JSON) is `NoVerdict`; what the
provider decided on the merits (404 where something must be, other 4xx) is `LayerFailed`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from runbook.engine.errors import LayerFailed, NoVerdict, RunbookError
from runbook.engine.ports import Secret
from runbook.estate.answers import listing, mapping
from runbook.estate.http_message import Answer, Unreachable
from runbook.estate.http_waits import asked_wait, length, seconds_until
from runbook.safety import concealing
from runbook.safety.outside_text import outside_text

UNSAID_S = 60.0  # GitHub: at least a minute, where a throttling answer says no time
_LOOKED_THROUGH = 64 << 10  # characters of a provider's words, of which the first 500 are shown


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider is spoken of: `id` in the interlock's table, `title` to people; `sign_in` is the fix for 401."""

    id: str
    title: str
    sign_in: str


class Passing(NoVerdict):
    """A NoVerdict that time may cure; `wait` is what the provider asked for in seconds, None when it did not."""

    def __init__(
        self, sentence: str, *, wait: float | None, fix: str = "", provider_text: str = "", source: str = ""
    ) -> None:
        super().__init__(sentence, fix=fix, provider_text=provider_text, source=source)
        self.wait = wait


class NotLetIn(NoVerdict):
    """The provider did not accept the sign-in for this call: `status` 401, or 403 where it is told who asks."""

    def __init__(self, sentence: str, *, status: int, fix: str = "", provider_text: str = "", source: str = "") -> None:
        super().__init__(sentence, fix=fix, provider_text=provider_text, source=source)
        self.status = status


class Throttled(Passing):
    """There were too many calls.  `not_carried_out`: the provider refused this one (429), or it was not sent at all."""

    def __init__(
        self,
        sentence: str,
        *,
        wait: float | None,
        not_carried_out: bool,
        fix: str = "",
        provider_text: str = "",
        source: str = "",
    ) -> None:
        super().__init__(sentence, wait=wait, fix=fix, provider_text=provider_text, source=source)
        self.not_carried_out = not_carried_out


def said(body: bytes) -> str:
    """The provider's own sentence in an error body, in any of the four dialects, else the body as it is.

    Not shortened to what is shown: of a secret that is cut in two, neither half is found.
    """
    try:
        found = _sentence(json.loads(body))
    except (ValueError, RecursionError):
        found = ""
    return found or body.decode("utf-8", "replace")


def _sentence(document: object) -> str:
    """Northflank nests `error`, GitHub is flat, Cloudflare and OCI list `errors`."""
    outer = mapping(document)
    inner = mapping(outer.get("error")) or outer
    listed = [
        f"{mapping(item).get('code', '')} {mapping(item).get('message', '')}" for item in listing(outer.get("errors"))
    ]
    details = inner.get("details")
    parts = [str(inner.get("message") or ""), *listed, json.dumps(details) if details else ""]
    return " ".join(part.strip() for part in parts if part.strip())


def concealed(words: str, secrets: Iterable[Secret]) -> str:
    """`words` cleaned, with each secret that the provider echoed masked, in whatever form it came back."""
    return outside_text(concealing.concealed(words[:_LOOKED_THROUGH], secrets))


def throttled(answer: Answer) -> bool:
    """429, and GitHub's 403 that means the same."""
    if answer.status == 429:
        return True
    spent = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    return answer.status == 403 and (spent or "rate limit" in said(answer.body).lower())


def judged(answer: Answer, provider: Provider, secrets: Iterable[Secret] = ()) -> RunbookError | None:
    """Why this answer is none to work with, or None for a 2xx."""
    if 200 <= answer.status < 300:
        return None
    words = concealed(said(answer.body), secrets)
    if throttled(answer):
        return _throttled(answer, provider, words)
    if answer.status >= 500 or answer.status == 408:
        return _ill(answer, provider, words)
    if answer.status in {401, 403}:
        refused = f"{provider.title} did not accept our sign-in for this ({answer.status})"
        return NotLetIn(refused, status=answer.status, fix=provider.sign_in, provider_text=words, source=answer.source)
    if 300 <= answer.status < 400:
        return _redirected(answer, provider)
    return _on_the_merits(answer, provider, words)


def _throttled(answer: Answer, provider: Provider, words: str) -> Throttled:
    wait = asked_wait(answer)
    how_long = "a minute" if wait is None else length(wait)
    return Throttled(
        f"{provider.title} has had too many questions and asks us to wait {how_long}",
        wait=wait,
        not_carried_out=answer.status == 429,
        fix=f"Wait {how_long}, then retry; look for another tool that uses the same token.",
        provider_text=words,
        source=answer.source,
    )


def held_back(provider: Provider, seconds: float, source: str) -> Throttled:
    """A call that is not sent, since another one was told that no more are wanted for so long."""
    how_long = length(seconds)
    return Throttled(
        f"{provider.title} asked us not to call for another {how_long}; this call was not sent",
        wait=seconds,
        not_carried_out=True,
        fix=f"Wait {how_long}, then retry; look for another tool that uses the same token.",
        source=source,
    )


def _ill(answer: Answer, provider: Provider, words: str) -> Passing:
    return Passing(
        f"{provider.title} is not well: it answered {answer.status}",
        wait=seconds_until(answer.headers.get("retry-after", ""), answer),
        fix=f"Look at {provider.title}'s status page; retry in a few minutes.",
        provider_text=words,
        source=answer.source,
    )


def _redirected(answer: Answer, provider: Provider) -> NoVerdict:
    host = urlsplit(answer.headers.get("location", "")).hostname or "somewhere"
    return NoVerdict(
        f"{provider.title} pointed to {outside_text(host, 100)} in place of an answer; redirects are not followed",
        fix="Was the thing renamed, or the address mistyped? Put the present name into runbook.toml.",
        source=answer.source,
    )


def _on_the_merits(answer: Answer, provider: Provider, words: str) -> LayerFailed:
    if answer.status == 404:
        missing = f"{provider.title} knows nothing by that name (404), or does not show it to this token"
        fix = "Check the name in runbook.toml and what the token may see."
        return LayerFailed(missing, fix=fix, provider_text=words, source=answer.source)
    return LayerFailed(
        f"{provider.title} refused the call ({answer.status})",
        fix="Read the provider's own words below; the call is in the source line.",
        provider_text=words,
        source=answer.source,
    )


def no_answer(trouble: Unreachable, provider: Provider, source: str, secrets: Iterable[Secret] = ()) -> NoVerdict:
    """What it means for a step that no whole answer came."""
    words = concealed(trouble.words, secrets)
    if trouble.kind == "certificate":
        return NoVerdict(
            f"{provider.title} could not be reached safely: its certificate does not verify",
            fix="Is a proxy opening TLS, or this machine's clock wrong? There is no switch to turn verification off.",
            provider_text=words,
            source=source,
        )
    if trouble.kind == "timeout":
        return NoVerdict(
            f"{provider.title} did not answer in time",
            fix="Check this machine's network, then retry.",
            provider_text=words,
            source=source,
        )
    return Passing(
        f"{provider.title} could not be reached",
        wait=None,
        fix="Check this machine's network and the address in runbook.toml, then retry.",
        provider_text=words,
        source=source,
    )


def of_a_change(error: RunbookError, cause: Answer | Unreachable) -> RunbookError:
    """The same error, or the plain word that nobody knows whether a change was carried out."""
    unsure = cause.status >= 500 or cause.status == 408 if isinstance(cause, Answer) else cause.may_have_arrived
    return _unknown_outcome(error) if unsure else error


def _unknown_outcome(error: RunbookError) -> NoVerdict:
    """A mutating call that got no verdict may have been carried out; it is never sent twice."""
    return NoVerdict(
        f"{error.sentence}; whether the change was made is not known",
        fix="Look at the provider whether it was made, before it is asked for again. " + error.fix,
        provider_text=error.provider_text,
        source=error.source,
    )
