"""A manifest says what its source held, and so what a copy of it must hold."""

from __future__ import annotations

import pytest

from runbook.estate.ports import ContentAsk
from runbook.manifest import Manifest, folded
from tests.estate.content.tables import ask
from tests.estate.postgres_lab import nothing
from tests.estate.postgres_tls import fronted

pytestmark = pytest.mark.estate


async def test_a_manifest_of_the_source_is_what_the_copy_holds(server, door):
    source = server.at(door)
    made = await source.manifest(buckets=64, connections=3, progress=nothing)
    copied = server.lab._cluster(server.cluster.binaries)
    server.cluster.base_backup(copied.data)
    copied.password = server.cluster.password
    with server.lab.running(copied), fronted(server.lab, copied, server.authority) as there:
        copy = there.at(door)
        again = await copy.manifest(buckets=64, connections=2, progress=nothing)
        found = await ask(copy, *(ContentAsk(name, 64, stated.method) for name, stated in made.tables.items()))
    assert again.tables == made.tables
    assert again.made_at > made.made_at
    assert again.catalogue.model_copy(update={"sequences": made.catalogue.sequences}) == made.catalogue
    assert {content.table: (content.rows, content.digest, content.buckets) for content in found} == {
        name: (stated.rows, stated.digest, stated.buckets) for name, stated in made.tables.items()
    }


async def test_a_manifest_says_what_it_is_of(database, server):
    made = await database.manifest(buckets=16, connections=2, progress=nothing)
    here = await database.whereabouts()
    assert (made.database, made.server_version, made.buckets) == ("postgres", here.version, 16)
    assert 0 <= (here.server_time - made.made_at).total_seconds() < 30
    assert set(made.tables) == set(await database.tables())
    patients = made.tables["public.patients"]
    assert (patients.key, patients.rows, len(patients.buckets)) == (("id",), 2572, 16)
    assert patients.columns == made.catalogue.columns["public.patients"]
    assert isinstance(Manifest.model_validate_json(made.as_json()), Manifest)


async def test_a_finer_manifest_folds_into_what_a_coarser_one_states(database):
    fine = await database.manifest(buckets=64, connections=2, progress=nothing)
    coarse = await database.manifest(buckets=8, connections=2, progress=nothing)
    assert {name: folded(stated.buckets, 8) for name, stated in fine.tables.items()} == {
        name: stated.buckets for name, stated in coarse.tables.items()
    }
