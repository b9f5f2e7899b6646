"""The services on the platform: their images, where they are told what to use, and how they are judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, TypeAdapter, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from runbook.config.base import Frozen, once
from runbook.toml_file import Mistake, Mistakes

NO_IMAGE: Final = "is no package of the images that are configured"


class Image(Frozen):
    """Which images of one package count as verified.

    Level A asks for a provenance attestation of the digest; B does without, and `level_reason` says why.
    """

    organisation: str
    repository: str  # owner/name of the source
    package: str
    branch: str = "main"
    tag_pattern: str = r"^v\d+\.\d+\.\d+$"
    required_checks: tuple[str, ...] = ()
    level: Literal["A", "B"]
    level_reason: str = ""
    source_refs: tuple[str, ...] = ()  # A: git refs that may be built from; none: the branch, and the image's own tag
    migration_label: str | None = None  # a label of the image that lists the migration heads it was made for
    candidates: int = Field(default=4, ge=1, le=20)  # how many of the newest are looked at

    @property
    def path(self) -> str:
        """In the registry."""
        return f"{self.organisation}/{self.package}"

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.level == "B" and not self.level_reason.strip():
            raise ValueError('level B needs a level_reason: why there are no attestations (or take level = "A")')
        return self


class Health(Frozen):
    """A health document: a JSON object in which each of `fields` (dotted path → text) is as given.

    `digest` and `commit` are the fields in which the running image names itself; None: it does not say that.
    """

    url: str
    fields: Mapping[str, str] = {"status": "ok", "database": "ok"}
    digest: str | None = "digest"
    commit: str | None = "commit"

    @model_validator(mode="after")
    def _names_itself(self) -> Self:
        if self.digest is None and self.commit is None:
            raise ValueError("digest or commit must be a field: which image answers would not be known")
        if not self.fields:
            raise ValueError("fields is empty: any answer would do")
        return self


class Service(Frozen):
    """One service on the platform.  Without `health` it is judged by the platform alone, and the record says so."""

    name: str
    image: str = ""  # the package; "": the first image
    health: Health | None = None
    probe_url: str | None = None  # answers an HMAC over a nonce made in this run


class Consumer(Frozen):
    """A secret group through which services are told where the database and the vault are.

    In the database it is known by this run's id, or by RUN/name where there are several.  `services` are those that
    connect by it; none: those that no other consumer names.
    """

    secret_group: str
    name: str = Field(default="", pattern=r"^[a-z0-9-]{0,20}$")  # with the run's id it has to fit into 63 bytes
    database_variable: str | None = "DATABASE_URL"
    vault_variable: str | None = "VAULT_ADDR"
    services: tuple[str, ...] = ()


class Switch(Frozen):
    """A flag in a secret group by which the application acts on others (mail, SMS, webhooks, jobs).

    Its values are shown and recorded: it is no secret.
    """

    secret_group: str
    variable: str
    off: str = "off"


def _switches_or_none(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
    """One of both, so that what is wrong is said of the one that was meant."""
    match value:
        case "none":
            return value
        case list() | tuple():
            return TypeAdapter(tuple[Switch, ...]).validate_python(value)
        case _:
            raise ValueError('is either a list of { secret_group, variable }, or "none"')


Outbound = Annotated[tuple[Switch, ...] | Literal["none"], WrapValidator(_switches_or_none)]


class Probe(Frozen):
    """A GET that must be answered with this status, with this text in the body, with these fields in its JSON."""

    name: str
    url: str
    status: int = 200
    contains: str = ""
    fields: Mapping[str, str] = {}


class ApplicationTarget(Frozen):
    """One environment's project on the platform.  `outbound` "none" declares that nothing goes out, with the reason."""

    project: str
    services: tuple[Service, ...] = Field(min_length=1)
    consumers: tuple[Consumer, ...] = Field(min_length=1)
    outbound: Outbound = ()
    outbound_reason: str = ""

    def served(self, consumer: Consumer) -> tuple[str, ...]:
        """The names of the services that connect by it."""
        named = {name for one in self.consumers for name in one.services}
        return consumer.services or tuple(one.name for one in self.services if one.name not in named)

    @property
    def secret_groups(self) -> tuple[str, ...]:
        """Every group that is changed, once, in the order of the configuration."""
        switches = () if self.outbound == "none" else self.outbound
        return tuple(
            dict.fromkeys([*(one.secret_group for one in self.consumers), *(s.secret_group for s in switches)])
        )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        """Names that stand twice or lead nowhere."""
        found = [*self._twice(), *self._consumers_fit()]
        if not any(service.health for service in self.services):
            what = "no service has a health document: that the application boots could not be shown"
            found.append(Mistake(("services",), what))
        if found:
            raise Mistakes(found)
        return self

    def _twice(self) -> Iterator[Mistake]:
        yield from once(("services",), "name", [service.name for service in self.services])
        yield from once(("consumers",), "name", [consumer.name for consumer in self.consumers])
        places = [
            (one.secret_group, one.database_variable) if one.database_variable else None for one in self.consumers
        ]
        yield from once(("consumers",), "database_variable", places)
        if self.outbound != "none":
            switches = [(switch.secret_group, switch.variable) for switch in self.outbound]
            yield from once(("outbound",), "variable", switches)

    def _consumers_fit(self) -> Iterator[Mistake]:
        """Each serves services that there are, and one of them says where the database is."""
        known = {service.name for service in self.services}
        for number, consumer in enumerate(self.consumers):
            if not set(consumer.services) <= known:
                yield Mistake(("consumers", number, "services"), "names a service that is none of this project's")
            if not self.served(consumer):
                what = "serves no service: every one is another's; name its own in `services`"
                yield Mistake(("consumers", number), what)
        if not any(consumer.database_variable for consumer in self.consumers):
            what = "no consumer has a database_variable: nothing would use the restored database"
            yield Mistake(("consumers",), what)


class Application(ApplicationTarget):
    """Everything of stage 4."""

    platform: str  # API base URL
    github: str  # API base URL
    registry: str  # base URL
    reference_host: str = "ghcr.io"  # the registry as the platform writes it
    images: tuple[Image, ...] = Field(min_length=1)
    probes: tuple[Probe, ...] = ()

    def image_of(self, service: Service) -> Image:
        """The image that the service runs."""
        return next(image for image in self.images if service.image in {"", image.package})

    @model_validator(mode="after")
    def _images_fit(self) -> Self:
        """Every service runs an image that there is."""
        packages = {image.package for image in self.images}
        strays = [number for number, one in enumerate(self.services) if one.image and one.image not in packages]
        if found := [
            *once(("images",), "package", [image.package for image in self.images]),
            *(Mistake(("services", number, "image"), NO_IMAGE) for number in strays),
        ]:
            raise Mistakes(found)
        return self
