"""Whether one image is verified: its bytes, its tag, its commit, the checks of that, and at level A who built it.

Every reason against it is told, in words; what cannot be asked raises NoVerdict.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from runbook.config import Image
from runbook.engine.errors import HardStop, LayerFailed, NoVerdict
from runbook.estate.ports import CheckRun, CombinedStatus, ImageProof, Provenance
from runbook.safety.outside_text import outside_text
from steps.application.lineage import Lineage
from steps.here import Here
from steps.many import listed

T = TypeVar("T")
_SHOWN: Final = 80  # characters of a label
GREEN: Final = frozenset({"success", "neutral", "skipped"})
_SHA: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")  # a branch's name would be answered too


@dataclass(frozen=True, slots=True)
class Judged:
    """`refused` are the reasons against it, none: verified; `said` is the provider's own text to the first of them."""

    refused: tuple[str, ...]
    said: str
    commit: str
    migration: str


def reference(here: Here, image: Image, digest: str) -> str:
    """NAME@DIGEST as the platform and the registry write it."""
    return f"{here.environment.application.reference_host}/{image.path}@{digest}"


async def judge(here: Here, image: Image, lineage: Lineage, *, digest: str, tag: str) -> Judged:
    """All of it, now."""
    judging = _Judging(here, image, lineage, digest, tag)
    proof = await judging.refusable(judging.content)
    await judging.refusable(judging.tag_leads_here)
    commit = (proof.revision if proof else None) or ""
    if image.level == "A":
        built = await judging.refusable(judging.attested)
        commit = judging.agreed(commit, built)
    await judging.refusable(lambda: judging.commit(commit))
    migration = proof.labels.get(image.migration_label, "") if proof and image.migration_label else ""
    return Judged(tuple(judging.refused), judging.said, commit, migration)


@dataclass
class _Judging:
    """One image under judgement; what speaks against it is collected."""

    here: Here
    image: Image
    lineage: Lineage
    digest: str
    tag: str
    refused: list[str] = field(default_factory=list)
    said: str = ""

    async def refusable(self, look: Callable[[], Awaitable[T]]) -> T | None:
        """What the look answers, or None with its refusal as a reason."""
        try:
            return await look()
        except HardStop:
            raise
        except LayerFailed as refusal:
            self.refused.append(refusal.sentence)
            self.said = self.said or refusal.provider_text
            return None

    async def content(self) -> ImageProof | None:
        proof = await self.here.estate.registry.image(self.image.path, self.digest)
        if proof is None:
            self.refused.append("the registry does not have it")
            return None
        if not proof.stated == proof.computed == self.digest:
            said = f"{proof.stated[:19]}…" if proof.stated else "nothing"
            self.refused.append(f"its bytes hash to {proof.computed[:19]}…, the registry says {said}")
        if proof.source and not _leads_to(proof.source, self.image.repository):
            said = outside_text(proof.source, _SHOWN)
            self.refused.append(f"its label says that its source is {said}, not {self.image.repository}")
        return proof

    async def tag_leads_here(self) -> None:
        now = await self.here.estate.registry.digest(self.image.path, self.tag) if self.tag else None
        if now != self.digest:
            where = f"it leads to {now[:19]}…" if now else "there is no such tag"
            self.refused.append(f"the tag {self.tag or '(none)'} does not lead to this digest any more: {where}")

    async def attested(self) -> Provenance | None:
        """The first attestation that verifies; the others may be of other builds."""
        bundles = await self.here.estate.code.attestations(self.image.repository, self.digest)
        if not bundles:
            self.refused.append("there is no provenance attestation of it, which level A asks for")
            return None
        return await self._first_verified(bundles)

    async def _first_verified(self, bundles: Sequence[Mapping[str, Any]]) -> Provenance:
        refusals: list[LayerFailed] = []
        unasked: list[NoVerdict] = []
        for bundle in bundles:
            try:
                return await self._verified(bundle)
            except HardStop:
                raise
            except LayerFailed as refusal:
                refusals.append(refusal)
            except NoVerdict as trouble:
                unasked.append(trouble)
        raise unasked[0] if unasked else refusals[0]

    async def _verified(self, bundle: Mapping[str, Any]) -> Provenance:
        refs = self.image.source_refs or (f"refs/heads/{self.image.branch}", f"refs/tags/{self.tag}")
        found = await self.here.estate.provenances.verify(
            bundle,
            image=reference(self.here, self.image, self.digest),
            digest=self.digest,
            repository=self.image.repository,
            refs=refs,
        )
        if found.digest != self.digest or found.ref not in refs:
            raise LayerFailed(
                f"the attestation is for {found.digest[:19]}… from {found.ref}, not for this image",
                fix="Have the image built and attested again from the protected branch.",
                source="github: attestations",
            )
        return found

    def agreed(self, label: str, built: Provenance | None) -> str:
        """The commit that label and attestation name."""
        if built and label and built.commit != label:
            self.refused.append(f"its label names commit {label[:10]}, its attestation {built.commit[:10]}")
        return label or (built.commit if built else "")

    async def commit(self, sha: str) -> None:
        if not _SHA.fullmatch(sha):
            self.refused.append("it does not name the commit it was built from")
            return
        commit = await self.lineage.commit(sha)
        if commit is None or commit.sha != sha:
            self.refused.append(f"its commit {sha[:10]} is not in {self.image.repository}")
            return
        if not commit.verified:
            self.refused.append(f"its commit {sha[:10]} is not signed as GitHub would verify it ({commit.reason})")
        if why := await self.lineage.why_not_on(self.image.branch, sha):
            self.refused.append(why)
        code = self.here.estate.code
        self.refused += check_faults(await code.check_runs(self.image.repository, sha), self.image.required_checks)
        self.refused += status_faults(await code.combined_status(self.image.repository, sha))


def _leads_to(source: str, repository: str) -> bool:
    """Whether a label org.opencontainers.image.source names that repository, as an address of it."""
    return source.lower().removesuffix("/").removesuffix(".git") == f"https://github.com/{repository}".lower()


def check_faults(runs: Sequence[CheckRun], required: Sequence[str]) -> list[str]:
    """Why the check runs of a commit are not green; an unknown conclusion is not green."""
    if not runs:
        return ["its commit has no check runs: nothing says that it was ever tested"]
    red = [f"{run.name} is {state}" for run in runs if (state := _state(run)) not in GREEN]
    names = {run.name for run in runs}
    missing = [name for name in required if name not in names]
    faults = [f"its checks are not green: {listed(red)}"] if red else []
    return faults + ([f"required checks did not run: {listed(missing)}"] if missing else [])


def _state(run: CheckRun) -> str:
    return run.status if run.status != "completed" else run.conclusion or "without a conclusion"


def status_faults(status: CombinedStatus) -> list[str]:
    """Where everything runs in Actions there are no statuses, and GitHub calls that pending."""
    if status.state == "success" or (status.total, status.state) == (0, "pending"):
        return []
    return [f"its commit statuses are together {status.state or 'untold'}"]
