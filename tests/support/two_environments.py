"""One practice estate as two environments: a `runbook.toml`, and a home and a compliance folder of the test's own.

For a drill the estate is staging, and production is what its backups are of; for a recovery it is production's new
home.  Where the other environment has nothing that runs here, it has names and addresses that nobody serves.
"""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from runbook import config
from runbook.config.application import ApplicationTarget
from runbook.config.connectivity import ConnectivityTarget
from runbook.config.database import DatabaseSource, DatabaseTarget
from runbook.config.vault import VaultTarget
from runbook.records import journal
from runbook.training.client import PracticeEstate
from runbook.training.servers import aws_names as names
from tests.support import runbook_toml
from tests.support.person import Person, Rule
from tests.support.terminal import RUNBOOK, Terminal, piped

PLATFORM = "Practice Clinic"
PEOPLE = {
    "operator": "Ana Lovelace",
    "operator_role": "engineer",
    "witness": "Bo Turing",
    "witness_role": "clinical safety officer",
    "clinical_safety_officer": "Bo Turing",
}
EMPTY, SEALED, OPEN = 501, 503, 200  # what a vault's health says
NOWHERE = "127.0.0.1:9"  # discard: nobody serves it
VAULT_TARGET = tuple(VaultTarget.model_fields)
DATABASE_TARGET = tuple(DatabaseTarget.model_fields)
APPLICATION_TARGET = tuple(ApplicationTarget.model_fields)
CONNECTIVITY_TARGET = tuple(ConnectivityTarget.model_fields)
Document = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a test's commands run: `runbook.toml` and `compliance/` in `folder`, the machine's own in `home`."""

    estate: PracticeEstate
    folder: Path

    @property
    def home(self) -> Path:
        """Of this machine."""
        return self.folder / "home"

    @property
    def compliance(self) -> Path:
        """The test log and the evidence."""
        return self.folder / "compliance"

    def configure(self, document: Mapping[str, Any]) -> None:
        """Write the configuration."""
        (self.folder / "runbook.toml").write_text(runbook_toml.written(document), encoding="utf-8")

    @contextlib.contextmanager
    def running(self, *words: str, home: Path | None = None, program: Sequence[str] = RUNBOOK) -> Iterator[Terminal]:
        """`runbook …` here."""
        with piped(*words, "--home", str(home or self.home), cwd=self.folder, program=program) as terminal:
            yield terminal

    def through(self, *words: str, more: tuple[Rule, ...] = ()) -> tuple[int, str]:
        """The same, answered to its end: the exit status, and all that was said."""
        with self.running(*words) as terminal:
            return Person(self.estate, more).walk(terminal), terminal.said

    # -- what is left of it ---------------------------------------------------------------------------------------
    @property
    def runs(self) -> tuple[Path, ...]:
        """The folders of the runs, oldest first; those of later removals are none."""
        evidence = self.compliance / "evidence"
        return tuple(sorted(path for path in evidence.glob("*-*Z-*") if ".cleanup-" not in path.name))

    def events(self, run_id: str = "") -> tuple[Any, ...]:
        """The journal so far of that run, or of the newest; () while there is none."""
        paths = [run / "journal.jsonl" for run in self.runs if run.name.startswith(run_id)]
        return journal.read(paths[-1]) if paths and paths[-1].exists() else ()

    def document(self, run_id: str = "") -> Document:
        """The run.json of that run, or of the newest."""
        paths = [run / "run.json" for run in self.runs if run.name.startswith(run_id)]
        loaded: Document = json.loads(paths[-1].read_text(encoding="utf-8"))
        return loaded

    def aws(self, service: str) -> Any:
        """A client of the practice account: whoever looks at it from outside."""
        import boto3

        make: Any = boto3.client  # its overloads want the service's name as a literal
        return make(
            service,
            region_name=names.REGION,
            endpoint_url=self.estate.environment().aws.endpoint,
            aws_access_key_id="the-test",
            aws_secret_access_key="the-test",
        )

    def instances(self) -> list[Document]:
        """Every instance that carries a run's tag."""
        found = self.aws("rds").describe_db_instances()["DBInstances"]
        return [one for one in found if any(tag["Key"].startswith("runbook") for tag in one.get("TagList", []))]

    def vault_health(self) -> int:
        """Of the vault that backups are restored into: 501 empty, 503 sealed, 200 open."""
        vault = self.estate.environment().vault
        trusted = ssl.create_default_context(cafile=str(vault.ca_file))
        return httpx.get(f"{vault.address}/v1/sys/health", verify=trusted, trust_env=False).status_code

    def left_over(self) -> list[str]:
        """Of all that a run makes: instances and snapshots, the vault's data, files of this machine."""
        rds, health = self.aws("rds"), self.vault_health()
        kept = [one["DBInstanceIdentifier"] for one in self.instances()]
        kept += [one["DBSnapshotIdentifier"] for one in rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]]
        backups = rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
        kept += [one["DBInstanceIdentifier"] for one in backups if one["DBInstanceIdentifier"] != names.INSTANCE]
        kept += [f"a vault that answers {health}"] * (health != EMPTY)
        return kept + [str(path) for path in (self.home / "runs").rglob("*") if path.is_file()]

    def deployed(self) -> str:
        """The image that the platform was last told to run, of the first service."""
        settings = self.estate.environment().application
        url = f"{settings.platform}/projects/{settings.project}/services/{settings.services[0].name}"
        with self._client("northflank-token") as client:
            return str(_answer(client, url)["data"]["deployment"]["external"]["imagePath"])

    def outside(self) -> dict[str, Any]:
        """What a run changes for a while: secret groups and public names, as their providers tell them."""
        settings = self.estate.environment()
        base = f"{settings.application.platform}/projects/{settings.application.project}/secrets"
        edge = settings.connectivity
        with self._client("northflank-token") as client:
            groups = {each.secret_group for each in settings.application.consumers}
            told = {group: _answer(client, f"{base}/{group}")["data"]["secrets"] for group in groups}
        with self._client("cloudflare-token") as client:
            zone = _answer(client, f"{edge.cloudflare}/zones?name={edge.zone}")["result"][0]["id"]
            records = _answer(client, f"{edge.cloudflare}/zones/{zone}/dns_records")["result"]
        return {**told, **{one["name"]: (one["type"], one["content"], one["proxied"]) for one in records}}

    def _client(self, token: str) -> httpx.Client:
        authorization = f"Bearer {self.estate.credential(token).reveal()}"
        return httpx.Client(trust_env=False, headers={"Authorization": authorization})


