"""Whether the newest image of every package is verified; if one is not, whether an older one will do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from runbook.engine.ports import Change, Confirm, Preview
from runbook.engine.verdict import Finding, Observation
from steps.application.candidates import SOURCE, Candidate, as_fact, level, looked_at
from steps.here import Here
from steps.many import told
from steps.patience import patient

STEP: Final = "application.image"
_BUILD: Final = "Have it built and signed again from the protected branch"
Packages = Sequence[tuple[Candidate, ...]]


@patient
async def newest_is_verified(here: Here) -> Observation:
    """Of each package the newest tagged image; after a refusal the operator may go on with older verified ones."""
    packages = await looked_at(here)
    refused = [of for of in packages if of[0].refused]
    if not refused:
        return _passed(here, packages)
    older = all(_verified(of) for of in refused)
    if older and here.run.failed_before(STEP) and await _agreed(here, refused):
        return _passed(here, packages, tuple(_finding(of[0]) for of in refused))
    return Observation.that(
        False,  # noqa: FBT003  # refused
        expected=_expected(here),
        observed=told([_against(here, of[0]) for of in refused], of=len(packages)),
        source=SOURCE,
        fix=f"{_BUILD}; or try again to go on with an older verified one." if older else f"{_BUILD}.",
        provider_text=next((of[0].said for of in refused if of[0].said), ""),
    )


def _verified(of: Sequence[Candidate]) -> Candidate | None:
    """The newest verified one of a package."""
    return next((one for one in of if not one.refused), None)


def _passed(here: Here, packages: Packages, findings: tuple[Finding, ...] = ()) -> Observation:
    words = [_for(here, one) for of in packages if (one := _verified(of))]
    return Observation.passed(
        expected=_expected(here),
        observed=told(words, of=len(words)),
        source=SOURCE,
        findings=findings,
        facts=(as_fact(one for of in packages for one in of),),
    )


def _expected(here: Here) -> str:
    levels = sorted({image.level for image in here.environment.application.images})
    proven = "recomputed digest, signed commit on the protected branch, green checks"
    attested = " and a provenance attestation (level A)" if "A" in levels else ""
    return f"the newest image of each package is verified: {proven}{attested}"


def _level(here: Here, one: Candidate) -> str:
    return next(level(image) for image in here.environment.application.images if image.package == one.package)


def _for(here: Here, one: Candidate) -> str:
    older = "" if one.newest else ", not the newest"
    return f"{one.package} {one.named}{older}, commit {one.commit[:10]}, signed, green; {_level(here, one)}"


def _against(here: Here, one: Candidate) -> str:
    return f"{one.package} {one.named}, the newest, is refused: {'; '.join(one.refused)} ({_level(here, one)})"


def _finding(one: Candidate) -> Finding:
    return Finding(f"the newest image, {one.package} {one.named}, was refused: {'; '.join(one.refused)}", "major")


async def _agreed(here: Here, refused: Packages) -> bool:
    """Asked only after a refusal was seen: going on with an older one is never what happens by itself."""
    changes = [
        Change(of[0].package, f"{of[0].named}: refused, {'; '.join(of[0].refused)}", f"{older.named}: verified")
        for of in refused
        if (older := _verified(of))
    ]
    return await here.desk.operator.confirm(
        Confirm(
            step=here.desk.step,
            title="Go on with an older image?",
            preview=Preview(
                what="Go on with an older verified image, because the newest was refused",
                target=told([of[0].package for of in refused], of=len(refused)),
                changes=tuple(changes),
            ),
            optional=True,
            without="without it the newest stays refused, and this step stays a FAIL",
        )
    )
