"""How large the world is: its services, what each is told and by which group, its packages and its public names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runbook.estate.memory import names

_FIRST_PORT = 9000  # of the health addresses of services beyond the second
_OLD_DATABASE = (
    "postgresql://clinic_app:practice@clinic-old.eu-west-2.rds.practice.test:5432/clinic"
    "?sslmode=verify-full&hostaddr=127.0.0.1&application_name="
)


@dataclass(frozen=True, slots=True)
class Place:
    """One service: how many processes, of which package, told by which secret group.

    `consumer` is what configuration calls that group; `switches` are the variables in it by which it acts on others.
    """

    name: str
    package: str
    instances: int
    consumer: str
    group: str
    switches: tuple[str, ...]
    health_url: str
    probe_url: str | None = None

    def variables(self) -> dict[str, str]:
        """The group before the restore: it points at what was lost, and everything goes out."""
        application = f"{names.APPLICATION_NAME}-{self.consumer}" if self.consumer else names.APPLICATION_NAME
        return {
            "DATABASE_URL": _OLD_DATABASE + application,
            "VAULT_ADDR": "https://127.0.0.1:8199",
            "VAULT_ROLE_ID": "practice-app-role-id",
            "VAULT_SECRET_ID": "practice-app-secret-id",
            **dict.fromkeys(self.switches, "on"),
        }


@dataclass(frozen=True, slots=True)
class Layout:
    """`hostnames` are those that configuration names; `public` those that the zone has records of, always two."""

    services: tuple[Place, ...]
    packages: tuple[str, ...]
    hostnames: tuple[str, ...]

    @property
    def public(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.hostnames, names.HOSTNAME, names.API_HOSTNAME)))

    @property
    def groups(self) -> Mapping[str, dict[str, str]]:
        """The variables of each secret group."""
        return {place.group: place.variables() for place in self.services}

    def place(self, service: str) -> Place | None:
        """The service of that name."""
        return next((place for place in self.services if place.name == service), None)


def layout(services: int, hostnames: int, packages: int) -> Layout:
    """`web` and `worker`, `app` and `api`, and numbered ones beyond; packages take turns over the services."""
    known = (names.PACKAGE, *(f"{names.PACKAGE}-{number:02}" for number in range(2, packages + 1)))
    return Layout(
        tuple(_place(number, known[number % packages]) for number in range(services)),
        known,
        (names.HOSTNAME, names.API_HOSTNAME, *(f"name-{n:02}.{names.ZONE}" for n in range(3, hostnames + 1)))[
            :hostnames
        ],
    )


def _place(number: int, package: str) -> Place:
    if number == 0:
        outbound = ("OUTBOUND_MAIL", "OUTBOUND_SMS", "OUTBOUND_WEBHOOKS")
        urls = (names.HEALTH_URL, names.PROBE_URL)
        return Place(names.SERVICE, package, 2, "", names.SECRET_GROUP, outbound, *urls)
    name = names.WORKER if number == 1 else f"{names.WORKER}-{number + 1:02}"
    health = f"http://127.0.0.1:{_FIRST_PORT + number}/healthz"
    return Place(name, package, 1, name, f"{name}-env", ("OUTBOUND_JOBS",), health)
