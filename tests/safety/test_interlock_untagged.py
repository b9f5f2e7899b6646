"""Whatever it is called and whatever it carries: what has no tag of a run is not deleted and not modified."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.config.file import Configuration
from runbook.engine.errors import Refused
from runbook.engine.ports import Permit
from runbook.safety.call import CHANGING
from runbook.safety.interlock import Interlock
from runbook.safety.learned import DESTROY_TAG, ENVIRONMENT_TAG, RUN_TAG
from tests.safety import places
from tests.safety.places import RUN, STAGING

NAMES = st.one_of(
    st.sampled_from([f"rt-{RUN}".lower(), "rt-1", "clinic-production", "recovered-1", "", "RT-1"]),
    st.from_regex(r"[a-z][a-z0-9-]{0,40}", fullmatch=True),
)
NEAR_MISSES = st.sampled_from(["runbook", "Runbook:run", "runbook:run ", ENVIRONMENT_TAG, DESTROY_TAG, "Name"])
TAGS = st.dictionaries(NEAR_MISSES, st.sampled_from([RUN, "staging", "2027-01-16", "x"]), max_size=5)


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return places.configured(tmp_path_factory.mktemp("apart"))


@given(operation=st.sampled_from(sorted(CHANGING)), name=NAMES, tags=st.none() | TAGS)
def test_nothing_untagged_is_deleted_or_modified(
    apart: Configuration, operation: str, name: str, tags: Mapping[str, str] | None
) -> None:
    """None: nobody looked."""
    interlock = _interlock(apart)
    if tags is not None:
        interlock.learned.tagged(name, tags)
    with pytest.raises(Refused):
        _change(interlock, operation, name)
    assert interlock.counts["mutating"] == 0


@pytest.mark.parametrize("operation", sorted(CHANGING))
def test_with_the_runs_tag_it_is(apart: Configuration, operation: str) -> None:
    interlock = _interlock(apart)
    interlock.learned.tagged(f"rt-{RUN}".lower(), {RUN_TAG: RUN})
    _change(interlock, operation, f"rt-{RUN}".lower())
    assert interlock.counts["mutating"] == 1


def _interlock(configuration: Configuration) -> Interlock:
    interlock = Interlock(places.bounds_of(configuration, "drill"))
    interlock.learned.run(RUN, ())
    return interlock


def _change(interlock: Interlock, operation: str, name: str) -> None:
    with interlock.holding(Permit("run", "step", operation, name), operation, name):
        given = {CHANGING[operation]: name}
        interlock.check_named(operation, "rds.eu-west-2.amazonaws.com", port=443, given=given, account=STAGING)
