"""The policy is one that AWS takes: its shape, its size, and calls that exist under the names of the table."""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.session import Session

from runbook.safety import iam_policy
from runbook.safety.iam import AWS
from runbook.safety.operations import OPERATIONS
from tests.safety import places

ROLES: Final = ("drill", "recovery")
MANAGED_POLICY_LIMIT: Final = 6144  # characters, white space not counted (IAM quotas)
CALLS: Final = sorted(each.name.split(":", 1) for each in OPERATIONS if each.name.startswith(AWS))


@pytest.mark.parametrize("service", sorted({service for service, _ in CALLS}))
def test_every_call_of_the_table_is_one_of_the_services_own(service: str) -> None:
    known = set(Session().get_service_model(service).operation_names)
    wanted = next({name for _, name in found} for key, found in groupby(CALLS, lambda call: call[0]) if key == service)
    assert wanted <= known


@pytest.mark.parametrize("mfa", [True, False])
@pytest.mark.parametrize("role", ROLES)
def test_the_policy_has_the_shape_and_the_size_that_iam_takes(role: str, mfa: bool, tmp_path: Path) -> None:  # noqa: FBT001 - parametrised
    for place in (iam_policy.placeholders(role), _configured(role, tmp_path)):
        policy = iam_policy.policy(role, place, mfa=mfa)
        assert len(re.sub(r"\s", "", json.dumps(policy))) < MANAGED_POLICY_LIMIT
        assert policy["Version"] == "2012-10-17"
        sids = [each["Sid"] for each in policy["Statement"]]
        assert len(set(sids)) == len(sids)
        for each in policy["Statement"]:
            _has_the_shape(each)


def _configured(role: str, folder: Path) -> iam_policy.Place:
    edits: dict[str, Any] = {
        "production.aws.reader_role": "arn:aws:iam::111111111111:role/runbook-reads-backups",
        "production.database.manifest_bucket": "practice-clinic-manifests-of-the-backup-job",
        "production.vault.backup.bucket": "b" * 63,
        "records.bucket.bucket": "r" * 63,
    }
    configuration = places.configured(folder, **edits)
    return iam_policy.place_of(configuration.environment(role), configuration.records.bucket)


def _has_the_shape(statement: dict[str, Any]) -> None:
    actions = statement.get("Action") or statement["NotAction"]
    assert set(statement) <= {"Sid", "Effect", "Action", "NotAction", "Resource", "Condition"}
    assert statement["Sid"].isalnum()
    assert statement["Effect"] in {"Allow", "Deny"}
    assert actions
    assert all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", each) for each in actions), actions
    resources = statement["Resource"]
    assert all(each == "*" or each.startswith("arn:aws:") for each in ([resources] if resources == "*" else resources))
