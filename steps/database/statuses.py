"""What an instance's status means (Amazon RDS User Guide, "Viewing DB instance status"); others are waited on."""

from __future__ import annotations

from typing import Final

_CONSOLE: Final = "Look at the instance's events in the RDS console."
_KEY: Final = "Enable the KMS key or cancel its deletion and check the grant; then start the instance within 7 days."
_AGAIN: Final = "To try again, go back to database.choose: another instance is made; this one goes at the end."

FAILING: Final = {
    "failed": ("the restore failed", f"{_CONSOLE} {_AGAIN}"),
    "restore-error": ("the restore failed", f"{_CONSOLE} {_AGAIN}"),
    "incompatible-restore": (
        "the recovery point cannot be restored with these parameters",
        f"Compare engine version, class and parameter group with production's. {_AGAIN}",
    ),
    "incompatible-network": (
        "the subnet group or security group does not fit",
        f"Look for free addresses in the subnets and for the VPC's DNS settings. {_AGAIN}",
    ),
    "incompatible-parameters": (
        "the parameter group does not fit",
        f"Reset the parameter that the events name. {_AGAIN}",
    ),
    "incompatible-option-group": ("the option group does not fit", f"Restore with the default option group. {_AGAIN}"),
    "insufficient-capacity": ("the provider has no room for this class", f"Take another class or zone. {_AGAIN}"),
    "storage-full": ("the storage is full", "Give it more storage in the console, then try again."),
    "inaccessible-encryption-credentials": ("the KMS key cannot be used", f"{_KEY} {_AGAIN}"),
    "inaccessible-encryption-credentials-recoverable": ("the KMS key cannot be used for now", _KEY),
    "deleting": ("somebody is deleting it", f"Find out who. {_AGAIN}"),
}
"""Status → what it means, and what to do."""

HOPELESS: Final = frozenset(FAILING) - {"storage-full", "inaccessible-encryption-credentials-recoverable"}
"""What nobody repairs: such an instance is not adopted, another one is made."""
