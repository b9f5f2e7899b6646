"""Whether an image was made for the schema that was restored: an older schema, or a newer one, can break it quietly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from steps.database.access import copy
from steps.here import Here

FITS: Final = "fits"
NOT_COMPARED: Final = "not compared"


@dataclass(frozen=True, slots=True)
class Schema:
    """Where the restored schema stands, as its migration tool says it; None: nothing was to be compared with it."""

    head: str | None

    def cell(self, label: str) -> str:
        """What the image's label says of it, in a few words."""
        if self.head is None or not label:
            return NOT_COMPARED
        return FITS if self._fits(label) else f"differs: made for {label}, the copy is at {self.head or 'none'}"

    def fault(self, label: str) -> str:
        """The same as a sentence's end, or "" where nothing is wrong."""
        if self.head is None or not label or self._fits(label):
            return ""
        return f"was made for migration {label}, the restored schema is at {self.head or 'no known migration'}"

    def _fits(self, label: str) -> bool:
        return _heads(label) == _heads(self.head or "")


def _heads(text: str) -> frozenset[str]:
    """Of `alembic_version 7c1f0e5ab2d4, 9d2a; django_migrations app.0001`, or of a label with the heads alone."""
    words = re.split(r"[\s,;]+", text)
    return frozenset(word for word in words if word and word not in _TOOLS)


_TOOLS: Final = frozenset(
    {"alembic_version", "flyway_schema_history", "django_migrations", "_prisma_migrations", "schema_migrations"}
)
"""The tables of migration tools, which the database's own statement names before the heads."""


async def restored(here: Here) -> Schema:
    """Of the copy; it is not asked where no image has a migration label."""
    if not any(image.migration_label for image in here.environment.application.images):
        return Schema(None)
    return Schema((await copy(here).catalogue()).migration)
