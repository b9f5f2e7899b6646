"""Whatever the tags say by the time of the closing: nothing that does not carry this run's tag is deleted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.estate.memory import names
from runbook.estate.memory.backups import Kept
from runbook.estate.memory.copies import Copy
from steps.database.restore import RUN_TAG
from tests.support.practice import DECLARED, Practice

RUN = "drill-20270115T100000Z-0001"
DRILL = {**DECLARED, "run_id": RUN, "mode": "drill"}
TAGS = st.one_of(
    st.just({RUN_TAG: RUN}),
    st.dictionaries(
        st.sampled_from((RUN_TAG, "runbook:environment", "runbook:destroy-after", "environment", "Runbook:Run")),
        st.sampled_from((RUN, RUN.upper(), "", "production", "another")),
    ),
)
BYSTANDERS = st.dictionaries(st.sampled_from(("rt-x", f"rt-{RUN.lower()}-2", "clinic-production-copy")), TAGS)


def share(practice: Practice) -> None:
    practice.world.share_snapshots("444455556666")
    other = {"source": "shared-copy", "source_account": "444455556666", "copy_kms_key": names.KMS_KEY}
    database = practice.environment.database.model_copy(update=other)
    practice.environment = practice.environment.model_copy(update={"database": database})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(instance=TAGS, snapshot=TAGS, bystanders=BYSTANDERS)
async def test_nothing_without_this_runs_tag_is_ever_deleted(
    tmp_path_factory: pytest.TempPathFactory,
    instance: dict[str, str],
    snapshot: dict[str, str],
    bystanders: dict[str, dict[str, str]],
) -> None:
    practice = Practice(tmp_path_factory.mktemp("run"))
    share(practice)
    databases = practice.world.databases
    tags: dict[str, dict[str, str]] = {}

    def retag(_: object) -> bool:
        (copy,) = databases.copies.values()
        copy.spec = replace(copy.spec, tags=instance)
        ((name, kept),) = databases.backups.kept.items()
        kept.tags = dict(snapshot)
        tags.update({copy.spec.instance: instance, name: snapshot})
        for other, theirs in bystanders.items():
            databases.copies.setdefault(
                other, Copy(replace(copy.spec, instance=other, tags=theirs), copy.created, 1, "x")
            )
            databases.backups.kept.setdefault(f"{other}-s", Kept(kept.of, kept.kms_key, dict(theirs)))
        return True

    run = await practice.walk(practice.operator({"confirm closeout.cleanup": [retag]}), declared=DRILL)
    deleted = practice.done("rds:DeleteDBInstance") + practice.done("rds:DeleteDBSnapshot")
    assert {name for name in deleted if tags[name].get(RUN_TAG) != RUN} == set()
    left = {name for name, theirs in tags.items() if theirs.get(RUN_TAG) != RUN}
    assert {entry.id for entry in run.open_ledger} == left
    assert run.outcome == ("PASS_WITH_ISSUES" if left else "PASS")
    assert set(bystanders) <= set(databases.copies)
