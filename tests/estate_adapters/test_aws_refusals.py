"""Every error that AWS's own models name for the RDS calls used here has a meaning of its own."""

from __future__ import annotations

import pytest
from botocore.session import Session

from runbook.estate.aws import database_refusals
from runbook.estate.aws.errors import _MEANINGS
from runbook.estate.aws.refusals import TABLE, Meaning
from runbook.safety.operations import OPERATIONS

UNCALLED = "rds:ListTagsForResource"  # a right that reading tags may take; the tags come with the descriptions
CALLED = sorted(each.name for each in OPERATIONS if each.name.startswith("rds:") and each.name != UNCALLED)
NEVER_SENT = {  # what the calls can carry and ours do not
    "BackupPolicyNotFound",
    "CustomAvailabilityZoneNotFound",
    "DBCapacityReservationNotFound",
    "DBClusterSnapshotNotFound",
    "DomainNotFound",
    "InvalidDBCapacityReservationState",
    "TenantDatabaseQuotaExceeded",
}


def _codes(operation: str) -> set[str]:
    model = Session().get_service_model("rds").operation_model(operation.removeprefix("rds:"))
    return {shape.metadata["error"]["code"].removesuffix("Fault") for shape in model.error_shapes}


def test_every_error_of_the_models_is_told_in_words() -> None:
    codes = set().union(*(_codes(operation) for operation in CALLED))
    assert codes - set(_MEANINGS) == NEVER_SENT


def test_no_code_stands_in_two_rows() -> None:
    codes = [code for codes, _ in (*TABLE, *database_refusals.TABLE) for code in codes.split()]
    assert len(codes) == len(set(codes)) == len(_MEANINGS)


@pytest.mark.parametrize("meaning", [meaning for _, meaning in (*TABLE, *database_refusals.TABLE)])
def test_every_meaning_is_a_sentence_with_a_fix(meaning: Meaning) -> None:
    assert meaning.sentence[0].islower() or meaning.sentence.startswith(("AWS", "IAM", "RDS"))
    assert not meaning.sentence.endswith(".")
    assert meaning.fix.endswith((".", ")."))
