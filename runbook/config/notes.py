"""What a good configuration means for the runs to come: said beforehand, since nothing of it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from runbook.config.checks.addresses import loopback, split
from runbook.config.file import Configuration

_SHAMIR: Final = "shamir"


def notes(configuration: Configuration) -> tuple[str, ...]:
    """A sentence each, for people."""
    return tuple(said for note in _NOTES if (said := note(configuration)))


def _shamir_rehearsal(of: Configuration) -> str:
    seal = of.production.vault.seal_type
    if seal not in {None, _SHAMIR}:
        return ""
    unless = "" if seal else ", unless the backup turns out to be auto-unsealed (production.vault.seal_type names none)"
    return (
        "a rehearsal (drill --unattended) ends INCONCLUSIVE at vault.unseal: a Shamir seal is opened by people, and "
        f"shares are never taken from a store{unless}"
    )


def _exception(of: Configuration) -> str:
    if of.rehearsal.policy_exception.strip():
        return "a rehearsal's record carries the exception of [rehearsal] policy_exception: nobody proves MFA there"
    return (
        "a rehearsal (drill --unattended) ends before it changes anything, unless its sign-in proves MFA or "
        "[rehearsal] policy_exception says who allowed it without"
    )


def _unmeasured(of: Configuration) -> str:
    if of.staging.vault.egress_probe:
        return ""
    return "a rehearsal ends INCONCLUSIVE at vault.egress: without staging.vault.egress_probe nothing is measured there"


def _loopback(of: Configuration) -> str:
    providers = of.providers
    urls = {
        "aws": providers.aws.endpoint or "",
        "northflank": providers.northflank.api,
        "github": providers.github.api,
        "github's registry": providers.github.registry,
        "cloudflare": providers.cloudflare.api,
    }
    names = [name for name, url in urls.items() if (parts := split(url)) and loopback(parts.hostname or "")]
    if not names:
        return ""
    return (
        f"on loopback, so not the real ones: {', '.join(names)}; runs are recorded as LOOPBACK and never count as the "
        "quarterly test"
    )


def _one_account(of: Configuration) -> str:
    if of.production.aws.account_id != of.staging.aws.account_id:
        return ""
    one_network = of.production.database.subnet_group == of.staging.database.subnet_group
    also = (
        "; copies are made in production's own subnet group, so its network is no border either" if one_network else ""
    )
    return f"staging and production share an account: identifiers and tags alone keep a drill apart{also}"


def _zone(of: Configuration) -> str:
    if of.staging.connectivity is not None and of.staging.connectivity.hostnames:
        return ""
    return "staging has no public names: a drill only reads the zone, and changes nothing there"


def _bucket(of: Configuration) -> str:
    if of.records.bucket is not None:
        return ""
    return (
        "without [records.bucket] a run cannot be handed over to another machine, and two machines are not kept apart"
    )


def _targets(of: Configuration) -> str:
    unset = [name.upper() for name in ("rto", "rpo") if getattr(of.targets, f"{name}_s") is None]
    return f"no target is set for {' and '.join(unset)}: the record says NOT_SET" if unset else ""


def _budgets(of: Configuration) -> str:
    rto, whole = of.targets.rto_s, sum(of.targets.stages.by_stage.values())
    if rto is None or whole <= rto:
        return ""
    return f"[targets.stages] gives the stages {whole:,} s together, and rto_s is {rto:,} s"


def _through(of: Configuration) -> str:
    if any(service.probe_url for service in of.staging.application.services):
        return ""
    return (
        "no service of staging has a probe_url: decryption is shown beside the application, not through it (a finding)"
    )


def _manifests(of: Configuration) -> str:
    database = of.production.database
    if database.manifest_bucket or database.manifest_folder:
        return ""
    return "no manifests are configured (manifest_bucket, manifest_folder): the database's content is not compared"


_NOTES: Final[tuple[Callable[[Configuration], str], ...]] = (
    _loopback,
    _shamir_rehearsal,
    _exception,
    _unmeasured,
    _one_account,
    _zone,
    _bucket,
    _targets,
    _budgets,
    _through,
    _manifests,
)
