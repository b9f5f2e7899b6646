"""What counts as a changed configuration when a run is resumed."""

from __future__ import annotations

from runbook.commands.real.changed import difference
from runbook.engine.ports import Change


def test_a_key_that_an_earlier_version_did_not_have_is_no_change_while_nobody_sets_it() -> None:
    assert difference({"canary.key": "one"}, {"canary.key": "one", "targets.stages.vault_s": ""}) is None


def test_once_it_is_set_it_is_one() -> None:
    found = difference({"canary.key": "one"}, {"canary.key": "one", "targets.stages.vault_s": "900"})
    assert found is not None
    assert found.changes == (Change("targets.stages.vault_s", "(absent)", "900"),)
    assert found.stage is None, "no stage reads it"
