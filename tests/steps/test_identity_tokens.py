"""GitHub's token is judged by what it is and by what it reads, not by what it does not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.engine.run import Attempt
from runbook.engine.verdict import Verdict
from tests.support.operator import abort
from tests.support.practice import Practice


async def github(practice: Practice) -> Attempt:
    """What the step said, in a run that ends right after stage 1."""
    operator = practice.operator({"gate identity": [abort("enough")], "decide identity.github": [abort("enough")]})
    run = await practice.walk(operator)
    last = run.last("identity.github")
    assert last is not None
    return last


async def test_a_classic_token_with_its_scope_is_proven_by_reading(practice: Practice) -> None:
    said = await github(practice)
    assert said.verdict is Verdict.PASS
    assert "classic token, scopes read:packages, repo" in said.observed
    assert "package versions of practice-clinic/clinic read" in said.observed


@pytest.mark.parametrize(
    ("scopes", "words"),
    [(("repo", "gist"), "scopes repo, gist"), ((), "scopes none"), (("delete:packages",), "delete")],
)
async def test_a_classic_token_without_its_scope_fails(practice: Practice, scopes: tuple[str, ...], words: str) -> None:
    practice.world.code.scopes = scopes
    said = await github(practice)
    assert said.verdict is Verdict.FAIL
    assert words in said.observed
    assert "WITHOUT read:packages" in said.observed
    assert "classic token with read:packages" in said.fix


@pytest.mark.parametrize("scopes", [("write:packages",), ("read:packages",)])
async def test_either_scope_will_do(practice: Practice, scopes: tuple[str, ...]) -> None:
    practice.world.code.scopes = scopes
    assert (await github(practice)).verdict is Verdict.PASS


@pytest.mark.parametrize("kind", ["fine-grained", "classic"])
async def test_a_token_to_which_the_packages_do_not_show_fails_whatever_it_is(practice: Practice, kind: str) -> None:
    practice.world.code.kind, practice.world.code.reads_packages = kind, False
    if kind == "fine-grained":
        practice.world.code.scopes = ()
    said = await github(practice)
    assert said.verdict is Verdict.FAIL
    assert "package NOT readable: practice-clinic/clinic" in said.observed
    assert "classic token with read:packages" in said.fix


async def test_a_token_that_lists_no_scopes_passes_only_because_it_has_read(practice: Practice) -> None:
    practice.world.code.kind, practice.world.code.scopes = "fine-grained", ()
    said = await github(practice)
    assert said.verdict is Verdict.PASS
    assert "fine-grained token, which lists no scopes" in said.observed
    assert "package versions of practice-clinic/clinic read" in said.observed


async def test_the_package_of_every_image_is_read(tmp_path: Path) -> None:
    practice = Practice(tmp_path, services=3, packages=3)
    practice.world.images.images = [each for each in practice.world.images.images if each.package != "clinic-03"]
    said = await github(practice)
    assert said.verdict is Verdict.FAIL
    assert "package NOT readable: practice-clinic/clinic-03 (" in said.observed