def _answer(client: httpx.Client, url: str) -> Any:
    return client.get(url).raise_for_status().json()


@contextlib.contextmanager
def practice(folder: Path, document: Callable[[config.Environment], Document]) -> Iterator[Place]:
    """A practice estate that outlives every command, and the configuration for it; ended with the block."""
    estate = PracticeEstate.start(folder / "estate", seed=1)
    try:
        place = Place(estate, folder)
        place.configure(document(estate.environment()))
        yield place
    finally:
        estate.stop()


# -- the configuration --------------------------------------------------------------------------------------------
def for_a_drill(environment: config.Environment) -> Document:
    """The estate is staging; production is its backups, its vault, its database, and a project that is elsewhere."""
    told = _plain(environment)
    vault, database = told["vault"], told["database"]
    production = {
        "aws": _account(told),
        "vault": {
            **_source(vault, VAULT_TARGET),
            "address": vault["production_address"],
            "ca_file": vault["ca_file"],
            "egress_rule": "production's own",
            "endpoints": vault["production_endpoints"],
        },
        "database": {**_target(database), **_database_source(database), "prefix": "recovered"},
        "application": _elsewhere("clinic-production"),
        "connectivity": {"zone": "production.test", "hostnames": [_name("app.production.test")]},
    }
    staging = {
        "aws": _account(told),
        "vault": _only(vault, VAULT_TARGET),
        "database": _target(database),
        "application": _only(told["application"], APPLICATION_TARGET),
        "connectivity": _only(told["connectivity"], CONNECTIVITY_TARGET),
    }
    return {**_everywhere(told, "staging"), "production": production, "staging": staging}


