"""Level A: at least one provenance attestation of this digest, verified, of an allowed ref; level B asks for none."""

from __future__ import annotations

import re
from typing import Any

import pytest

from runbook.engine.errors import HardStop, LayerFailed, NoVerdict
from runbook.engine.verdict import Verdict
from runbook.estate.ports import Provenance
from steps.application.candidates import refusals
from steps.application.chosen import ChosenImage
from tests.support.imaging import NEWEST, OLDER, configured, look, seen, standing
from tests.support.practice import Practice

OTHER = "sha256:" + "0" * 64


@pytest.fixture
def attested(practice: Practice) -> Practice:
    """Level A is asked for."""
    configured(practice, level="A", level_reason="", candidates=2)
    return practice


def newest(practice: Practice) -> Any:
    return practice.world.images.newest_release


async def test_an_attested_image_is_verified_at_level_a(attested: Practice) -> None:
    attested.world.images.attest(newest(attested).digest)
    observation = await look(attested)
    assert observation.verdict is Verdict.PASS
    assert observation.observed.endswith("; level A")
    assert "attestation" in observation.expected
    assert seen(observation)[0].level == "A"


async def test_the_images_own_tag_is_an_allowed_ref(attested: Practice) -> None:
    attested.world.images.attest(newest(attested).digest, ref=f"refs/tags/{NEWEST}")
    assert (await look(attested)).verdict is Verdict.PASS


async def test_an_image_without_attestation_is_refused_at_level_a(attested: Practice) -> None:
    observation = await look(attested)
    assert observation.verdict is Verdict.FAIL
    assert "there is no provenance attestation of it, which level A asks for" in observation.observed


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"ref": "refs/heads/try"}, "another ref"),
        ({"ref": f"refs/tags/{OLDER}"}, "another ref"),
        ({"subject": OTHER}, "another digest"),
        ({"repository": "evil/app"}, "another repository"),
        ({"commit": "0" * 40}, "its label names commit [0-9a-f]{10}, its attestation 0000000000"),
    ],
)
async def test_an_attestation_of_something_else_is_refused(attested: Practice, made: dict[str, str], reason) -> None:
    attested.world.images.attest(newest(attested).digest, **made)
    observation = await look(attested)
    assert observation.verdict is Verdict.FAIL
    assert re.search(reason, observation.observed)


async def test_configured_refs_take_the_place_of_branch_and_tag(attested: Practice) -> None:
    configured(attested, source_refs=("refs/heads/release",))
    attested.world.images.attest(newest(attested).digest)
    assert "another ref" in (await look(attested)).observed
    attested.world.images.attest(newest(attested).digest, ref="refs/heads/release")
    assert (await look(attested)).verdict is Verdict.PASS


async def test_an_unparsable_attestation_is_refused_with_the_librarys_words(attested: Practice) -> None:
    attested.world.images.attest(newest(attested).digest)
    words = "InvalidBundle: tlogEntries Field required"
    attested.world.provenances.verdicts[newest(attested).digest] = LayerFailed(
        "the attestation cannot be read as a Sigstore bundle", provider_text=words
    )
    observation = await look(attested)
    assert observation.verdict is Verdict.FAIL
    assert "cannot be read as a Sigstore bundle" in observation.observed
    assert observation.provider_text == words


async def test_a_verifier_that_answers_for_another_image_or_ref_is_not_believed(attested: Practice) -> None:
    digest, commit = newest(attested).digest, newest(attested).commit
    attested.world.images.attest(digest)
    for lie in (
        Provenance(OTHER, commit, "refs/heads/main", "", "a lie"),
        Provenance(digest, commit, "refs/heads/x", "", "a lie"),
    ):
        attested.world.provenances.verdicts[digest] = lie
        assert "not for this image" in (await look(attested)).observed


async def test_one_of_several_that_verifies_is_enough(attested: Practice) -> None:
    attested.world.images.attest(newest(attested).digest, ref="refs/heads/try")
    attested.world.images.attest(newest(attested).digest)
    assert (await look(attested)).verdict is Verdict.PASS


async def test_one_that_this_machine_cannot_verify_leaves_it_open(attested: Practice) -> None:
    attested.world.images.attest(newest(attested).digest)
    attested.world.provenances.verdicts[newest(attested).digest] = NoVerdict("gh is not on this machine")
    with pytest.raises(NoVerdict, match="gh is not on this machine"):
        await look(attested)


async def test_a_hard_stop_stays_one(attested: Practice) -> None:
    attested.world.images.attest(newest(attested).digest)
    attested.world.provenances.verdicts[newest(attested).digest] = HardStop("stop")
    with pytest.raises(HardStop):
        await look(attested)


async def test_without_a_label_the_attestation_names_the_commit(attested: Practice) -> None:
    commit = newest(attested).commit
    attested.world.images.label(NEWEST, org__opencontainers__image__revision=None)
    attested.world.images.attest(newest(attested).digest, commit=commit)
    observation = await look(attested)
    assert observation.verdict is Verdict.PASS
    assert seen(observation)[0].commit == commit


async def test_level_b_never_asks_for_attestations(practice: Practice) -> None:
    practice.world.images.attest(newest(practice).digest, ref="refs/heads/try")
    assert (await look(practice)).verdict is Verdict.PASS
    assert not [call for call in practice.world.log if call[0] == "github:Attestations"]


async def test_the_level_is_never_inferred_from_what_is_there(practice: Practice) -> None:
    practice.world.images.attest(newest(practice).digest)
    assert "level B: " in (await look(practice)).observed


async def test_before_the_deployment_the_attestation_is_verified_again(attested: Practice) -> None:
    image = configured(attested)
    attested.world.images.attest(newest(attested).digest)
    one = seen(await look(attested))[0]
    chosen = ChosenImage(one.package, one.ref, one.digest, one.commit, one.tag, one.level)
    here = standing(attested).here
    assert await refusals(here, image, chosen) == ()
    attested.world.images.bundles.clear()
    assert await refusals(here, image, chosen) == ("there is no provenance attestation of it, which level A asks for",)
