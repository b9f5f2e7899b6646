"""What other runs left behind: found by our tags, removed by nobody's mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.engine.errors import NoVerdict, Refused
from runbook.estate.memory import names
from runbook.estate.memory.backups import Kept
from runbook.estate.memory.copies import Copy
from runbook.estate.ports import FromSnapshot, RestoreSpec
from runbook.plain.nobody import Nobody
from steps import orphans
from steps.database.names import INSTANCE, SNAPSHOT
from steps.database.restore import DESTROY_TAG, ENVIRONMENT_TAG, RUN_TAG
from steps.here import EarlierRun
from tests.support.practice import DECLARED, Practice

ACCOUNT = "identity.aws-account"
DUE = "2027-01-12T10:00:00Z"
OTHER = "drill-20270110T100000Z-00aa"
TAGS = {RUN_TAG: OTHER, ENVIRONMENT_TAG: "practice", DESTROY_TAG: DUE}


def put(practice: Practice, name: str, tags: Mapping[str, str], *, protected: bool = False) -> None:
    spec = RestoreSpec(
        instance=name,
        origin=FromSnapshot("x"),
        instance_class="c",
        subnet_group="s",
        security_groups=(),
        parameter_group="p",
        multi_az=False,
        deletion_protection=protected,
        retention_days=0,
        tags=tags,
    )
    practice.world.databases.copies[name] = Copy(spec, practice.clock.now(), 55432, "available")


def put_snapshot(practice: Practice, name: str, tags: Mapping[str, str]) -> None:
    of = practice.world.databases.backups.automated()[-1].id
    practice.world.databases.backups.kept[name] = Kept(of, names.KMS_KEY, dict(tags))


async def test_what_another_run_made_is_found_with_its_run_its_date_and_its_cost(practice: Practice) -> None:
    put(practice, f"rt-{OTHER}", TAGS)
    put_snapshot(practice, f"rt-{OTHER}-source", TAGS)
    instance, snapshot = await orphans.find(practice.here())
    assert (instance.kind, instance.run_id, snapshot.kind) == (INSTANCE, OTHER, SNAPSHOT)
    assert instance.words(practice.clock.now()) == (
        f"rt-{OTHER} (rds:instance) of {OTHER}, to be destroyed after 2027-01-12 10:00 UTC, OVERDUE, "
        "cost by the hour: not known"
    )
    assert "cost" not in snapshot.words(practice.clock.now())


async def test_one_that_is_not_due_may_be_in_use_elsewhere_and_says_so(practice: Practice) -> None:
    put(practice, f"rt-{OTHER}", {**TAGS, DESTROY_TAG: "2027-01-17T10:00:00Z"})
    put(practice, f"rt-{OTHER}-2", {**TAGS, DESTROY_TAG: "soon"})
    for found in await orphans.find(practice.here()):
        assert "NOT DUE YET: a run on another machine may be working with it" in found.words(practice.clock.now())


async def test_a_configured_cost_is_said(practice: Practice) -> None:
    database = practice.environment.database.model_copy(update={"hourly_cost": "0.21 USD"})
    practice.environment = practice.environment.model_copy(update={"database": database})
    put(practice, f"rt-{OTHER}", TAGS)
    (found,) = await orphans.find(practice.here())
    assert "cost by the hour: 0.21 USD" in found.words(practice.clock.now())


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"environment": "production"},
        {RUN_TAG: OTHER, ENVIRONMENT_TAG: "practice"},  # a recovery's: production from then on
        {**TAGS, ENVIRONMENT_TAG: "another"},
        {**TAGS, RUN_TAG: "drill-20270114T100000Z-00bb"},  # a run with a record of its own
    ],
)
async def test_what_is_not_ours_to_remove_is_not_found(practice: Practice, tags: dict[str, str]) -> None:
    put(practice, "rt-something", tags)
    assert await orphans.find(practice.here(), known={"drill-20270114T100000Z-00bb"}) == ()


async def test_a_name_that_is_not_of_this_environment_is_not_found(practice: Practice) -> None:
    put(practice, "clinic-copy", TAGS)
    assert await orphans.find(practice.here()) == ()


async def test_removed_means_asked_for_until_it_is_not_found(practice: Practice) -> None:
    put(practice, f"rt-{OTHER}", TAGS)
    put_snapshot(practice, f"rt-{OTHER}-source", TAGS)
    here = practice.here()
    for found in await orphans.find(here):
        assert (await orphans.remove(here, found)).verdict == "PASS"
    assert practice.world.databases.copies == {}
    assert practice.world.databases.backups.kept == {}
    announced = [(intent.operation, intent.target) for intent in here.run.announced]
    assert announced == practice.world.calls


async def test_one_that_lost_its_tags_since_is_left(practice: Practice) -> None:
    put(practice, f"rt-{OTHER}", TAGS)
    here = practice.here()
    (found,) = await orphans.find(here)
    put(practice, f"rt-{OTHER}", {})
    with pytest.raises(Refused, match="does not carry the tags"):
        await orphans.remove(here, found)
    assert practice.world.calls == []


async def test_automated_backups_that_stay_are_not_called_gone(practice: Practice) -> None:
    practice.world.databases.keep_backups = True
    put(practice, f"rt-{OTHER}", TAGS)
    practice.world.databases._ever.add(f"rt-{OTHER}")
    here = practice.here()
    (found,) = await orphans.find(here)
    with pytest.raises(NoVerdict, match="to be gone"):
        await orphans.remove(here, found)


# -- at the start of a run ----------------------------------------------------------------------------------------
def mode(name: str) -> dict[str, Any]:
    return {**DECLARED, "run_id": f"{name}-20270115T100000Z-0001", "mode": name}


async def test_it_is_offered_for_removal_at_the_start_and_removed_if_that_is_agreed_to(practice: Practice) -> None:
    put(practice, f"rt-{OTHER}", TAGS)
    put_snapshot(practice, f"rt-{OTHER}-source", TAGS)
    operator = practice.operator({f"confirm {ACCOUNT}": [True, True]})
    run = await practice.walk(operator, declared=mode("drill"))
    shown = [ask.preview.target for ask in operator.questions(f"confirm {ACCOUNT}")]
    assert shown == [f"rt-{OTHER}", f"rt-{OTHER}-source"]
    assert practice.done("rds:DeleteDBSnapshot") == [f"rt-{OTHER}-source"]
    assert practice.done("rds:DeleteDBInstance")[0] == f"rt-{OTHER}"
    assert (run.outcome, run.findings, practice.world.databases.copies) == ("PASS", (), {})


@pytest.mark.parametrize(("name", "operator"), [("drill", None), ("rehearsal", Nobody())])
async def test_what_nobody_agreed_to_remove_stays_and_is_a_finding(
    practice: Practice, name: str, operator: Nobody | None
) -> None:
    practice.rehearsal_exception = "A. Okafor"
    put(practice, f"rt-{OTHER}", TAGS)
    run = await practice.walk(operator, declared=mode(name))
    assert f"rt-{OTHER}" in practice.world.databases.copies
    (said,) = [finding.text for finding in run.findings if finding.text.startswith("left behind")]
    assert said.startswith(f"left behind by another run: rt-{OTHER} (rds:instance) of {OTHER}, to be destroyed after")
    assert said.endswith("OVERDUE, cost by the hour: not known")


async def test_what_cannot_be_removed_is_a_finding_with_the_reason(practice: Practice) -> None:
    put(practice, f"rt-{OTHER}", TAGS, protected=True)
    run = await practice.walk(practice.operator({f"confirm {ACCOUNT}": [True]}), declared=mode("drill"))
    (finding,) = run.findings
    assert finding.text.endswith(f"rt-{OTHER} is protected against deletion")
    assert run.outcome == "PASS_WITH_ISSUES"


async def test_one_that_loses_its_tags_while_it_is_asked_about_is_left_and_said(practice: Practice) -> None:
    put(practice, f"rt-{OTHER}", TAGS)

    def retag(_: object) -> bool:
        put(practice, f"rt-{OTHER}", {})
        return True

    run = await practice.walk(practice.operator({f"confirm {ACCOUNT}": [retag]}), declared=mode("drill"))
    assert f"rt-{OTHER}" in practice.world.databases.copies
    assert "does not carry the tags" in run.findings[0].text
    assert run.outcome == "PASS_WITH_ISSUES"


async def test_a_run_with_a_record_here_is_left_to_that(practice: Practice) -> None:
    put(practice, f"rt-{OTHER}", TAGS)
    practice.history = (EarlierRun(OTHER, practice.clock.now(), ()),)
    operator = practice.operator()
    await practice.walk(operator, declared=mode("drill"))
    assert operator.questions(f"confirm {ACCOUNT}") == []


# -- whatever the tags say ----------------------------------------------------------------------------------------
TAG_SETS = st.dictionaries(
    st.sampled_from((RUN_TAG, ENVIRONMENT_TAG, DESTROY_TAG, "environment")),
    st.sampled_from((OTHER, "practice", "production", DUE, "", "training-20270115T100000Z-0001")),
)
WORLDS = st.dictionaries(st.sampled_from([f"rt-{OTHER}", "rt-x", "rt-y-2", "clinic-production-copy"]), TAG_SETS)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=WORLDS, snapshots=WORLDS)
async def test_nothing_without_all_of_our_tags_is_ever_deleted(
    tmp_path_factory: pytest.TempPathFactory, world: dict[str, dict[str, str]], snapshots: dict[str, dict[str, str]]
) -> None:
    practice = Practice(tmp_path_factory.getbasetemp())
    for name, tags in world.items():
        put(practice, name, tags)
    for name, tags in snapshots.items():
        put_snapshot(practice, name, tags)
    here = practice.here()
    for found in await orphans.find(here):
        await orphans.remove(here, found)
    for operation, target in practice.world.calls:
        tags = (world if operation == "rds:DeleteDBInstance" else snapshots)[target]
        assert {RUN_TAG, DESTROY_TAG} <= set(tags)
        assert tags.get(ENVIRONMENT_TAG, "practice") == "practice"
        assert tags[RUN_TAG] != here.run.id