def for_a_recovery(environment: config.Environment) -> Document:
    """The estate is where production is made again; staging is elsewhere."""
    told = _plain(environment)
    vault, database = told["vault"], told["database"]
    production = {
        "aws": _account(told),
        "vault": {
            **_source(vault, VAULT_TARGET),
            **_only(vault, VAULT_TARGET),
            "endpoints": vault["production_endpoints"],
        },
        "database": {
            **_target(database),
            **_database_source(database),
            "prefix": "recovered",
            "parameter_group": names.PRODUCTION_PARAMETERS,
        },
        "application": {**_only(told["application"], APPLICATION_TARGET), "outbound": []},
        "connectivity": _only(told["connectivity"], CONNECTIVITY_TARGET),
    }
    staging = {
        "aws": _account(told),
        "vault": {"address": f"https://{NOWHERE}", "egress_rule": "staging's own"},
        "database": _target(database),
        "application": _elsewhere("clinic-rehearsals"),
    }
    return {**_everywhere(told, "production"), "production": production, "staging": staging}


def _everywhere(told: Document, side: str) -> Document:
    application, edge = told["application"], told["connectivity"]
    probes = [{**_without(probe, "url"), f"{side}_url": probe["url"]} for probe in application["probes"]]
    return {
        "platform": {"name": PLATFORM},
        "people": dict(PEOPLE),
        "records": {"evidence_refs": ["DSPT 7.2.1", "DSPT 7.3.4"], "dpia_ref": "DPIA-7"},
        "providers": {
            "aws": {"endpoint": told["aws"]["endpoint"]},
            "vault": {"product": told["vault"]["product"]},
            "northflank": {"api": application["platform"]},
            "github": {
                "api": application["github"],
                "registry": application["registry"],
                "reference_host": application["reference_host"],
            },
            "cloudflare": {"api": edge["cloudflare"]},
        },
        "canary": told["canary"],
        "database": {"assertions": told["database"]["assertions"]},
        "application": {"images": application["images"], "probes": probes},
    }


def _elsewhere(project: str) -> Document:
    """A project of that name which is on another machine."""
    return {
        "project": project,
        "services": [{"name": "web", "health": {"url": f"https://{NOWHERE}/healthz"}}],
        "consumers": [{"secret_group": f"{project}-env"}],
        "outbound": [{"secret_group": f"{project}-env", "variable": "OUTBOUND_MAIL"}],
    }


def _name(name: str) -> Document:
    return {"name": name, "content": "p01--web--elsewhere.code.practice.test"}


def _account(told: Document) -> Document:
    return _without(told["aws"], "endpoint")


def _target(database: Document) -> Document:
    return _only(database, DATABASE_TARGET)


def _database_source(database: Document) -> Document:
    source = _only(database, tuple(DatabaseSource.model_fields))
    return {**source, "instance": database["source_instance"], "host": database["source_host"]}


def _source(vault: Document, target: tuple[str, ...]) -> Document:
    """What is known of the vault that made the backups."""
    return _without(vault, *target, "product", "production_address", "production_endpoints")


def _plain(environment: config.Environment) -> Document:
    """As a file would say it: without what is not set."""
    plain: Document = json.loads(environment.model_dump_json(exclude_none=True))
    return plain


def _only(table: Document, keys: tuple[str, ...]) -> Document:
    return {key: value for key, value in table.items() if key in keys}


def _without(table: Document, *keys: str) -> Document:
    return {key: value for key, value in table.items() if key not in keys}
