"""Where the file is found, what environments come of it, and what a change of it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.config import load as loading
from runbook.config.file import Configuration
from runbook.config.load import Loaded, first_stage
from runbook.config.notes import notes
from runbook.engine.errors import WrongUse
from tests.support import runbook_toml

ONE_ACCOUNT = {
    "staging.aws.account_id": "111111111111",
    "staging.aws.identity_patterns": ["arn:aws:sts::111111111111:assumed-role/runbook-drill/*"],
    "staging.aws.sign_in.mfa_serial": "arn:aws:iam::111111111111:mfa/ana",
    "staging.database.source": "same-account",
    "staging.database.copy_kms_key": None,
}


def loaded(folder: Path, **edits: object) -> Loaded:
    path = folder / "runbook.toml"
    path.write_text(runbook_toml.text(**edits), encoding="utf-8")
    return loading.load(path)


def settings(folder: Path, **edits: object) -> Configuration:
    return loaded(folder, **edits).configuration


# -- where it is --------------------------------------------------------------------------------------------------
def test_it_is_found_where_it_is_named_then_here_or_above_then_with_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below, user = tmp_path / "project" / "below", tmp_path / "user" / "runbook.toml"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.delenv("RUNBOOK_CONFIG", raising=False)
    monkeypatch.setattr(loading, "user_file", lambda: user)
    assert loading.find(None) is None
    user.parent.mkdir()
    user.write_text("")
    assert loading.find(None) == user
    above = tmp_path / "project" / "runbook.toml"
    above.write_text("")
    assert loading.find(None) == above
    monkeypatch.setenv("RUNBOOK_CONFIG", "named.toml")
    assert loading.find(None) == below / "named.toml"
    assert loading.find(Path("given.toml")) == below / "given.toml"


def test_a_file_of_a_user_that_there_is_not_is_a_sentence() -> None:
    with pytest.raises(WrongUse, match="there is no such user"):
        loading.find(Path("~nobody-at-all/runbook.toml"))


# -- environments -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("mode", "acts_on", "spares"),
    [
        ("drill", "staging", "production"),
        ("rehearsal", "staging", "production"),
        ("recovery", "production", "staging"),
    ],
)
def test_each_mode_acts_on_one_environment_and_spares_the_other(
    mode: str, acts_on: str, spares: str, tmp_path: Path
) -> None:
    made = settings(tmp_path)
    assert (made.environment(mode).name, made.other(mode).name) == (acts_on, spares)


def test_training_has_no_environment_here(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no environment"):
        settings(tmp_path).environment("training")


def test_a_drill_restores_productions_backups_into_staging(tmp_path: Path) -> None:
    made = settings(tmp_path)
    drill, recovery = made.environment("drill"), made.environment("recovery")
    assert drill.vault.address == "https://127.0.0.1:8210"
    assert drill.vault.production_address == recovery.vault.address == "https://127.0.0.1:8200"
    assert drill.vault.backup == recovery.vault.backup
    assert drill.vault.production_endpoints == ("127.0.0.1:5433", "127.0.0.1:8200")
    assert drill.database.source_instance == recovery.database.source_instance == "clinic-production"
    assert (drill.database.subnet_group, recovery.database.subnet_group) == ("clinic-staging", "clinic-production")
    assert (drill.database.prefix, recovery.database.prefix) == ("rt", "recovered")
    assert (drill.application.project, recovery.application.project) == ("clinic-staging", "clinic")
    assert drill.application.images == recovery.application.images
    assert [each.url for each in drill.application.probes] == ["https://127.0.0.1:8543/appointments"]
    assert [each.url for each in recovery.application.probes] == ["https://127.0.0.1:8443/appointments"]
    assert drill.application.platform == "http://127.0.0.1:8081/v1"
    assert drill.canary == recovery.canary


def test_two_accounts_are_two_sessions_and_a_copy(tmp_path: Path) -> None:
    made = settings(tmp_path)
    drill, recovery = made.environment("drill"), made.environment("recovery")
    assert (drill.aws.account_id, drill.source_aws and drill.source_aws.account_id) == ("222222222222", "111111111111")
    assert (drill.database.source, drill.database.source_account) == ("shared-copy", "111111111111")
    assert drill.database.copy_kms_key == "arn:aws:kms:eu-west-2:222222222222:key/91ab"
    assert (recovery.source_aws, recovery.database.source, recovery.database.copy_kms_key) == (
        None,
        "same-account",
        None,
    )


def test_one_account_is_one_session(tmp_path: Path) -> None:
    drill = settings(tmp_path, **ONE_ACCOUNT).environment("drill")
    assert (drill.source_aws, drill.database.source, drill.database.source_account) == (None, "same-account", None)


def test_without_names_of_its_own_staging_reads_productions_zone(tmp_path: Path) -> None:
    drill = settings(tmp_path, **{"staging.connectivity": None}).environment("drill")
    assert (drill.connectivity.zone, drill.connectivity.hostnames) == ("clinic.practice.test", ())


def test_the_platforms_api_may_be_written_with_its_version(tmp_path: Path) -> None:
    made = settings(tmp_path, **{"providers.northflank.api": "https://api.northflank.com/v1/"})
    assert made.environment("drill").application.platform == "https://api.northflank.com/v1"


def test_a_probe_is_made_where_it_has_a_url(tmp_path: Path) -> None:
    probe = {"name": "diary", "production_url": "https://app.clinic.practice.test/diary"}
    made = settings(tmp_path, **{"application.probes": [probe]})
    assert made.environment("drill").application.probes == ()
    assert [each.name for each in made.environment("recovery").application.probes] == ["diary"]


def test_the_policys_figures_are_the_built_in_ones_unless_the_file_has_others(tmp_path: Path) -> None:
    built_in = settings(tmp_path, policy=None).policy()
    assert (built_in.retention_days, built_in.quarter_months) == (30, (1, 4, 7, 10))
    ours = {"version": "4", "retention_days": 35, "quarter_months": [2, 5, 8, 11]}
    changed = settings(tmp_path, policy=ours).policy()
    assert changed.reference == "Backup & Data Retention Policy, version 4"
    assert (changed.retention_days, changed.quarter_months) == (35, (2, 5, 8, 11))


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    made = settings(tmp_path, **{"staging.vault.ca_file": "ca.pem", "records.folder": "../record"})
    assert made.environment("drill").vault.ca_file == tmp_path / "ca.pem"
    assert made.records.folder == tmp_path / "../record"


# -- what changed -------------------------------------------------------------------------------------------------
def test_two_machines_with_the_same_text_have_the_same_keys(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        (folder / "ca.pem").write_text("")
    edits = {"staging.vault.ca_file": "ca.pem"}
    assert loaded(one, **edits).flat() == loaded(two, **edits).flat()


def test_every_key_is_there_with_its_default_and_as_text(tmp_path: Path) -> None:
    flat = loaded(tmp_path).flat()
    assert flat["staging.vault.address"] == "https://127.0.0.1:8210"
    assert flat["production.database.prefix"] == "recovered"
    assert flat["production.vault.custodians"] == '["Ana", "Bo", "Cy"]'
    assert flat["staging.application.services.2.name"] == "worker"
    assert flat["policy.version"] == "3"
    assert flat["targets.rto_s"] == "14400"
    assert flat["people.clinical_safety_officer"] == ""
    assert all(isinstance(value, str) for value in flat.values())


@pytest.mark.parametrize(
    ("keys", "stage"),
    [
        ([], None),
        (["people.operator", "targets.rto_s", "platform.name", "records.bucket.bucket"], None),
        (["rehearsal.policy_exception", "policy.quarter_months"], None),
        (["staging.aws.account_id"], "identity"),
        (["production.aws.sign_in.way"], "identity"),
        (["providers.github.api"], "identity"),
        (["staging.vault.address"], "identity"),
        (["production.database.host"], "identity"),
        (["staging.application.project"], "identity"),
        (["staging.connectivity.zone"], "identity"),
        (["staging.vault.egress_rule"], "vault"),
        (["canary.sha256"], "vault"),
        (["production.database.user"], "database"),
        (["database.assertions.1.sql", "application.images.1.branch"], "database"),
        (["policy.retention_days"], "database"),
        (["application.probes.1.contains"], "application"),
        (["staging.application.services.1.health.url", "staging.connectivity.https_port"], "application"),
        (["staging.connectivity.hostnames.1.path"], "connectivity"),
    ],
)
def test_a_change_leads_back_to_the_first_stage_that_reads_it(keys: list[str], stage: str | None) -> None:
    assert first_stage(keys) == stage


def test_every_key_of_the_file_is_placed(tmp_path: Path) -> None:
    stages = {"identity", "vault", "database", "application", "connectivity", None}
    assert {first_stage([key]) for key in loaded(tmp_path).flat()} == stages


# -- what is said beforehand --------------------------------------------------------------------------------------
def said(folder: Path, **edits: object) -> str:
    return "\n".join(notes(settings(folder, **edits)))


def test_a_rehearsal_of_a_shamir_vault_is_said_to_end_without_a_verdict(tmp_path: Path) -> None:
    line = "ends INCONCLUSIVE at vault.unseal"
    assert line in said(tmp_path, **{"production.vault.seal_type": "shamir"})
    assert line in said(tmp_path)
    assert line not in said(tmp_path, **{"production.vault.seal_type": "awskms"})


def test_a_rehearsal_is_said_to_need_mfa_or_an_exception(tmp_path: Path) -> None:
    assert "before it changes anything" in said(tmp_path)
    assert "carries the exception" in said(tmp_path, **{"rehearsal.policy_exception": "CTO, 2027-01-04"})


def test_a_rehearsal_without_a_measurement_is_said_to_end_there(tmp_path: Path) -> None:
    without = {"staging.vault.egress_probe": None, "staging.vault.egress_rule": "policy vault-drill"}
    assert "INCONCLUSIVE at vault.egress" in said(tmp_path, **without)
    assert "vault.egress" not in said(tmp_path)


def test_providers_on_loopback_are_said_not_to_count(tmp_path: Path) -> None:
    assert "on loopback, so not the real ones: aws, northflank" in said(tmp_path)
    assert "loopback" not in said(tmp_path, providers={"vault": {"product": "vault"}})


def test_a_shared_account_is_said(tmp_path: Path) -> None:
    assert "share an account" in said(tmp_path, **ONE_ACCOUNT)
    one_network = {**ONE_ACCOUNT, "staging.database.subnet_group": "clinic-production"}
    assert "no border either" in said(tmp_path, **one_network)
    assert "share an account" not in said(tmp_path)


def test_budgets_that_are_more_than_the_target_together_are_said(tmp_path: Path) -> None:
    budgets = {"targets.stages": {"vault_s": 10_000, "database_s": 4400}}
    assert "targets.stages" not in said(tmp_path, **budgets)
    budgets["targets.stages"]["identity_s"] = 1
    assert "[targets.stages] gives the stages 14,401 s together, and rto_s is 14,400 s" in said(tmp_path, **budgets)
    assert "targets.stages" not in said(tmp_path, targets={"stages": budgets["targets.stages"]})


def test_what_will_be_missing_in_the_record_is_said(tmp_path: Path) -> None:
    assert "no target is set for RTO and RPO" in said(tmp_path, targets=None)
    assert "cannot be handed over" in said(tmp_path, **{"records.bucket": None})
    assert "content is not compared" in said(tmp_path)
    assert "only reads the zone" in said(tmp_path, **{"staging.connectivity": None})
    assert "probe_url" not in said(tmp_path)
