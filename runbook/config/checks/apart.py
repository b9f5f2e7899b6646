"""Staging and production share nothing that a drill could touch; backups and records are kept apart too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from runbook.config.checks.addresses import loopback, split
from runbook.config.checks.plain import Plain, place
from runbook.config.sections import ProductionDatabase, StagingDatabase
from runbook.toml_file import Mistake

_PREFIX: Final = re.compile(r"[a-z](?:-?[a-z0-9])*")
_PREFIX_LENGTH: Final = 20  # with the run's id it has to fit into 63 characters


def _vaults(file: Plain) -> Iterator[Mistake]:
    address = file.text("staging.vault.address")
    if address and _server(address) == _server(file.text("production.vault.address")):
        yield Mistake(place("staging.vault.address"), "is production's vault: a drill would overwrite it")
    for loc, endpoint in file.texts("production.vault.endpoints.*"):
        if _server(address) == _server(f"https://{endpoint}"):
            yield Mistake(loc, "is staging's vault, which can always reach itself")


def _names(file: Plain) -> Iterator[Mistake]:
    """Public names, and the pages by which services are judged."""
    theirs = {_name(value) for _, value in file.texts("production.connectivity.hostnames.*.name")}
    for loc, value in file.texts("staging.connectivity.hostnames.*.name"):
        if _name(value) in theirs:
            yield Mistake(loc, "is production's name: a drill would change it")
    pages = ("application.services.*.health.url", "application.services.*.probe_url")
    servers = {_server(value) for _, value in file.texts(*(f"production.{page}" for page in pages))}
    for loc, value in file.texts(*(f"staging.{page}" for page in pages)):
        if _server(value) in servers:
            yield Mistake(loc, "is on a host of production's: a drill would judge the wrong application")


def _projects(file: Plain) -> Iterator[Mistake]:
    """In one project, services and secret groups are told apart by their names."""
    ours, theirs = (file.text(f"{side}.application.project") for side in ("staging", "production"))
    if not ours or ours != theirs:
        return
    services = ("application.services.*.name", "vault.service")
    groups = ("application.consumers.*.secret_group", "application.outbound.*.secret_group")
    yield from _shared(file, services, "is a service of production's too, in the same project")
    yield from _shared(file, groups, "is a secret group of production's too, in the same project")


def _vault_service(file: Plain) -> Iterator[Mistake]:
    """The vault is restarted by its service's name: that may be no service that is deployed."""
    for side in ("production", "staging"):
        deployed = {value for _, value in file.texts(f"{side}.application.services.*.name")}
        if file.text(f"{side}.vault.service") in deployed:
            yield Mistake(
                place(f"{side}.vault.service"), "is a service of the application already: the vault is another"
            )


def _databases(file: Plain) -> Iterator[Mistake]:
    """Instances are told apart by their prefix: neither begins like the other, or like what is backed up."""
    ours = _prefix(file, "staging", StagingDatabase)
    theirs = _prefix(file, "production", ProductionDatabase)
    at = place("staging.database.prefix")
    if f"{ours}-".startswith(f"{theirs}-") or f"{theirs}-".startswith(f"{ours}-"):
        yield Mistake(at, "begins like production.database.prefix: copies could not be told from what a recovery made")
    for side, prefix in (("staging", ours), ("production", theirs)):
        if file.text("production.database.instance").lower().startswith(f"{prefix}-"):
            what = "production.database.instance begins with it: what is backed up would look like a run's own"
            yield Mistake(place(f"{side}.database.prefix"), what)
    for loc, prefix in file.texts("*.database.prefix"):
        if not _PREFIX.fullmatch(prefix) or len(prefix) > _PREFIX_LENGTH:
            what = f"must begin with a letter, of a-z, 0-9 and single hyphens, at most {_PREFIX_LENGTH} characters"
            yield Mistake(loc, what)


def _buckets(file: Plain) -> Iterator[Mistake]:
    """The backups are in none of production's own buckets; the evidence is in neither."""
    own = {value for _, value in file.texts("production.vault.backup.production_buckets.*")}
    backups = file.text("production.vault.backup.bucket")
    evidence, at = file.text("records.bucket.bucket"), place("records.bucket.bucket")
    if backups in own:
        yield Mistake(place("production.vault.backup.bucket"), "is one of production_buckets: keep backups apart")
    if evidence and evidence in {backups, file.text("production.database.manifest_bucket")}:
        yield Mistake(at, "is where backups are kept: evidence needs a bucket of its own")
    if evidence and evidence in own:
        yield Mistake(at, "is one of production's own buckets: evidence needs a bucket of its own")
    for loc, prefix in file.texts("records.bucket.prefix"):
        if not prefix.endswith("/") or prefix.startswith("/"):
            yield Mistake(loc, "must end with / and not begin with it: only what is under it is written")


def _shared(file: Plain, keys: Iterable[str], what: str) -> Iterator[Mistake]:
    theirs = {value for _, value in file.texts(*(f"production.{key}" for key in keys))}
    for loc, value in file.texts(*(f"staging.{key}" for key in keys)):
        if value in theirs:
            yield Mistake(loc, what)


def _prefix(file: Plain, side: str, table: Any) -> str:
    return file.text(f"{side}.database.prefix", table.model_fields["prefix"].default)


def _name(name: str) -> str:
    return name.removesuffix(".").lower()


def _server(url: str) -> Any:
    """Host and port, however they are written; None for what is no URL (and equal to no other)."""
    parts = split(url)
    if parts is None or not parts.hostname:
        return object()
    host = "loopback" if loopback(parts.hostname) else _name(parts.hostname)
    return host, parts.port or {"http": 80}.get(parts.scheme, 443)


CHECKS: Final = (_vaults, _names, _projects, _vault_service, _databases, _buckets)
