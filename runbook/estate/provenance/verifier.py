"""`ports.Provenances`: each kind of bundle by the one way in which it can be verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from runbook.engine.errors import NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.door import Door
from runbook.estate.ports import Provenance
from runbook.estate.provenance import github_cli, public_good
from runbook.estate.provenance.bundle import Kind, kind_of
from runbook.estate.provenance.wanted import SOURCE, Wanted
from runbook.safety.interlock import Interlock

_GITHUB: Final = "github.com"
_OPERATION: Final = "gh:VerifyAttestation"


class ProvenanceVerifier:
    """Verifies on this machine what can be, and with `gh` what only GitHub can.

    `token` is what gh signs in with, None its own sign-in; `server` is GitHub's address as certificates write it.
    """

    def __init__(
        self,
        interlock: Interlock,
        door: Door,
        *,
        token: Secret | None = None,
        server: str = f"https://{_GITHUB}",
        gh_timeout_s: float = github_cli.TIMEOUT_S,
    ) -> None:
        self._interlock = interlock
        self._door = door
        self._token = token
        self._server = server
        self._gh_timeout_s = gh_timeout_s

    async def verify(
        self, bundle: Mapping[str, Any], *, image: str, digest: str, repository: str, refs: tuple[str, ...]
    ) -> Provenance:
        wanted = Wanted(image, digest, repository, refs, self._server)
        if kind_of(bundle) is Kind.PUBLIC_GOOD:
            return await self._door(public_good.verified, bundle, wanted)
        gh = github_cli.found()
        if gh is None:
            raise NoVerdict(
                "the attestation was signed by GitHub's own Sigstore, as those of private repositories are: only "
                "GitHub's command line, gh, can verify it, and it is not on this machine",
                fix="Install gh 2.49 or newer, run `gh auth login` and try again; or configure level B with its "
                "level_reason in runbook.toml: images are then judged without attestations.",
                source=SOURCE,
            )
        self._interlock.check_named(_OPERATION, _GITHUB)
        return await self._door(github_cli.verified, gh, wanted, self._token, self._gh_timeout_s)
