"""Stage 3's measure of loss: the newest committed business row; and of how many people the copy holds data."""

from __future__ import annotations

from runbook.engine.errors import LayerFailed
from runbook.engine.verdict import Observation
from runbook.estate.ports import Database
from runbook.policy import spared
from steps.database.access import copy
from steps.facts import DataUntil, PatientsHeld
from steps.here import Here, age, count, iso
from steps.ticking import Ticker


async def newest_row(here: Here) -> Observation:
    """How much would be lost: the newest committed business row, on the server's clock."""
    database, settings = copy(here), here.environment.database
    looking = Ticker(here.desk, f"looking for the newest row of {settings.recency_table}")  # no index may help
    newest = await looking.beside(database.newest(settings.recency_table, settings.recency_column))
    if newest is None:
        raise LayerFailed(
            f"{settings.recency_table}.{settings.recency_column} holds no time at all",
            fix="Choose another recovery point, or another recency table in the configuration.",
            source="max()",
        )
    now, held = (await database.whereabouts()).server_time, await _patients(here, database)
    said = "".join(f"; data of {each.rows if isinstance(each.rows, str) else count(each.rows)} people" for each in held)
    return Observation.that(
        newest <= now,
        expected="a newest row before now",
        observed=f"newest row {iso(newest)}, {age(newest, now)}{' before now' if newest <= now else ''}{said}",
        source=f"max({settings.recency_table}.{settings.recency_column}), server time",
        fix="Rows from the future: the recency column does not mean what the configuration says.",
        facts=(DataUntil(iso(newest)), *held),
    )


async def _patients(here: Here, database: Database) -> tuple[PatientsHeld, ...]:
    """What a drill's record has to say of the personal data that it used; nothing where no table is named."""
    table = here.environment.database.patients_table
    if not table:
        return ()
    return (PatientsHeld(table, spared(await Ticker(here.desk, f"counting {table}").beside(database.rows(table)))),)
