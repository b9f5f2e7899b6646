"""Which practice estate is started: how its vaults are sealed, and how the operator signs in to its cloud account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal, get_args

Seal = Literal["shamir", "awskms"]
Way = Literal["mfa", "sso", "ambient"]


@dataclass(frozen=True, slots=True)
class Variant:
    """The table `[estate]` of a scenario.  A plain dataclass: the supervisor has no other use for pydantic.

    `seal` of both vaults, production's and staging's: custodians hold unseal shares, or (`awskms`) recovery keys.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # as every other table of a scenario

    seal: Seal = "shamir"
    sign_in: Way = "mfa"

    def arguments(self) -> list[str]:
        """For the supervisor's command line."""
        return [part for name, value in asdict(self).items() for part in (_option(name), value)]


CHOICES: Mapping[str, tuple[str, ...]] = {"seal": get_args(Seal), "sign_in": get_args(Way)}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
