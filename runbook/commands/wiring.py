"""Connects an environment's adapters: each with its explicit endpoint, all behind one interlock and one door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runbook.config import Aws, Environment, SignIn
from runbook.config.sections import RecordsBucket
from runbook.engine.ports import Secret
from runbook.estate import libraries
from runbook.estate.aws.account import AwsAccount, AwsKeys
from runbook.estate.aws.backup_source import backup_source
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.databases import AwsDatabases
from runbook.estate.aws.evidence_bucket import EvidenceBucket
from runbook.estate.aws.objects import AwsObjects
from runbook.estate.aws.sign_in import AwsSignIn
from runbook.estate.cloudflare import Cloudflare
from runbook.estate.dns import Dns
from runbook.estate.door import Door
from runbook.estate.github import GitHub
from runbook.estate.http import Wiring
from runbook.estate.northflank import Northflank
from runbook.estate.ports import ArchiveProof, ArchiveReport, Estate
from runbook.estate.postgres.server import PostgresDatabases
from runbook.estate.provenance.verifier import ProvenanceVerifier
from runbook.estate.rates import KnownRates
from runbook.estate.registry import Registry
from runbook.estate.vault.server import VaultServer
from runbook.estate.vault_snapshot.inspection import inspect
from runbook.estate.vault_snapshot.proof import prove
from runbook.estate.web import PublicWeb
from runbook.records.remote_store import Store
from runbook.safety.interlock import Interlock


class OfflineArchives:
    """`Archives` on this machine's disk."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def inspect(self, path: Path) -> ArchiveReport:
        return await self._door(inspect, path)

    async def prove(self, path: Path, shares: tuple[Secret, ...], *, transit_mount: str) -> ArchiveProof:
        return await self._door(prove, path, shares, transit_mount=transit_mount)


def needed(environment: Environment) -> tuple[str, ...]:
    """The credentials that `connect` asks for, in the order in which a person is asked for them."""
    sign_in = environment.aws.sign_in
    long_term = ("aws-access-key", "aws-secret-key") if sign_in.way == "mfa" and sign_in.profile is None else ()
    return (*long_term, "northflank-token", "github-token", "cloudflare-token", "database-password")


def load() -> None:
    """What the adapters call with.  Blocking, 0.5 s with this module: in a thread; a second time costs nothing."""
    libraries.load()


@dataclass(frozen=True, slots=True)
class Wired:
    """The adapters of one environment; `bucket` where an evidence bucket is configured."""

    estate: Estate
    bucket: Store | None = None


def wired(
    environment: Environment,
    credential: Callable[[str], Secret],
    interlock: Interlock,
    door: Door,
    records: RecordsBucket | None = None,
) -> Wired:
    """The adapters.  Nothing is called before a step asks; what `load` did not load is loaded then."""
    sign_in = AwsSignIn(environment.aws, _long_term_keys(environment.aws.sign_in, credential), interlock)
    aws = AwsAccess(environment.aws, sign_in, interlock, door)
    application, edge = environment.application, environment.connectivity
    github, rates = credential("github-token"), KnownRates()
    wiring = Wiring(rates=rates)
    estate = Estate(
        account=AwsAccount(aws, sign_in),
        objects=AwsObjects(aws),
        keys=AwsKeys(aws),
        databases=AwsDatabases(aws),
        archives=OfflineArchives(door),
        vault=VaultServer(environment.vault, interlock, door),
        sql=PostgresDatabases(environment.database, credential("database-password"), interlock, door),
        platform=Northflank(application.platform, credential("northflank-token"), interlock, door, wiring=wiring),
        code=GitHub(application.github, github, interlock, door, wiring=wiring),
        registry=Registry(application.registry, github, interlock, door, wiring=wiring),
        provenances=ProvenanceVerifier(interlock, door, token=github),
        edge=Cloudflare(
            edge.cloudflare,
            credential("cloudflare-token"),
            edge.account_id,
            interlock,
            door,
            read_only=not edge.hostnames,
            wiring=wiring,
        ),
        names=Dns(interlock, door),
        web=PublicWeb(edge.ca_file, edge.https_port, interlock, door),
        rates=rates,
        source=backup_source(environment.source_aws, aws, interlock, door),
    )
    return Wired(estate, _bucket(environment.aws, records, sign_in, interlock, door))


def connect(environment: Environment, credential: Callable[[str], Secret], interlock: Interlock, door: Door) -> Estate:
    """The adapters alone."""
    return wired(environment, credential, interlock, door).estate


def _bucket(
    settings: Aws, records: RecordsBucket | None, sign_in: AwsSignIn, interlock: Interlock, door: Door
) -> EvidenceBucket | None:
    """Signed in to as the operator is; in the Region that it lies in."""
    if records is None:
        return None
    access = AwsAccess(settings.model_copy(update={"region": records.region}), sign_in, interlock, door)
    return EvidenceBucket(access, records.bucket, records.account_id)


def _long_term_keys(sign_in: SignIn, credential: Callable[[str], Secret]) -> tuple[Secret, Secret] | None:
    """Asked for only where nothing else has them: a profile has its own, the other ways need none."""
    if sign_in.way != "mfa" or sign_in.profile is not None:
        return None
    return credential("aws-access-key"), credential("aws-secret-key")
