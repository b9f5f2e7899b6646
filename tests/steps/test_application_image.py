"""Which image is verified, and every reason for which one is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.verdict import Verdict
from runbook.estate.memory.images import Images
from runbook.estate.ports import CheckRun, CombinedStatus, Commit
from steps.application.candidates import refusals
from steps.application.chosen import ChosenImage
from steps.application.lineage import BOUND, Lineage
from steps.application.verified import check_faults, status_faults
from tests.support.imaging import NEWEST, OLDER, configured, look, seen, standing
from tests.support.practice import Practice

BUILD = "Have it built and signed again from the protected branch"


# -- verified -----------------------------------------------------------------------------------------------------
async def test_the_newest_is_verified_and_the_level_is_told_with_its_reason(practice: Practice) -> None:
    observation = await look(practice)
    newest = practice.world.images.newest_release
    assert observation.verdict is Verdict.PASS
    assert observation.observed == (
        f"{newest.package} {NEWEST} = {newest.digest[:19]}…, commit {newest.commit[:10]}, signed, green; "
        "level B: The practice code host signs no attestations."
    )
    first = seen(observation)[0]
    assert (first.tag, first.digest, first.commit, first.newest) == (NEWEST, newest.digest, newest.commit, True)
    assert first.ref == newest.reference
    assert first.refused == ()


async def test_as_many_as_are_configured_are_looked_at_newest_first(practice: Practice) -> None:
    configured(practice, candidates=3)
    found = seen(await look(practice))
    assert [one.tag for one in found] == ["v1.8.2", "v1.8.1", "v1.8.0"]
    assert [one.newest for one in found] == [True, False, False]


async def test_a_tag_of_another_form_is_no_release(practice: Practice) -> None:
    """The release candidate is newer, and is not looked at."""
    assert all("rc" not in one.tag for one in seen(await look(practice)))
    configured(practice, tag_pattern=r"^v9\.")
    with pytest.raises(LayerFailed, match=r"no image of .* has a tag like \^v9"):
        await look(practice)


async def test_each_commit_is_asked_for_once_within_a_look(practice: Practice) -> None:
    await look(practice)
    asked = [target for operation, target in practice.world.log if operation == "github:Commit"]
    assert len(asked) == len(set(asked)) > 3


async def test_the_newest_of_several_packages_are_verified_side_by_side(tmp_path: Path) -> None:
    practice = Practice(tmp_path, packages=3)
    observation = await look(practice)
    assert observation.verdict is Verdict.PASS
    assert len({one.package for one in seen(observation)}) == 3
    assert observation.observed.startswith("3 of 3: ")


# -- refused ------------------------------------------------------------------------------------------------------
def unprotect(images: Images) -> None:
    images.protected = False


def other_checks(*runs: CheckRun) -> Callable[[Images], None]:
    def change(images: Images) -> None:
        images.checks[images.newest_release.commit] = runs

    return change


def forget_commit(images: Images) -> None:
    del images.commits[images.newest_release.commit]


BUILD_RUN = CheckRun("build", "completed", "success")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Images.unsign, r"its commit [0-9a-f]{10} is not signed as GitHub would verify it \(unsigned\)"),
        (Images.redden, "its checks are not green: test is failure"),
        (Images.move_tag, rf"the tag {NEWEST} does not lead to this digest any more: it leads to sha256:"),
        (Images.tamper, "its bytes hash to sha256:.{12}…, the registry says sha256:.{12}…"),
        (Images.side_branch, "its commit is not on the protected branch main"),
        (unprotect, "the branch main is not protected"),
        (forget_commit, "its commit [0-9a-f]{10} is not in "),
        (other_checks(), "has no check runs"),
        (other_checks(BUILD_RUN), "required checks did not run: test"),
        (other_checks(BUILD_RUN, CheckRun("test", "in_progress", None)), "test is in_progress"),
        (other_checks(BUILD_RUN, CheckRun("test", "completed", None)), "test is without a conclusion"),
        (other_checks(BUILD_RUN, CheckRun("test", "completed", "stale")), "test is stale"),
        (other_checks(BUILD_RUN, CheckRun("test", "completed", "startup_failure")), "test is startup_failure"),
        (lambda images: images.state(NEWEST, "pending"), "its commit statuses are together pending"),
        (lambda images: images.state(NEWEST, "failure", 3), "its commit statuses are together failure"),
        (
            lambda images: images.label(NEWEST, org__opencontainers__image__revision=None),
            "it does not name the commit it was built from",
        ),
        (
            lambda images: images.label(NEWEST, org__opencontainers__image__revision="main"),
            "it does not name the commit it was built from",
        ),
        (
            lambda images: images.label(NEWEST, org__opencontainers__image__source="https://github.com/other/clinic"),
            "its label says that its source is https://github.com/other/clinic, not practice-clinic/clinic",
        ),
        (
            lambda images: images.label(
                NEWEST, org__opencontainers__image__source="https://github.com/practice-clinic/clinic-fork"
            ),
            "its source is https://github.com/practice-clinic/clinic-fork, not",
        ),
    ],
)
async def test_a_newest_that_is_not_verified_is_refused_with_the_reason(
    practice: Practice, fault: Callable[[Images], None], reason: str
) -> None:
    fault(practice.world.images)
    observation = await look(practice)
    assert observation.verdict is Verdict.FAIL
    assert practice.world.calls == []
    (package,) = {image.package for image in practice.environment.application.images}
    before, _, after = observation.observed.partition(", the newest, is refused: ")
    assert before.startswith(f"{package} {NEWEST} = sha256:")
    assert re.search(reason, after)
    assert "level B: The practice code host" in after
    assert observation.fix.startswith(BUILD)


@pytest.mark.parametrize(
    "source",
    [
        None,
        "https://github.com/Practice-Clinic/Clinic",
        "https://github.com/practice-clinic/clinic.git",
        "https://github.com/practice-clinic/clinic/",
    ],
)
async def test_an_image_may_say_nothing_of_its_source_or_write_it_otherwise(
    practice: Practice, source: str | None
) -> None:
    practice.world.images.label(NEWEST, org__opencontainers__image__source=source)
    assert (await look(practice)).verdict is Verdict.PASS


async def test_every_reason_is_told_at_once(practice: Practice) -> None:
    images = practice.world.images
    images.unsign()
    images.redden()
    images.state(NEWEST, "error")
    observed = (await look(practice)).observed
    for reason in ("is not signed", "checks are not green", "statuses are together error"):
        assert reason in observed


async def test_neutral_and_skipped_checks_are_green_and_no_statuses_at_all_are_none(practice: Practice) -> None:
    images = practice.world.images
    other_checks(BUILD_RUN, CheckRun("test", "completed", "neutral"), CheckRun("docs", "completed", "skipped"))(images)
    images.state(NEWEST, "pending", 0)
    assert (await look(practice)).verdict is Verdict.PASS
    images.state(NEWEST, "success", 2)
    assert (await look(practice)).verdict is Verdict.PASS


async def test_an_older_one_is_offered_only_where_there_is_a_verified_one(practice: Practice) -> None:
    practice.world.images.redden()
    assert (await look(practice)).fix == f"{BUILD}; or try again to go on with an older verified one."
    unprotect(practice.world.images)
    assert (await look(practice)).fix == f"{BUILD}."


async def test_of_several_packages_those_that_are_refused_are_counted(tmp_path: Path) -> None:
    practice = Practice(tmp_path, packages=3)
    practice.world.images.tamper()
    observation = await look(practice)
    assert observation.verdict is Verdict.FAIL
    assert observation.observed.startswith("1 of 3: ")


async def test_an_older_one_that_cannot_be_judged_does_not_keep_the_newest_from_it(practice: Practice) -> None:
    older = practice.world.images.release(OLDER).commit
    code, commit = practice.world.code, practice.world.code.commit
    asked: list[str] = []

    async def unwell(repository: str, sha: str) -> Commit | None:
        asked.append(sha)
        if sha == older:
            raise NoVerdict("GitHub could not check the commit's signature just now")
        return await commit(repository, sha)

    code.commit = unwell  # type: ignore[method-assign]
    found = seen(await look(practice))
    assert found[0].refused == ()
    assert found[1].refused == ("it could not be judged: GitHub could not check the commit's signature just now",)
    code.commit = commit  # type: ignore[method-assign]


async def test_a_newest_that_cannot_be_judged_gives_no_verdict(practice: Practice) -> None:
    practice.world.provenances.verdicts[practice.world.images.newest_release.digest] = NoVerdict("no gh here")
    practice.world.images.attest(practice.world.images.newest_release.digest)
    configured(practice, level="A")
    with pytest.raises(NoVerdict, match="no gh here"):
        await look(practice)


# -- right before the deployment ----------------------------------------------------------------------------------
async def chosen_now(practice: Practice) -> ChosenImage:
    one = seen(await look(practice))[0]
    return ChosenImage(one.package, one.ref, one.digest, one.commit, one.tag, one.level)


async def test_what_was_verified_and_still_is_has_no_refusals(practice: Practice) -> None:
    image = configured(practice)
    assert await refusals(standing(practice).here, image, await chosen_now(practice)) == ()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Images.move_tag, "does not lead to this digest any more"),
        (Images.redden, "checks are not green"),
        (Images.unsign, "is not signed"),
        (Images.tamper, "its bytes hash to"),
        (lambda images: images.images.remove(images.newest_release), "the registry does not have it"),
    ],
)
async def test_what_changed_since_it_was_verified_is_refused(
    practice: Practice, fault: Callable[[Images], None], reason: str
) -> None:
    image, chosen = configured(practice), await chosen_now(practice)
    fault(practice.world.images)
    assert reason in "; ".join(await refusals(standing(practice).here, image, chosen))


async def test_another_commit_than_the_chosen_one_is_refused(practice: Practice) -> None:
    image, chosen = configured(practice), await chosen_now(practice)
    (reason,) = await refusals(standing(practice).here, image, replace(chosen, commit="0" * 40))
    assert "was chosen as built from commit 0000000000" in reason


async def test_a_choice_without_a_tag_cannot_be_followed_and_is_refused(practice: Practice) -> None:
    image, chosen = configured(practice), await chosen_now(practice)
    (reason,) = await refusals(standing(practice).here, image, replace(chosen, tag=""))
    assert "(none) does not lead to this digest" in reason


# -- the branch ---------------------------------------------------------------------------------------------------
def history(practice: Practice, parents: dict[str, tuple[str, ...]]) -> Lineage:
    images = practice.world.images
    images.commits = {sha: Commit(sha, verified=True, reason="valid", parents=of) for sha, of in parents.items()}
    images.head = next(iter(parents))
    repository = practice.environment.application.images[0].repository
    return Lineage(practice.world.code, repository)


async def test_a_commit_of_a_side_branch_that_was_merged_is_on_the_branch(practice: Practice) -> None:
    lineage = history(practice, {"m": ("a", "s"), "a": ("r",), "s": ("s0",), "s0": ("r",), "r": (), "x": ("r",)})
    assert await lineage.why_not_on("main", "s0") == ""
    assert await lineage.why_not_on("main", "m") == ""
    assert await lineage.why_not_on("main", "x") == "its commit is not on the protected branch main"


async def test_a_branch_that_is_not_there_holds_nothing(practice: Practice) -> None:
    lineage = history(practice, {"m": ()})
    assert "there is no branch release in " in await lineage.why_not_on("release", "m")


async def test_a_long_history_is_searched_to_a_bound_which_is_told(practice: Practice) -> None:
    shas = [f"c{number}" for number in range(3 * BOUND)]
    lineage = history(practice, {sha: (parent,) for sha, parent in pairwise(shas)})
    assert await lineage.why_not_on("main", shas[BOUND]) == ""
    why = await lineage.why_not_on("main", shas[2 * BOUND])
    assert why == f"its commit is not on the protected branch main within its newest {BOUND} commits"
    asked = [target for operation, target in practice.world.log if operation == "github:Commit"]
    assert len(asked) == BOUND


# -- rules --------------------------------------------------------------------------------------------------------
def test_many_red_checks_are_counted() -> None:
    runs = [CheckRun(f"check-{number}", "completed", "failure") for number in range(30)]
    (fault,) = check_faults(runs, ())
    assert fault.endswith("check-3 is failure and 26 more")


def test_a_status_that_nobody_documented_is_not_success() -> None:
    assert status_faults(CombinedStatus("", 1)) == ["its commit statuses are together untold"]
    assert status_faults(CombinedStatus("success", 0)) == []


def test_that_there_are_no_statuses_excuses_nothing_but_pending() -> None:
    assert status_faults(CombinedStatus("pending", 0)) == []
    for state in ("failure", "error", ""):
        assert status_faults(CombinedStatus(state, 0)) == [f"its commit statuses are together {state or 'untold'}"]
