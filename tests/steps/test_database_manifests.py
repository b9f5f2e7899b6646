"""Which manifests stand around a recovery point, and which do not count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.verdict import Finding
from runbook.manifest import Manifest, file_name
from steps.database.manifests import Around, around
from steps.facts import SnapshotChosen
from tests.support.practice import Practice
from tests.support.standing import Standing

NIGHT = datetime(2027, 1, 15, 3, 0, tzinfo=UTC)


def at(minutes: float = 0, *, days: float = 0) -> datetime:
    return NIGHT + timedelta(minutes=minutes, days=days)


class Folder:
    """Manifests in a folder of this machine, around a snapshot of three in the morning."""

    def __init__(self, practice: Practice, folder: Path) -> None:
        self.practice = practice
        self.folder = folder
        folder.mkdir()
        given = {"manifest_folder": folder}
        database = practice.environment.database.model_copy(update=given)
        practice.environment = practice.environment.model_copy(update={"database": database})

    def keep(self, *times: datetime, database: str = "", name: str = "") -> None:
        for made_at in times:
            known = database or self.practice.environment.database.name
            made = Manifest(made_at=made_at, database=known, server_version="18.0", tables={})
            (self.folder / (name or file_name(made_at))).write_bytes(made.as_json())

    async def around(self, data_until: datetime | None = None, *, method: str = "SNAPSHOT") -> Around:
        until = data_until.isoformat() if data_until else ""
        chosen = SnapshotChosen("s", NIGHT.isoformat(), "automated", "postgres", 100, method, until)
        return await around(Standing(self.practice, "database.content", chosen).here)


@pytest.fixture
def folder(practice: Practice, tmp_path: Path) -> Folder:
    return Folder(practice, tmp_path / "manifests")


def times(found: Around) -> list[datetime | None]:
    return [each.made_at if each else None for each in (found.before, found.after, found.earlier)]


async def test_the_newest_from_before_and_the_oldest_from_after_are_taken(folder: Folder) -> None:
    folder.keep(at(-90), at(-5), at(5), at(60))
    assert times(await folder.around()) == [at(-5), at(5), None]


async def test_what_was_made_while_the_snapshot_was_is_neither_before_nor_after(folder: Folder) -> None:
    folder.keep(at(-9), at(-1), at(5))
    assert times(await folder.around(data_until=at(-2))) == [at(-9), at(5), None]


async def test_a_snapshot_that_says_it_holds_more_than_its_own_time_is_believed(folder: Folder) -> None:
    folder.keep(at(-9), at(1), at(5))
    assert times(await folder.around(data_until=at(2))) == [at(-9), at(5), None]


async def test_a_moment_is_its_own_bound_on_both_sides(folder: Folder) -> None:
    folder.keep(at(-9), at(-1), at(5))
    assert times(await folder.around(data_until=at(-2), method="PITR")) == [at(-1), at(5), None]


async def test_the_time_inside_decides_since_names_are_cut_off_at_the_second(folder: Folder) -> None:
    folder.keep(at(-5), NIGHT + timedelta(seconds=0.5))
    assert times(await folder.around()) == [at(-5), NIGHT + timedelta(seconds=0.5), None]
    folder.keep(at(5))
    moved = SnapshotChosen("s", (NIGHT + timedelta(seconds=0.7)).isoformat(), "automated", "postgres", 100)
    found = await around(Standing(folder.practice, "database.content", moved).here)
    assert times(found) == [NIGHT + timedelta(seconds=0.5), at(5), None]


async def test_those_too_far_away_count_as_absent(folder: Folder) -> None:
    folder.keep(at(-26 * 60 - 1), at(26 * 60 + 2))
    assert times(await folder.around()) == [None, None, None]
    folder.keep(at(-26 * 60))
    assert times(await folder.around()) == [at(-26 * 60), None, None]
    assert (await folder.around()).alone


async def test_for_the_trend_one_of_the_day_before_is_taken(folder: Folder) -> None:
    folder.keep(at(-5), at(-20 * 60), at(-5 - 20 * 60), at(days=-2))
    assert times(await folder.around()) == [at(-5), None, at(-5 - 20 * 60)]


async def test_other_files_are_left_alone(folder: Folder) -> None:
    (folder.folder / "README.txt").write_text("ours")
    (folder.folder / "20270115T025500Z.json.part").write_text("{")
    assert times(await folder.around()) == [None, None, None]


async def test_only_what_is_needed_is_read(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.keep(at(-5), at(5), at(-30 * 60), *(at(days=-day) for day in range(2, 12)))
    for day in range(3, 12):
        (folder.folder / file_name(at(days=-day))).write_text("not to be read")
    assert times(await folder.around()) == [at(-5), at(5), at(-30 * 60)]


async def test_for_the_trend_none_is_taken_that_is_older_than_forty_days(folder: Folder) -> None:
    folder.keep(at(-5), at(-1, days=-40))
    assert times(await folder.around()) == [at(-5), None, None]
    folder.keep(at(days=-40))
    assert times(await folder.around()) == [at(-5), None, at(days=-40)]


# -- those that cannot be used ------------------------------------------------------------------------------------
def left_out(found: Around, sentence: str) -> Finding:
    """The one finding, which says so and what can be done."""
    (finding,) = found.findings
    assert finding.text.startswith(f"not used: {sentence}")
    assert "Take it away, or put " in finding.text
    assert " from another copy" in finding.text
    return finding


async def test_another_database_s_manifest_is_left_out_and_the_next_one_taken(folder: Folder) -> None:
    folder.keep(at(-5), database="billing")
    folder.keep(at(-60), at(5))
    found = await folder.around()
    assert times(found) == [at(-60), at(5), None]
    named = left_out(found, "the manifest 20270115T025500Z.json is of database billing, not of clinic")
    assert named.severity == "major"


async def test_a_manifest_under_another_s_name_is_left_out(folder: Folder) -> None:
    folder.keep(at(-600), name=file_name(at(-5)))
    found = await folder.around()
    assert times(found) == [None, None, None]
    wrong = "was made at 2027-01-14 17:00:00 UTC, which is not the time in its name"
    assert left_out(found, f"the manifest 20270115T025500Z.json {wrong}").severity == "major"


async def test_a_damaged_manifest_from_after_is_left_out_and_the_next_one_taken(folder: Folder) -> None:
    (folder.folder / file_name(at(5))).write_text("{")
    folder.keep(at(-5), at(65))
    found = await folder.around()
    assert times(found) == [at(-5), at(65), None]
    assert left_out(found, "the manifest 20270115T030500Z.json cannot be read: ").severity == "major"


async def test_where_every_manifest_is_bad_it_is_as_if_there_were_none(folder: Folder) -> None:
    for minutes in (-90, -60, -30, 30):
        (folder.folder / file_name(at(minutes))).write_text("{")
    found = await folder.around()
    assert times(found) == [None, None, None]
    assert left_out(found, "the manifest 20270115T013000Z.json cannot be read").text.count(".json") == 3
    assert "; and 1 more. " in found.findings[0].text


async def test_a_bad_one_for_the_trend_only_is_no_great_matter(folder: Folder) -> None:
    folder.keep(at(-5), at(5), at(days=-2))
    (folder.folder / file_name(at(days=-1))).write_text("{")
    found = await folder.around()
    assert times(found) == [at(-5), at(5), at(days=-2)]
    assert left_out(found, "the manifest 20270114T030000Z.json cannot be read").severity == "minor"


async def test_for_the_trend_not_every_bad_one_of_forty_days_is_read(folder: Folder) -> None:
    folder.keep(at(-5), at(days=-30))
    for day in range(1, 30):
        (folder.folder / file_name(at(days=-day))).write_text("{")
    found = await folder.around()
    assert found.earlier is None
    assert "; and 2 more. " in left_out(found, "the manifest ").text


async def test_a_folder_that_is_not_there_is_no_verdict(folder: Folder) -> None:
    folder.folder.rmdir()
    with pytest.raises(NoVerdict, match="cannot be read"):
        await folder.around()


async def test_a_manifest_that_is_no_manifest_s_size_is_left_out(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.keep(at(-5))
    monkeypatch.setattr("steps.database.manifests.LIMIT", 10)
    (finding,) = (await folder.around()).findings
    assert finding.text.startswith("not used: 20270115T025500Z.json is larger than 10 bytes")


async def test_a_place_that_is_gone_is_no_verdict_on_the_recovery_point(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(bucket: str, prefix: str) -> None:
        raise LayerFailed(f"s3:ListObjectsV2: there is no {bucket} with {prefix}")

    monkeypatch.setattr(practice.world.objects, "list", gone)
    chosen = SnapshotChosen("s", NIGHT.isoformat(), "automated", "postgres", 100)
    with pytest.raises(NoVerdict, match="there is no "):
        await around(Standing(practice, "database.content", chosen).here)


async def test_in_the_bucket_they_are_found_under_the_prefix(practice: Practice) -> None:
    snapshot = (await practice.world.databases.snapshots(practice.environment.database.source_instance))[-1]
    chosen = SnapshotChosen(snapshot.id, snapshot.created.isoformat(), snapshot.kind, "postgres", 100)
    found = await around(Standing(practice, "database.content", chosen).here)
    assert found.before is not None
    assert found.after is not None
    assert found.earlier is not None
    assert found.before.made_at < snapshot.created < found.after.made_at


async def test_where_no_place_is_configured_there_are_none(practice: Practice) -> None:
    database = practice.environment.database.model_copy(update={"manifest_bucket": None})
    practice.environment = practice.environment.model_copy(update={"database": database})
    chosen = SnapshotChosen("s", NIGHT.isoformat(), "automated", "postgres", 100)
    assert await around(Standing(practice, "database.content", chosen).here) == Around()
