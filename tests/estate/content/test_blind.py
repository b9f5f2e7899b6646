"""A reader who may not see all rows is told so, by table."""

from __future__ import annotations

import pytest

from runbook.engine.errors import NoVerdict
from runbook.estate.ports import ContentAsk
from tests.estate.content.tables import ask
from tests.estate.postgres_lab import nothing

pytestmark = pytest.mark.estate


@pytest.mark.usefixtures("hidden")
async def test_a_reader_under_row_security_is_told_of_every_table_before_anything_is_read(server, door):
    told: list[str] = []
    asks = tuple(ContentAsk(f"public.{name}") for name in ("patients", "hidden", "concealed"))
    with pytest.raises(NoVerdict) as said:
        await server.at(door).contents(asks, connections=2, progress=lambda *what: told.append(what[2]))
    assert said.value.sentence == "content of public.hidden, public.concealed: the reader may not see all rows"
    assert "BYPASSRLS" in said.value.fix
    assert told == []
    with pytest.raises(NoVerdict, match=r"content of public\.concealed, public\.hidden"):
        await server.at(door).manifest(buckets=4, connections=2, progress=nothing)


@pytest.mark.usefixtures("hidden")
async def test_a_reader_who_may_bypass_row_security_sees_all_rows(server, door):
    (content,) = await ask(server.at(door, "seer"), ContentAsk("public.hidden"))
    assert content.rows == 1


async def test_a_reader_without_rights_is_told_so_by_table(server, door):
    with pytest.raises(NoVerdict, match=r"public\.patients: the reader may not see all rows"):
        await ask(server.at(door, "blind"), ContentAsk("public.patients"))


async def test_sequences_that_cannot_be_seen_are_not_taken_for_unused_ones(server, door):
    with pytest.raises(NoVerdict, match=r"where sequences stand: public\.numbers"):
        await server.at(door, "blind").catalogue()
