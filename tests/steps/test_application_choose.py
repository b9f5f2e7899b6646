"""Which image is deployed: the newest verified one by default, an older one for a reason, and whether it fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Choice
from runbook.engine.verdict import Observation, Verdict
from steps.application.schema import FITS, NOT_COMPARED, Schema
from steps.facts import ImagesChosen
from tests.support.imaging import NEWEST, OLDER, choosing, configured, look, look_again
from tests.support.operator import ScriptedOperator
from tests.support.practice import Practice

CHOOSE = "choose application.choose"
CONFIRM = "confirm application.image"
LABEL = "org.acme.migration"
HEAD = "7c1f0e5ab2d4"


def chosen(observation: Observation) -> list[dict[str, str]]:
    (fact,) = observation.facts
    assert isinstance(fact, ImagesChosen)
    return [dict(image) for image in fact.images]


def scripted(choice: Any) -> ScriptedOperator:
    return ScriptedOperator({CHOOSE: [choice], CONFIRM: [True]})


async def test_the_newest_verified_is_the_default_and_becomes_the_images_fact(practice: Practice) -> None:
    operator = ScriptedOperator()
    observation = await choosing(practice, await look(practice), operator=operator)
    newest = practice.world.images.newest_release
    assert observation.verdict is Verdict.PASS
    assert observation.findings == ()
    assert chosen(observation) == [
        {
            "package": newest.package,
            "ref": newest.reference,
            "digest": newest.digest,
            "commit": newest.commit,
            "tag": NEWEST,
            "level": "B",
        }
    ]
    (ask,) = operator.questions(CHOOSE)
    assert ask.default == NEWEST
    assert ask.columns == ("tag", "built", "age", "commit", "state", "schema")
    tag, _, age, commit, state, schema = ask.options[0].cells
    assert (tag, commit, state, schema) == (NEWEST, newest.commit[:10], "verified (B)", NOT_COMPARED)
    assert age.startswith("3 d")


async def test_an_older_one_with_a_reason_is_a_finding(practice: Practice) -> None:
    operator = scripted(Choice(OLDER, "the newest may be what broke it"))
    observation = await choosing(practice, await look(practice), operator=operator)
    (finding,) = observation.findings
    package = practice.world.images.newest_release.package
    assert finding.text == (
        f"an older image was chosen: {package} {OLDER}, not {NEWEST}: the newest may be what broke it"
    )
    assert finding.severity == "major"
    assert [image["tag"] for image in chosen(observation)] == [OLDER]
    assert "not the newest" in observation.observed


@pytest.mark.parametrize("choice", [Choice(OLDER), Choice(OLDER, "  "), Choice("v0.0.1", "because"), Choice("", "why")])
async def test_an_older_one_without_a_reason_or_an_unknown_one_is_not_chosen(practice: Practice, choice) -> None:
    with pytest.raises(LayerFailed, match="was not chosen"):
        await choosing(practice, await look(practice), operator=scripted(choice))


async def test_a_refused_one_is_shown_as_unfit_and_cannot_be_chosen(practice: Practice) -> None:
    practice.world.images.redden()
    looked = await look_again(practice, scripted(None))
    operator = ScriptedOperator()
    observation = await choosing(practice, looked, operator=operator)
    (ask,) = operator.questions(CHOOSE)
    assert ask.options[0].unfit == "its checks are not green: test is failure"
    assert ask.options[0].cells[4] == "refused"
    assert ask.default == OLDER
    (finding,) = observation.findings
    assert finding.text.endswith(
        f"{OLDER}, not {NEWEST}: the newest was refused: its checks are not green: test is failure"
    )
    with pytest.raises(LayerFailed, match="it is not verified"):
        await choosing(practice, looked, operator=scripted(Choice(NEWEST, "it will do")))


async def test_nothing_is_asked_where_there_is_no_choice(practice: Practice) -> None:
    configured(practice, candidates=1)
    operator = ScriptedOperator()
    observation = await choosing(practice, await look(practice), operator=operator)
    assert operator.asked == []
    assert [image["tag"] for image in chosen(observation)] == [NEWEST]


async def test_a_sole_verified_one_that_is_not_the_newest_is_a_finding_unasked(practice: Practice) -> None:
    configured(practice, candidates=2)
    practice.world.images.redden()
    operator = ScriptedOperator()
    observation = await choosing(practice, await look_again(practice, scripted(None)), operator=operator)
    assert operator.asked == []
    assert observation.findings[0].text.startswith("an older image was chosen: ")


async def test_each_of_several_packages_is_asked_about(tmp_path: Path) -> None:
    practice = Practice(tmp_path, packages=2)
    operator = ScriptedOperator({CHOOSE: [lambda ask: Choice(ask.default), Choice(OLDER, "as before")]})
    observation = await choosing(practice, await look(practice), operator=operator)
    first, second = (image.package for image in practice.environment.application.images)
    assert [(image["package"], image["tag"]) for image in chosen(observation)] == [(first, NEWEST), (second, OLDER)]
    assert [ask.title for ask in operator.questions(CHOOSE)] == [
        f"Which image of {first}?",
        f"Which image of {second}?",
    ]
    assert len(observation.findings) == 1


async def test_without_a_look_there_is_nothing_to_choose_from(practice: Practice) -> None:
    nothing = Observation.passed(expected="", observed="", source="")
    with pytest.raises(NoVerdict, match="did not establish ImagesSeen"):
        await choosing(practice, nothing, operator=ScriptedOperator())


# -- the schema ---------------------------------------------------------------------------------------------------
class Copied:
    """The restored database, of which only the migration head is asked."""

    def __init__(self, head: str) -> None:
        self.head = head
        self.asked = 0

    async def catalogue(self) -> Any:
        self.asked += 1
        return self

    @property
    def migration(self) -> str:
        return self.head


@pytest.fixture
def restored(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> Copied:
    copied = Copied(f"alembic_version {HEAD}")
    monkeypatch.setattr("steps.application.schema.copy", lambda _: copied)
    configured(practice, migration_label=LABEL)
    return copied


async def test_an_image_that_was_made_for_the_restored_schema_fits(practice: Practice, restored: Copied) -> None:
    practice.world.images.label(NEWEST, org__acme__migration=HEAD)
    operator = ScriptedOperator()
    observation = await choosing(practice, await look(practice), operator=operator)
    (ask,) = operator.questions(CHOOSE)
    assert [option.cells[5] for option in ask.options[:2]] == [FITS, NOT_COMPARED]
    assert observation.findings == ()
    assert observation.observed.endswith("schema fits")
    assert restored.asked == 1


async def test_an_image_that_was_made_for_another_schema_is_a_major_finding(
    practice: Practice, restored: Copied
) -> None:
    practice.world.images.label(NEWEST, org__acme__migration="9d2a00000000")
    operator = ScriptedOperator()
    observation = await choosing(practice, await look(practice), operator=operator)
    (finding,) = observation.findings
    assert finding.severity == "major"
    assert finding.text.endswith(
        f"{NEWEST} was made for migration 9d2a00000000, the restored schema is at alembic_version {HEAD}"
    )
    (ask,) = operator.questions(CHOOSE)
    assert ask.options[0].cells[5].startswith("differs: made for 9d2a00000000")
    assert restored.asked == 1


async def test_the_copy_is_not_asked_where_no_image_has_such_a_label(practice: Practice, restored: Copied) -> None:
    configured(practice, migration_label=None)
    await choosing(practice, await look(practice), operator=ScriptedOperator())
    assert restored.asked == 0


@pytest.mark.parametrize(
    ("head", "label", "cell"),
    [
        ("alembic_version a, b", "b a", FITS),
        ("alembic_version a, b", "alembic_version a,b", FITS),
        ("alembic_version a; django_migrations app.0002", "a app.0002", FITS),
        ("alembic_version a, b", "a", "differs: made for a, the copy is at alembic_version a, b"),
        ("", "a", "differs: made for a, the copy is at none"),
        ("alembic_version a", "", NOT_COMPARED),
        (None, "a", NOT_COMPARED),
    ],
)
def test_heads_are_compared_as_a_set(head: str | None, label: str, cell: str) -> None:
    assert Schema(head).cell(label) == cell
    assert bool(Schema(head).fault(label)) is cell.startswith("differs")
