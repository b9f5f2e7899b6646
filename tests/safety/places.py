"""A platform that is on no loopback address, and what belongs to whom on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from runbook.config import load as loading
from runbook.config.file import Configuration
from runbook.safety import bounds
from runbook.safety.bounds import Bounds, RecordsPlace
from tests.safety.cases import Things
from tests.support import runbook_toml

RUN: Final = "drill-20270115T100000Z-7f3a"
RECOVERY: Final = "recovery-20270116T100000Z-09bc"
STAGING, PRODUCTION, UNLISTED = "222222222222", "111111111111", "999999999999"
CLUSTER: Final = "2ad6a4e1-7cbb-4b3e-8d11-0d0a4a9c2f10"
RECORDS: Final = RecordsPlace("practice-evidence", "runbook/", "333333333333")
_ELSEWHERE: Final[dict[str, Any]] = {
    "providers.aws.endpoint": None,
    "providers.northflank.api": None,
    "providers.github.api": None,
    "providers.github.registry": None,
    "providers.github.reference_host": None,
    "providers.cloudflare.api": None,
    "production.vault.address": "https://vault.clinic.example:8200",
    "staging.vault.address": "https://vault.staging.example:8200",
}
ONE_ACCOUNT: Final[dict[str, Any]] = {
    "staging.aws.account_id": PRODUCTION,
    "staging.aws.identity_patterns": [f"arn:aws:sts::{PRODUCTION}:assumed-role/runbook-drill/*"],
    "staging.aws.sign_in.mfa_serial": f"arn:aws:iam::{PRODUCTION}:mfa/ana",
    "staging.database.source": "same-account",
    "staging.database.copy_kms_key": None,
}
ONE_ZONE: Final[dict[str, Any]] = {
    "production.connectivity.zone": "practice.test",
    "staging.connectivity.zone": "practice.test",
}


def configured(folder: Path, **edits: Any) -> Configuration:
    """The good file with real addresses, and with those edits."""
    path = folder / "runbook.toml"
    path.write_text(runbook_toml.text(**(_ELSEWHERE | edits)), encoding="utf-8")
    return loading.load(path).configuration


def bounds_of(configuration: Configuration, mode: str) -> Bounds:
    return bounds.of(mode, configuration.environment(mode), configuration.other(mode), RECORDS)


def staging(configuration: Configuration) -> Things:
    """What a drill may change."""
    environment = configuration.environment("drill")
    return Things(
        environment=environment,
        made=f"rt-{RUN}".lower(),
        kept=f"kept-{RUN}-x".lower(),
        there=f"rt-{RUN}".lower(),
        run=RUN,
        project="clinic-staging",
        service="worker",
        group="web-env",
        zone=environment.connectivity.zone,
        name=environment.connectivity.hostnames[0].name,
        record=environment.connectivity.hostnames[0].name,
        bucket=RECORDS.bucket,
        owner=RECORDS.account_id,
        key=f"runbook/{RUN}/journal.jsonl",
    )


def production(configuration: Configuration) -> Things:
    """What a recovery may change; and the bucket and key of one of production's own backups."""
    environment = configuration.environment("recovery")
    return Things(
        environment=environment,
        made=f"recovered-{RECOVERY}".lower(),
        kept=f"kept-{RECOVERY}-clinic-1".lower(),
        there=f"recovered-{RECOVERY}".lower(),
        run=RECOVERY,
        project="clinic",
        service="web",
        group="clinic-env",
        zone=environment.connectivity.zone,
        name="app.clinic.practice.test",
        record="app.clinic.practice.test",
        bucket="practice-clinic-documents",
        owner=PRODUCTION,
        key="vault/backup.snap",
    )


def source(configuration: Configuration) -> Things:
    """Production's own database, even if it carried a run's tag."""
    return replace(production(configuration), made="clinic-production", there="clinic-production", run=RUN)


def nobodys(configuration: Configuration) -> Things:
    """What stands in no configuration."""
    environment = configuration.environment("drill")
    vault = environment.vault.model_copy(update={"address": "https://vault.elsewhere.example:8200"})
    return Things(
        environment=environment.model_copy(update={"vault": vault}),
        made="elsewhere",
        kept="elsewhere",
        there="elsewhere",
        run="",
        project="elsewhere",
        service="elsewhere",
        group="elsewhere",
        zone="elsewhere.example",
        name="app.elsewhere.example",
        record="app.elsewhere.example",
        bucket="elsewhere",
        owner=UNLISTED,
        key="elsewhere",
    )
