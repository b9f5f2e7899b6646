"""What a step can conclude: a verdict, and the observation that it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class Verdict(StrEnum):
    """The five conclusions; only the first, third and fourth let a checkpoint open."""

    PASS = "PASS"
    FAIL = "FAIL"  # speaks about the backup or the layer
    NOT_NEEDED = "NOT_NEEDED"  # with the reason
    ATTESTED = "ATTESTED"  # the operator stated it, with a reason
    INCONCLUSIVE = "INCONCLUSIVE"  # no verdict could be had: API down, no permission

    @property
    def satisfies(self) -> bool:
        """True when a checkpoint may open over it."""
        return self in {Verdict.PASS, Verdict.NOT_NEEDED, Verdict.ATTESTED}


@dataclass(frozen=True, slots=True)
class Finding:
    """An issue that needs an owner and a due date, and that never closes a checkpoint."""

    text: str
    severity: str = "minor"
    owner: str = ""
    due: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was expected, what was observed, and from where.

    `facts` are frozen dataclasses of plain values that later steps may read;
    a secret is never one, since they are written to the journal.
    """

    verdict: Verdict
    expected: str
    observed: str
    source: str
    fix: str = ""
    provider_text: str = ""
    findings: tuple[Finding, ...] = ()
    facts: tuple[Any, ...] = field(default=())
    declined: bool = False  # nothing was done because the operator did not agree: never attested, no verdict either way
    hard_stop: bool = False  # to go on would do harm: the run can only be ended
    signed_out: str = ""  # the system (aws, vault) that no longer knows us: signing in again in place is offered

    @classmethod
    def that(
        cls,
        holds: bool,  # noqa: FBT001  # reads as a sentence at the call: Observation.that(age <= limit, …)
        *,
        expected: str,
        observed: str,
        source: str,
        fix: str = "",
        provider_text: str = "",
        findings: tuple[Finding, ...] = (),
        facts: tuple[Any, ...] = (),
    ) -> Self:
        """PASS when `holds`, else FAIL; facts are established by a PASS only."""
        return cls(
            Verdict.PASS if holds else Verdict.FAIL,
            expected=expected,
            observed=observed,
            source=source,
            fix="" if holds else fix,
            provider_text=provider_text,
            findings=findings,
            facts=facts if holds else (),
        )

    @classmethod
    def passed(
        cls,
        *,
        expected: str,
        observed: str,
        source: str,
        findings: tuple[Finding, ...] = (),
        facts: tuple[Any, ...] = (),
    ) -> Self:
        """What was expected was seen; whatever could go wrong was raised before."""
        return cls(Verdict.PASS, expected, observed, source, findings=findings, facts=facts)

    @classmethod
    def inconclusive(
        cls, *, expected: str, observed: str, source: str, fix: str = "", provider_text: str = "", signed_out: str = ""
    ) -> Self:
        """No verdict about the layer could be had."""
        return cls(Verdict.INCONCLUSIVE, expected, observed, source, fix, provider_text, signed_out=signed_out)

    @classmethod
    def attested(
        cls, *, expected: str, stated: str, by: str, findings: tuple[Finding, ...] = (), facts: tuple[Any, ...] = ()
    ) -> Self:
        """The operator stated, with their name, what no API can show."""
        return cls(Verdict.ATTESTED, expected, stated, source=by, findings=findings, facts=facts)

    @classmethod
    def not_needed(cls, reason: str, *, source: str = "procedure") -> Self:
        """This mode or this estate does not have the step."""
        return cls(Verdict.NOT_NEEDED, expected="not needed here", observed=reason, source=source)
