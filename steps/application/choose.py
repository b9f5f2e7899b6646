"""Which image of each package is deployed: the newest verified one, or an older one for a reason."""

from __future__ import annotations

from collections.abc import Sequence

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Choose, Option
from runbook.engine.verdict import Finding, Observation
from steps.application.candidates import Candidate, seen
from steps.application.chosen import ChosenImage, as_fact
from steps.application.schema import Schema, restored
from steps.here import Here, age, moment
from steps.many import told
from steps.patience import patient

COLUMNS = ("tag", "built", "age", "commit", "state", "schema")


@patient
async def which_image(here: Here) -> Observation:
    """One question for each package that leaves a choice; a schema that the image was not made for is a finding."""
    packages, schema = seen(here), await restored(here)
    findings: list[Finding] = []
    chosen: list[Candidate] = []
    for package, candidates in packages.items():
        one, reason = await _chosen(here, package, candidates, schema)
        findings += _findings(one, candidates[0], reason, schema)
        chosen.append(one)
    images = (ChosenImage(one.package, one.ref, one.digest, one.commit, one.tag, one.level) for one in chosen)
    return Observation.passed(
        expected="a verified image of each package, made for the restored schema",
        observed=told([_words(one, schema) for one in chosen], of=len(chosen)),
        source="operator; application.image; the image's label and the migration head of the copy",
        findings=tuple(findings),
        facts=(as_fact(images),),
    )


async def _chosen(here: Here, package: str, candidates: Sequence[Candidate], schema: Schema) -> tuple[Candidate, str]:
    """The one to deploy, and the operator's reason where it is not the default."""
    fit = [one for one in candidates if not one.refused]
    if not fit:
        raise LayerFailed(
            f"no image of {package} is verified",
            fix="Have one built and signed from the protected branch, then go back to application.image.",
            source="application.image",
        )
    if len(fit) == 1:
        return fit[0], ""
    choice = await here.desk.operator.choose(
        Choose(
            step=here.desk.step,
            title=f"Which image of {package}?",
            columns=COLUMNS,
            options=tuple(_option(here, one, schema) for one in candidates),
            default=fit[0].tag,
        )
    )
    one = next((each for each in fit if each.tag == choice.key), None)
    if one is None or (one is not fit[0] and not choice.reason.strip()):
        raise LayerFailed(
            f"{choice.key or 'nothing'} was not chosen: it is not verified, or no reason was given",
            fix="Choose one that is verified; another than the newest verified needs a reason.",
            source="operator",
        )
    return one, choice.reason.strip() if one is not fit[0] else ""


def _option(here: Here, one: Candidate, schema: Schema) -> Option:
    state = "refused" if one.refused else f"verified ({one.level})"
    cells = (one.tag, one.created[:10], age(moment(one.created), here.provider_now()), one.commit[:10], state)
    return Option(key=one.tag, cells=(*cells, schema.cell(one.migration)), unfit="; ".join(one.refused))


def _findings(one: Candidate, newest: Candidate, reason: str, schema: Schema) -> list[Finding]:
    found = []
    if one is not newest:
        why = reason or f"the newest was refused: {'; '.join(newest.refused)}"
        found.append(Finding(f"an older image was chosen: {one.package} {one.tag}, not {newest.tag}: {why}", "major"))
    if fault := schema.fault(one.migration):
        found.append(Finding(f"{one.package} {one.tag} {fault}", "major"))
    return found


def _words(one: Candidate, schema: Schema) -> str:
    which = "the newest" if one.newest else "not the newest"
    return f"{one.package} {one.named}, {which}, level {one.level}, schema {schema.cell(one.migration)}"
