"""What an attestation has to say, and the one way in which it is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from runbook.engine.errors import LayerFailed
from runbook.safety.outside_text import outside_text

ISSUER: Final = "https://token.actions.githubusercontent.com"
EXTRA: Final = "pip install 'restoration-runbook[provenance]'"
SOURCE: Final = "github: provenance attestation"
_FIX: Final = "Do not deploy this image: have it built and attested again from the protected branch."


@dataclass(frozen=True, slots=True)
class Wanted:
    """`image` is NAME@DIGEST; `server` is where the repository lives, as certificates write it."""

    image: str
    digest: str
    repository: str
    refs: tuple[str, ...]
    server: str = "https://github.com"

    @property
    def source(self) -> str:
        """The repository's address."""
        return f"{self.server}/{self.repository}"

    @property
    def allowed(self) -> str:
        """The refs, in words."""
        return " or ".join(self.refs) or "no ref at all"

    def refused_ref(self, ref: str) -> LayerFailed:
        """It was built from a branch or tag that is not allowed."""
        return refused(f"the attestation is for a build of {outside_text(ref, 100) or 'no ref'}, not of {self.allowed}")

    def refused_repository(self, found: str) -> LayerFailed:
        """It was built from another repository."""
        return refused(
            f"the attestation is of another repository: {outside_text(found, 200) or 'none named'}, not {self.source}"
        )

    def refused_digest(self, found: Iterable[str]) -> LayerFailed:
        """It is of another image."""
        named = ", ".join(outside_text(each, 19) for each in found) or "none"
        return refused(f"the attestation is for another image: it names {named}, not {self.digest[:19]}…")


def refused(sentence: str, provider_text: str = "", *, fix: str = _FIX) -> LayerFailed:
    """The attestation does not fit: `sentence` says which thing, `provider_text` is what the library said of it."""
    return LayerFailed(sentence, fix=fix, provider_text=outside_text(provider_text), source=SOURCE)
