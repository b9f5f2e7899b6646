"""The changes to RDS besides restores: exactly what is sent, whose permit it takes, and no password in any text."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any, Final

import pytest
from botocore.stub import Stubber

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Permit, Secret
from runbook.estate.aws import database_changes, restores
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.database_changes import COPY, DELETE, FORGET, MODIFY
from runbook.estate.aws.databases import AwsDatabases
from runbook.estate.door import Door
from tests.estate_adapters.aws import access_to, permit
from tests.estate_adapters.aws_databases import SPEC, TO_A_MOMENT
from tests.estate_adapters.loopback_aws import Cloud, refusal

PASSWORD: Final = Secret("tq-7Vf_Xk2Zr9LwB3nYc8MdP1sQh6JgE")
SHARED: Final = "arn:aws:rds:eu-west-2:444455556666:snapshot:nightly"
OURS: Final = "arn:aws:kms:eu-west-2:111122223333:key/ours"
DELETED: Final = {"DBInstanceIdentifier": "rt-1", "SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
MODIFIED: Final = (
    200,
    "<ModifyDBInstanceResponse><ModifyDBInstanceResult><DBInstance/></ModifyDBInstanceResult></ModifyDBInstanceResponse>",
)


# -- the copy -----------------------------------------------------------------------------------------------------
async def test_hiding_takes_the_public_address_away_at_once(access: AwsAccess, rds: Stubber) -> None:
    given = {"DBInstanceIdentifier": "rt-1", "ApplyImmediately": True, "PubliclyAccessible": False}
    rds.add_response("modify_db_instance", {"DBInstance": {}}, given)
    await AwsDatabases(access).hide(permit(MODIFY, "rt-1"), "rt-1")


async def test_a_new_master_password_is_given_at_once(access: AwsAccess, rds: Stubber) -> None:
    given = {"DBInstanceIdentifier": "rt-1", "ApplyImmediately": True, "MasterUserPassword": PASSWORD.reveal()}
    rds.add_response("modify_db_instance", {"DBInstance": {}}, given)
    await AwsDatabases(access).set_password(permit(MODIFY, "rt-1"), "rt-1", PASSWORD)


async def test_what_is_gone_or_going_is_deleted(access: AwsAccess, rds: Stubber) -> None:
    databases = AwsDatabases(access)
    rds.add_response("delete_db_instance", {"DBInstance": {}}, DELETED)
    rds.add_client_error("delete_db_instance", "DBInstanceNotFound", http_status_code=404)
    busy = "Instance rt-1 is already being deleted."
    rds.add_client_error("delete_db_instance", "InvalidDBInstanceState", busy, http_status_code=400)
    for _ in range(3):
        await databases.delete(permit(DELETE, "rt-1"), "rt-1")


@pytest.mark.parametrize(
    ("code", "error", "says", "fix"),
    [
        ("InvalidParameterCombination", LayerFailed, "combination", "protection"),
        ("InvalidDBInstanceState", NoVerdict, "busy", "available"),
        ("KMSKeyNotAccessibleFault", LayerFailed, "KMS key", "kms:CreateGrant"),
    ],
)
async def test_what_cannot_be_deleted_is_said(  # noqa: PLR0917 - a table
    access: AwsAccess, rds: Stubber, code: str, error: type[LayerFailed | NoVerdict], says: str, fix: str
) -> None:
    rds.add_client_error("delete_db_instance", code, http_status_code=400)
    with pytest.raises(error, match=says) as said:
        await AwsDatabases(access).delete(permit(DELETE, "rt-1"), "rt-1")
    assert fix in said.value.fix


async def test_an_instance_that_is_busy_cannot_be_changed_now(access: AwsAccess, rds: Stubber) -> None:
    """Its state says nothing about the backup that it was made of."""
    databases, given = AwsDatabases(access), permit(MODIFY, "rt-1")
    rds.add_client_error("modify_db_instance", "InvalidDBInstanceState", http_status_code=400)
    with pytest.raises(NoVerdict, match="busy"):
        await databases.hide(given, "rt-1")
    rds.add_client_error("modify_db_instance", "InvalidDBInstanceStateFault", http_status_code=400)
    with pytest.raises(NoVerdict, match="busy"):
        await databases.set_password(given, "rt-1", PASSWORD)


# -- the password -------------------------------------------------------------------------------------------------
async def test_the_password_is_sent_and_written_nowhere(
    cloud: Cloud, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="")
    caplog.set_level(logging.DEBUG, logger="botocore")
    cloud.answers[MODIFY] = MODIFIED
    await AwsDatabases(access_to(door, cloud.address)).set_password(permit(MODIFY, "rt-1"), "rt-1", PASSWORD)
    assert cloud.asked[-1].form["MasterUserPassword"] == PASSWORD.reveal()
    assert "'MasterUserPassword': '***'" in caplog.text, "the request itself was logged"
    assert PASSWORD.reveal() not in caplog.text


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal("InvalidParameterValue", f"{PASSWORD.reveal()} is too weak", 400), LayerFailed),
        (refusal("InvalidParameterValue", "x" * 450 + PASSWORD.reveal() * 3, 400), LayerFailed),
        (refusal("AccessDenied", f"rds:ModifyDBInstance with {PASSWORD.reveal()}", 403), NoVerdict),
        ((200, f"<html>you sent {PASSWORD.reveal()}"), NoVerdict),
    ],
)
async def test_no_refusal_repeats_the_password(
    cloud: Cloud, door: Door, answer: tuple[int, str], error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    cloud.answers[MODIFY] = answer
    with pytest.raises(error) as said:
        await AwsDatabases(access_to(door, cloud.address)).set_password(permit(MODIFY, "rt-1"), "rt-1", PASSWORD)
    told = said.value
    assert isinstance(told, LayerFailed | NoVerdict)
    texts = (str(told), repr(told), told.fix, told.provider_text, "".join(traceback.format_exception(told)))
    assert [text for text in texts if PASSWORD.reveal()[:8] in text] == []
    assert "left out" in told.provider_text


async def test_other_words_of_aws_about_the_password_are_kept(access: AwsAccess, rds: Stubber) -> None:
    rds.add_client_error("modify_db_instance", "InvalidParameterValue", "it is too short", http_status_code=400)
    with pytest.raises(LayerFailed) as said:
        await AwsDatabases(access).set_password(permit(MODIFY, "rt-1"), "rt-1", PASSWORD)
    assert said.value.provider_text == "InvalidParameterValue: it is too short"


# -- snapshots ----------------------------------------------------------------------------------------------------
async def test_a_shared_snapshot_is_copied_under_our_key_without_its_tags(access: AwsAccess, rds: Stubber) -> None:
    given = {
        "SourceDBSnapshotIdentifier": SHARED,
        "TargetDBSnapshotIdentifier": "rt-1-source",
        "KmsKeyId": OURS,
        "CopyTags": False,
        "Tags": [{"Key": "runbook:run", "Value": "drill-1"}],
    }
    rds.add_response("copy_db_snapshot", {"DBSnapshot": {}}, given)
    rds.add_client_error("copy_db_snapshot", "DBSnapshotAlreadyExists", http_status_code=400)
    for _ in range(2):
        await _copy(access)


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        ("KMSKeyNotAccessibleFault", LayerFailed, "KMS key"),
        ("SnapshotQuotaExceeded", NoVerdict, "quota of snapshots"),
        ("InvalidDBSnapshotState", NoVerdict, "not available yet"),
        ("DBSnapshotNotFound", LayerFailed, "does not exist"),
        ("AccessDenied", NoVerdict, "does not allow"),
        ("ThrottlingException", NoVerdict, "fewer calls"),
    ],
)
async def test_a_copy_that_is_refused_says_why(
    access: AwsAccess, rds: Stubber, code: str, error: type[Exception], says: str
) -> None:
    rds.add_client_error("copy_db_snapshot", code, http_status_code=400)
    with pytest.raises(error, match=says):
        await _copy(access)


async def _copy(access: AwsAccess) -> None:
    given = permit(COPY, "rt-1-source")
    await AwsDatabases(access).copy(given, SHARED, "rt-1-source", kms_key=OURS, tags={"runbook:run": "drill-1"})


async def test_a_snapshot_is_kept_under_its_own_key_with_its_tags(access: AwsAccess, rds: Stubber) -> None:
    given = {"SourceDBSnapshotIdentifier": "rds:clinic-1", "TargetDBSnapshotIdentifier": "kept", "CopyTags": True}
    rds.add_response("copy_db_snapshot", {"DBSnapshot": {}}, given)
    rds.add_client_error("copy_db_snapshot", "DBSnapshotAlreadyExists", http_status_code=400)
    for _ in range(2):
        await AwsDatabases(access).keep(permit(COPY, "kept"), "rds:clinic-1", "kept")


async def test_a_snapshot_that_is_gone_or_going_is_forgotten(access: AwsAccess, rds: Stubber) -> None:
    name = {"DBSnapshotIdentifier": "rt-1-source"}
    wrong = ("delete_db_snapshot", "InvalidDBSnapshotState")
    rds.add_response("delete_db_snapshot", {"DBSnapshot": {}}, name)
    rds.add_client_error("delete_db_snapshot", "DBSnapshotNotFound", http_status_code=404)
    rds.add_client_error(*wrong, http_status_code=400)
    rds.add_client_error("describe_db_snapshots", "DBSnapshotNotFound", http_status_code=404)
    rds.add_client_error(*wrong, http_status_code=400)
    rds.add_response("describe_db_snapshots", {"DBSnapshots": [{"Status": "deleting"}]}, name)
    for _ in range(4):
        await AwsDatabases(access).forget(permit(FORGET, "rt-1-source"), "rt-1-source")
    rds.add_client_error(*wrong, http_status_code=400)
    rds.add_response("describe_db_snapshots", {"DBSnapshots": [{"Status": "creating"}]}, name)
    with pytest.raises(NoVerdict, match="not available yet"):
        await AwsDatabases(access).forget(permit(FORGET, "rt-1-source"), "rt-1-source")


# -- permits ------------------------------------------------------------------------------------------------------
Change = Callable[[AwsAccess], Any]
CHANGES: Final[dict[str, Change]] = {
    "RestoreDBInstanceFromDBSnapshot": lambda access: restores.restore(access, SPEC),
    "RestoreDBInstanceToPointInTime": lambda access: restores.restore(access, TO_A_MOMENT),
    "ModifyDBInstance": lambda access: database_changes.hide(access, "rt-1"),
    "ModifyDBInstance of a password": lambda access: database_changes.set_password(access, "rt-1", PASSWORD),
    "DeleteDBInstance": lambda access: database_changes.delete(access, "rt-1"),
    "CopyDBSnapshot": lambda access: database_changes.copy(access, SHARED, "s", kms_key=OURS, tags={}),
    "CopyDBSnapshot of our own": lambda access: database_changes.keep(access, "rds:clinic-1", "kept"),
    "DeleteDBSnapshot": lambda access: database_changes.forget(access, "kept"),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_without_a_permit_never_reaches_the_wire(cloud: Cloud, door: Door, name: str) -> None:
    cloud.answers |= {
        "rds:DescribeDBSnapshots": refusal("DBSnapshotNotFound", "", 404),
        "rds:DescribeDBInstances": refusal("DBInstanceNotFound", "", 404),
        "rds:DescribeDBInstanceAutomatedBackups": refusal("DBInstanceAutomatedBackupNotFound", "", 404),
    }
    access = access_to(door, cloud.address)
    operation = "rds:" + name.partition(" ")[0]
    with pytest.raises(Refused, match=f"{operation} changes something and nobody permitted it"):
        await door(CHANGES[name], access)
    assert [one.what for one in cloud.asked if not one.what.startswith("rds:Describe")] == []
    assert (access.interlock.counts["mutating"], access.interlock.counts["refused"]) == (0, 1)


Call = Callable[[AwsDatabases, Permit], Any]
CALLS: Final[list[tuple[str, str, Call]]] = [
    (MODIFY, "rt-1", lambda databases, given: databases.hide(given, "rt-1")),
    (MODIFY, "rt-1", lambda databases, given: databases.set_password(given, "rt-1", PASSWORD)),
    (DELETE, "rt-1", lambda databases, given: databases.delete(given, "rt-1")),
    (COPY, "kept", lambda databases, given: databases.keep(given, "rds:clinic-1", "kept")),
    (COPY, "kept", lambda databases, given: databases.copy(given, SHARED, "kept", kms_key=OURS, tags={})),
    (FORGET, "kept", lambda databases, given: databases.forget(given, "kept")),
]


@pytest.mark.parametrize(("operation", "target", "call"), CALLS)
async def test_a_permit_fits_one_operation_on_one_target(
    access: AwsAccess, rds: Stubber, operation: str, target: str, call: Call
) -> None:
    others = {MODIFY, DELETE, COPY, FORGET} - {operation}
    for given in (permit(operation, "another"), *(permit(other, target) for other in others)):
        with pytest.raises(Refused, match="the permit is for"):
            await call(AwsDatabases(access), given)
