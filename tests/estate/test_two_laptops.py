"""A drill between two machines that share nothing but the evidence bucket: one at a time, and handed over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runbook import config
from runbook.records.log.logs import TestLog
from runbook.training.servers import aws_names as names
from tests.support.crashing import passed_over
from tests.support.person import Person, Rule
from tests.support.two_environments import Place, for_a_drill, practice

pytestmark = [pytest.mark.estate, pytest.mark.timeout(400)]

BUCKET = "practice-clinic-evidence"
LEAVES_IT: Rule = (r"Type \S+ exactly: $", "no")
ENDS_IT: Rule = (r"identity\.aws-account \[retry .*\]: $", "abort another machine works on it")
SECOND: Rule = (r"Your name.*: $", "Cy Hopper")


def _with_bucket(environment: config.Environment) -> dict[str, Any]:
    document = for_a_drill(environment)
    document["records"]["bucket"] = {"bucket": BUCKET, "account_id": names.ACCOUNT, "region": names.REGION}
    return document


@pytest.fixture
def laptops(tmp_path: Path) -> Iterator[tuple[Place, Place]]:
    with practice(tmp_path / "first", _with_bucket) as first:
        first.aws("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": names.REGION})
        second = Place(first.estate, tmp_path / "second")
        second.folder.mkdir()
        second.configure(_with_bucket(first.estate.environment()))
        yield first, second


def test_a_run_is_refused_to_a_second_machine_and_then_handed_over_to_it(laptops: tuple[Place, Place]) -> None:
    first, second = laptops
    with first.running("drill", "--plain") as terminal:
        assert Person(first.estate).walk(terminal, until="CHECKPOINT 2 ") == -1, terminal.said
        run_id = first.runs[-1].name
        status, said = second.through("drill", "--plain", more=(LEAVES_IT, ENDS_IT))
        assert (status, second.document()["created"], second.document()["calls"]["mutating"]) == (1, [], 0), said
        assert f"the environment is not free: run {run_id} of Ana Lovelace holds it" in said
        terminal.process.kill()  # and never comes back

    status, said = second.through("resume", run_id, "--plain", more=(SECOND,))
    assert status == 0, said
    document, events = second.document(run_id), second.events(run_id)
    assert (document["run_id"], document["outcome"], document["resumes"]) == (run_id, "PASS", 1)
    assert passed_over(events) == []
    opened = [event.data["by"] for event in events if event.data.get("decision") == "opened"]
    assert opened == ["Ana Lovelace", *["Cy Hopper"] * 4]
    assert second.left_over() == []
    rows = TestLog(second.compliance, second.home / "pending").verify().rows
    assert [row["outcome"] for row in rows] == ["FAIL", "PASS"]

    status, said = first.through("resume", "--plain")
    assert first.events(run_id) == events, said  # it is brought, and nothing of it is done again
    assert status == 2, said
    assert f"{run_id} ended as PASS: another machine went on with it" in said
