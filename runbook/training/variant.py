"""Which practice estate is started: how its vaults are sealed, how the operator signs in, which names lead to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal, get_args

Seal = Literal["shamir", "awskms"]
Way = Literal["mfa", "sso", "ambient"]
PublicNames = Literal["staging", "none"]


@dataclass(frozen=True, slots=True)
class Variant:
    """The table `[estate]` of a scenario.  A plain dataclass: the supervisor has no other use for pydantic.

    `seal` of both vaults, production's and staging's: custodians hold unseal shares, or (`awskms`) recovery keys.
    `public_names`: staging has names of its own in the zone, or (`none`) the zone is only read.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # as every other table of a scenario

    seal: Seal = "shamir"
    sign_in: Way = "mfa"
    public_names: PublicNames = "staging"

    def arguments(self) -> list[str]:
        """For the supervisor's command line."""
        return [part for name, value in asdict(self).items() for part in (option(name), value)]


CHOICES: Mapping[str, tuple[str, ...]] = {
    "seal": get_args(Seal),
    "sign_in": get_args(Way),
    "public_names": get_args(PublicNames),
}


def option(name: str) -> str:
    """The command line's word for a field."""
    return f"--{name.replace('_', '-')}"
