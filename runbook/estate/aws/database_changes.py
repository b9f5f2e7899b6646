"""The changes to RDS besides restores: to the copy, and to snapshots.

Each is called while its permit is held; what is gone or done already is no error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.aws import snapshots
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.errors import asking, code_of, translated, unless
from runbook.estate.aws.instances import NOT_THERE

MODIFY: Final = "rds:ModifyDBInstance"
DELETE: Final = "rds:DeleteDBInstance"
COPY: Final = "rds:CopyDBSnapshot"
FORGET: Final = "rds:DeleteDBSnapshot"
_EXISTS: Final = frozenset({"DBSnapshotAlreadyExists"})
_TELLING: Final = 8  # so many characters of a password in a text are too many


class _Unprinted(str):
    """A text that is sent as it is and printed as ***: botocore writes whole requests into its debug log."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


# -- the copy -----------------------------------------------------------------------------------------------------
def hide(access: AwsAccess, instance: str) -> None:
    """Take its public address away, at once."""
    _modify(access, instance, PubliclyAccessible=False)


def set_password(access: AwsAccess, instance: str, password: Secret) -> None:
    """Another master password, at once; it is in no error's text, whatever AWS repeats of it."""
    try:
        _modify(access, instance, MasterUserPassword=_Unprinted(password.reveal()))
    except (NoVerdict, LayerFailed) as error:
        if password.reveal()[:_TELLING] in error.provider_text:
            error.provider_text = "(AWS's words are left out: they repeat the password)"
        raise


def delete(access: AwsAccess, instance: str) -> None:
    """Without a final snapshot, its automated backups with it."""
    from botocore.exceptions import ClientError

    with asking(DELETE):
        try:
            access.client("rds").delete_db_instance(
                DBInstanceIdentifier=instance, SkipFinalSnapshot=True, DeleteAutomatedBackups=True
            )
        except ClientError as error:
            if not _gone_or_going(error):
                raise _protected(instance, error) or translated(error, DELETE) from None


def _modify(access: AwsAccess, instance: str, **changes: Any) -> None:
    with asking(MODIFY):
        access.client("rds").modify_db_instance(DBInstanceIdentifier=instance, ApplyImmediately=True, **changes)


def _protected(instance: str, error: Any) -> LayerFailed | None:
    """AWS has no code of its own for it, only words."""
    told = translated(error, DELETE)
    if "deletion protection" not in told.provider_text.lower():
        return None
    return LayerFailed(
        f"{instance} is protected against deletion",
        fix="Somebody protected it: turn deletion protection off (RDS console, Modify, apply at once), then try again.",
        provider_text=told.provider_text,
        source=DELETE,
    )


def _gone_or_going(error: Any) -> bool:
    words = error.response.get("Error", {}).get("Message", "")
    return code_of(error) in NOT_THERE or "already being deleted" in words


# -- snapshots ----------------------------------------------------------------------------------------------------
def keep(access: AwsAccess, snapshot: str, name: str) -> None:
    """A manual copy under the same key, with the same tags."""
    _copy(access, snapshot, name, CopyTags=True)


def copy(access: AwsAccess, snapshot: str, name: str, *, kms_key: str, tags: Mapping[str, str]) -> None:
    """A copy of another account's, under our key.  Its tags are not ours to read, so they cannot be copied."""
    ours = [{"Key": key, "Value": value} for key, value in tags.items()]
    _copy(access, snapshot, name, KmsKeyId=kms_key, CopyTags=False, Tags=ours)


def forget(access: AwsAccess, snapshot: str) -> None:
    """Delete a manual one; AWS calls one that is being deleted already a wrong state."""
    from botocore.exceptions import ClientError

    with asking(FORGET):
        try:
            access.client("rds").delete_db_snapshot(DBSnapshotIdentifier=snapshot)
        except ClientError as error:
            if code_of(error) not in snapshots.GONE and not _going(access, error, snapshot):
                raise translated(error, FORGET) from None


def _copy(access: AwsAccess, snapshot: str, name: str, **given: Any) -> None:
    unless(
        _EXISTS,
        COPY,
        lambda: access.client("rds").copy_db_snapshot(
            SourceDBSnapshotIdentifier=snapshot, TargetDBSnapshotIdentifier=name, **given
        ),
    )


def _going(access: AwsAccess, error: Any, snapshot: str) -> bool:
    if code_of(error) != "InvalidDBSnapshotState":
        return False
    there = snapshots.snapshot(access, snapshot)
    return there is None or there.status == "deleting"
