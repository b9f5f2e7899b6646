"""Connects an environment's adapters: each with its explicit endpoint, all behind one interlock and one door."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from runbook.config import Environment
from runbook.engine.ports import Secret
from runbook.estate.aws_account import AwsAccount, AwsKeys
from runbook.estate.aws_client import AwsAccess
from runbook.estate.aws_databases import AwsDatabases
from runbook.estate.aws_objects import AwsObjects
from runbook.estate.cloudflare import Cloudflare
from runbook.estate.dns import Dns
from runbook.estate.door import Door
from runbook.estate.github import GitHub
from runbook.estate.northflank import Northflank
from runbook.estate.ports import ArchiveReport, Estate
from runbook.estate.postgres import PostgresDatabases
from runbook.estate.registry import Registry
from runbook.estate.vault import VaultServer
from runbook.estate.vault_snapshot import inspect
from runbook.estate.web import PublicWeb
from runbook.safety.interlock import Interlock


class OfflineArchives:
    """`Archives` on this machine's disk."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def inspect(self, path: Path) -> ArchiveReport:
        return await self._door(inspect, path)


def connect(environment: Environment, credential: Callable[[str], Secret], interlock: Interlock, door: Door) -> Estate:
    """The adapters of one environment.  Nothing is loaded or called before a step asks."""
    aws = AwsAccess(environment.aws, credential("aws-access-key"), credential("aws-secret-key"), None, interlock, door)
    image, edge = environment.application.image, environment.connectivity
    github = credential("github-token")
    return Estate(
        account=AwsAccount(aws),
        objects=AwsObjects(aws),
        keys=AwsKeys(aws),
        databases=AwsDatabases(aws),
        archives=OfflineArchives(door),
        vault=VaultServer(environment.vault, interlock, door),
        sql=PostgresDatabases(environment.database, credential("database-password"), interlock, door),
        platform=Northflank(environment.application.platform, credential("northflank-token"), interlock, door),
        code=GitHub(image.github, github, interlock, door),
        registry=Registry(image.registry, github, interlock, door),
        edge=Cloudflare(edge.cloudflare, credential("cloudflare-token"), None, interlock, door),
        names=Dns(interlock, door),
        web=PublicWeb(edge.ca_file, edge.https_port, interlock, door),
    )
