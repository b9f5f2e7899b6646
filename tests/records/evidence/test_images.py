"""What the record says of the images, of the services that run them, and of the doors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.events import Event, Kind
from runbook.records.log import rules
from runbook.records.log.row import row_of
from runbook.records.report import rendering
from tests.records.story import FACTS, FakeClock, document_of, journal, tell_calm

BOOTS, LAST = "application.boots", "connectivity.https"
WEB = FACTS[BOOTS]["ImagesChosen"]["images"][0]
JOBS = {
    "package": "jobs",
    "ref": "ghcr.io/clinic/jobs@sha256:" + "ab" * 32,
    "digest": "sha256:" + "ab" * 32,
    "commit": "34" * 20,
    "level": "A",
    "tag": "",
}
TWO: dict[str, Any] = {
    "ImagesChosen": {"images": [WEB, JOBS]},
    "Deployed": {
        "at": {"web": "2027-01-15T10:00:25Z", "worker": "2027-01-15T10:00:31Z", "jobs": "2027-01-15T10:00:26Z"},
        "digests": {"web": WEB["digest"], "worker": WEB["digest"], "jobs": JOBS["digest"]},
    },
}


def told(tmp_path: Path, **changed: dict[str, Any]) -> dict[str, Any]:
    """run.json of a calm run in which some results are others: `step with _ for .` → data."""
    clock = FakeClock()
    recorder = journal(tmp_path / "told", clock)
    events = tuple(_changed(event, changed) for event in tell_calm(recorder, clock))
    recorder.close()
    return document_of(events)


def _changed(event: Event, changed: dict[str, dict[str, Any]]) -> Event:
    more = changed.get((event.step or "").replace(".", "_"), {}) if event.kind is Kind.RESULT else {}
    return replace(event, data={**event.data, **more})


@pytest.fixture
def two(tmp_path: Path) -> dict[str, Any]:
    return told(tmp_path, application_boots={"facts": TWO})


def row(document: dict[str, Any]) -> dict[str, str]:
    return dict(row_of(document, evidence_path="x/SHA256SUMS", evidence_digest="sha256:" + "00" * 32))


# -- run.json -----------------------------------------------------------------------------------------------------
def test_the_image_and_who_runs_it_are_in_the_document(calm: dict[str, Any]) -> None:
    image = {
        "ref": "ghcr.io/clinic/app@sha256:" + "ef" * 32,
        "commit": "git:" + "12" * 20,
        "level": "B",
        "tag": "v1.4.2",
        "package": "app",
    }
    assert (calm["image"], calm["images"]) == (image, [image])
    assert calm["deployed"] == [
        {"service": "web", "digest": WEB["digest"], "asked_at": "2027-01-15T10:00:25.123456Z"},
        {"service": "worker", "digest": WEB["digest"], "asked_at": "2027-01-15T10:00:26.000000Z"},
    ]


def test_of_several_images_the_first_is_the_image_and_all_are_there(two: dict[str, Any]) -> None:
    assert two["image"] == two["images"][0]
    assert [(each["package"], each["level"], each["tag"]) for each in two["images"]] == [
        ("app", "B", "v1.4.2"),
        ("jobs", "A", None),
    ]
    assert two["images"][1]["ref"] == JOBS["ref"]  # its digest does not stand there twice
    assert [each["service"] for each in two["deployed"]] == ["web", "worker", "jobs"]


def test_a_run_that_did_not_get_there_has_none(empty_table: dict[str, Any]) -> None:
    assert (empty_table["image"], empty_table["images"], empty_table["deployed"]) == (None, [], [])
    assert [row(empty_table)[column] for column in ("app_image", "app_commit", "image_level")] == ["", "", ""]


def test_an_image_of_which_the_commit_is_not_known_has_none(tmp_path: Path) -> None:
    facts = {"ImagesChosen": {"images": [{**WEB, "commit": "", "tag": ""}]}}
    document = told(tmp_path, application_boots={"facts": facts})
    assert (document["image"]["commit"], document["image"]["tag"]) == (None, None)
    assert row(document)["app_commit"] == ""


# -- the test log -------------------------------------------------------------------------------------------------
def test_one_image_stands_in_the_log_as_it_always_did(calm: dict[str, Any]) -> None:
    said = row(calm)
    assert said["app_image"] == "ghcr.io/clinic/app@sha256:" + "ef" * 32
    assert (said["app_commit"], said["image_level"]) == ("git:" + "12" * 20, "B")


def test_several_images_stand_in_one_field_each_column_in_the_same_order(two: dict[str, Any]) -> None:
    said = row(two)
    assert said["app_image"].split(";") == ["ghcr.io/clinic/app@sha256:" + "ef" * 32, JOBS["ref"]]
    assert said["app_commit"].split(";") == ["git:" + "12" * 20, "git:" + "34" * 20]
    assert said["image_level"] == "B;A"
    assert tuple(rules.contradictions(said)) == ()


# -- the report ---------------------------------------------------------------------------------------------------
def test_the_report_names_each_image_and_the_services_that_run_it(two: dict[str, Any]) -> None:
    text = rendering.markdown(two)
    assert "  - deployed as web, worker; asked for 2027-01-15 10:00:25Z to 10:00:31Z\n" in text
    assert "  - deployed as jobs; asked for 2027-01-15 10:00:26Z\n" in text
    assert text.index("ghcr.io/clinic/app@") < text.index("as web, worker") < text.index("ghcr.io/clinic/jobs@")


def test_thirty_services_are_one_line(tmp_path: Path) -> None:
    names = [f"service-{number:02}" for number in range(30)]
    many = {
        "at": dict.fromkeys(names, "2027-01-15T10:00:25Z"),
        "digests": dict.fromkeys(names, WEB["digest"]),
    }
    facts = {**FACTS[BOOTS], "Deployed": many}
    text = rendering.markdown(told(tmp_path, application_boots={"facts": facts}))
    (line,) = [line for line in text.splitlines() if "deployed as" in line]
    assert all(name in line for name in names)


@pytest.mark.parametrize(
    ("verdict", "observed", "said"),
    [
        ("PASS", "HTTP 200 through the edge", "| yes       | HTTP 200 through the edge |"),
        ("NOT_NEEDED", "no public names are configured: nothing was visited", "| NO        | no public names are"),
        ("ATTESTED", "seen in a browser", "| stated    | seen in a browser |"),
    ],
)
def test_the_report_says_what_of_the_doors_was_exercised_and_what_was_not(
    verdict: str, observed: str, said: str, tmp_path: Path
) -> None:
    text = rendering.markdown(told(tmp_path, connectivity_https={"verdict": verdict, "observed": observed}))
    section = text.partition("## The doors: what was exercised\n")[2].partition("\n## ")[0]
    assert f"| {LAST} {said}" in section
    assert "application." not in section


def test_doors_that_were_never_reached_are_not_told_about(empty_table: dict[str, Any]) -> None:
    assert "The doors" not in rendering.markdown(empty_table)
