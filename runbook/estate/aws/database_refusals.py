"""What RDS's error codes mean to the operator: all that the operations used here can answer, but for what is never
sent (domains, clusters, capacity reservations, tenant databases).

Busy things, full quotas and missing capacity are NoVerdict: they say nothing about the backup.
"""

from __future__ import annotations

from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.aws.refusals import Meaning

_NOT_THERE: Final = (
    (
        "DBInstanceNotFound",
        Meaning(
            LayerFailed,
            "there is no such instance",
            "Check its name, the account and the Region; of a deleted one, snapshots may remain.",
        ),
    ),
    (
        "DBSnapshotNotFound",
        Meaning(
            LayerFailed,
            "the snapshot does not exist",
            "Wrong Region or account, or it has aged out; a shared snapshot needs its ARN.",
        ),
    ),
    (
        "DBParameterGroupNotFound",
        Meaning(LayerFailed, "the parameter group does not exist", "Create it again from the saved export."),
    ),
    (
        "OptionGroupNotFound",
        Meaning(
            LayerFailed, "the option group that the backup names does not exist", "Create it again, with its options."
        ),
    ),
    (
        "CertificateNotFound",
        Meaning(
            LayerFailed,
            "the certificate authority that the backup names is no longer offered",
            "Restore in the console with a current one, or set another default for the Region.",
        ),
    ),
)
_NETWORK: Final = (
    (
        "DBSubnetGroupNotFound InvalidSubnet NetworkTypeNotSupported",
        Meaning(
            LayerFailed,
            "the network that the copy is to stand in does not exist as configured",
            "Create the subnet group and security groups first; check [database] in runbook.toml.",
        ),
    ),
    (
        "DBSubnetGroupDoesNotCoverEnoughAZs InvalidVPCNetworkState",
        Meaning(
            LayerFailed,
            "the subnet group of the network no longer covers enough availability zones",
            "Add subnets in at least two zones to it, then retry.",
        ),
    ),
    (
        "DBSecurityGroupNotFound InvalidDBSecurityGroupState",
        Meaning(
            LayerFailed,
            "a security group does not exist, or cannot be used now",
            "Create it again from the saved export; check security_groups in runbook.toml (sg-…, of the same VPC).",
        ),
    ),
    (
        "InvalidRestore",
        Meaning(
            LayerFailed,
            "this backup cannot be restored into this network",
            "Choose a subnet group that is in a VPC, or another recovery point.",
        ),
    ),
    (
        "VpcEncryptionControlViolationException",
        Meaning(
            LayerFailed,
            "the VPC demands encryption in transit that this instance class does not have",
            "Choose a class on the Nitro system, or a subnet group of another VPC.",
        ),
    ),
)
_STATE: Final = (
    (
        "DBInstanceAlreadyExists",
        Meaning(
            LayerFailed,
            "an instance of that name exists already and is not this run's",
            "Rename the old instance or use another prefix; never delete one to make room.",
        ),
    ),
    (
        "DBSnapshotAlreadyExists",
        Meaning(LayerFailed, "a snapshot of that name exists already", "Find out whose it is; use another name."),
    ),
    (
        "InvalidDBSnapshotState",
        Meaning(NoVerdict, "the snapshot is not available yet", "Wait until it is, or choose an older one."),
    ),
    (
        "InvalidDBInstanceState InvalidDBClusterState",
        Meaning(
            NoVerdict,
            "the instance is busy with something else",
            "Wait until it is available (it may be backing-up or modifying), then retry.",
        ),
    ),
    (
        "PointInTimeRestoreNotEnabled",
        Meaning(
            LayerFailed,
            "no point in time can be restored: the instance keeps no automated backups (retention 0)",
            "Restore a snapshot instead; set the retention of production as the policy says.",
        ),
    ),
    (
        "DBInstanceAutomatedBackupNotFound",
        Meaning(
            LayerFailed,
            "there are no automated backups of that instance: retention was 0, or they were deleted with it",
            "Restore a manual snapshot, or the copy in another account.",
        ),
    ),
)
_ROOM: Final = (
    (
        "InstanceQuotaExceeded",
        Meaning(
            NoVerdict,
            "the account's quota of instances is used up",
            "Delete old drill copies; AWS grants more on request, which takes time.",
        ),
    ),
    (
        "StorageQuotaExceeded",
        Meaning(
            NoVerdict,
            "the account's quota of database storage is used up",
            "Delete old drill copies; AWS grants more on request, which takes time.",
        ),
    ),
    (
        "SnapshotQuotaExceeded DBInstanceAutomatedBackupQuotaExceeded",
        Meaning(
            NoVerdict,
            "the Region's quota of snapshots is used up",
            "Delete old manual snapshots (100 in a Region unless AWS granted more).",
        ),
    ),
    (
        "InsufficientDBInstanceCapacity",
        Meaning(NoVerdict, "AWS has no capacity for this instance class now", "Try another class, or later."),
    ),
    (
        "StorageTypeNotSupported ProvisionedIopsNotAvailableInAZ",
        Meaning(
            LayerFailed,
            "the storage type of the source cannot be had with this instance class or in these zones",
            "Try another class, or a subnet group that covers more zones.",
        ),
    ),
)
_REFUSED: Final = (
    (
        "AuthorizationNotFound",
        Meaning(
            LayerFailed,
            "RDS may not do this on the account's behalf",
            "Check the service-linked role AWSServiceRoleForRDS and the security groups.",
        ),
    ),
    (
        "InvalidParameterCombination",
        Meaning(
            LayerFailed,
            "AWS refuses this combination of parameters",
            "Read AWS's words; deletion protection has to be switched off before an instance can be deleted.",
        ),
    ),
    (
        "InvalidParameterValue ValidationError MissingParameter",
        Meaning(
            LayerFailed,
            "AWS does not accept a value that it was given",
            "Read AWS's words; names and class are in runbook.toml, a point in time has to be within its bounds.",
        ),
    ),
    (
        "DBUpgradeDependencyFailure",
        Meaning(
            LayerFailed,
            "a change that is pending on the instance cannot be made",
            "Look at its pending changes in the console.",
        ),
    ),
)

TABLE: Final[tuple[tuple[str, Meaning], ...]] = (*_NOT_THERE, *_NETWORK, *_STATE, *_ROOM, *_REFUSED)
