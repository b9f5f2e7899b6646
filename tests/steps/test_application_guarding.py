"""What stands in a secret group is masked in the record, and what has to be read back from there is not."""

from __future__ import annotations

import pytest

from runbook.engine.verdict import Verdict
from steps.here import Held
from tests.support.practice import Practice
from tests.support.stage4 import attempt, set_variable, through_stage_4


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What the guard was told."""
    told: set[str] = set()
    monkeypatch.setattr("tests.support.practice.Held", lambda: Held(guard=lambda secret: told.add(secret.reveal())))
    return told


async def test_every_value_of_a_group_that_is_no_plain_setting_is_guarded(
    practice: Practice, guarded: set[str]
) -> None:
    values = {"VAULT_SECRET_ID": "secret-id-of-the-application", "SMTP_PASSWORD": "correct horse battery"}
    for name, value in values.items():
        set_variable(practice, f"clinic-env/{name}", value)
    await through_stage_4(practice)
    assert guarded.issuperset(values.values())


async def test_what_is_written_down_to_be_put_back_or_stands_in_the_configuration_is_not(
    practice: Practice, guarded: set[str]
) -> None:
    image = practice.world.images.newest_release
    former = "https://vault.production.example:8200"
    plain = {
        "VAULT_ADDR": former,
        "GIT_COMMIT": image.commit,
        "PUBLIC_HOST": practice.environment.connectivity.hostnames[0].name,
        "MODE": "training",
    }
    for name, value in plain.items():
        set_variable(practice, f"clinic-env/{name}", value)
    run = await through_stage_4(practice)
    assert attempt(run, "application.config").verdict is Verdict.PASS
    assert guarded.isdisjoint(plain.values())
    assert former in str([entry.detail for entry in run.ledger])
