"""The papers say what is so."""

from __future__ import annotations

import argparse
import os
import re
import subprocess

import pytest

from runbook import __version__, cli
from runbook.commands.exits import ExitCode
from steps import PROCEDURE
from tests.house.papers import PAPERS, ROOT, fences, paper, rows, section

README = paper("README.md")
INSTALL = (
    "python3 -m venv .venv && .venv/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock"
    " && .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e . && "
)


# -- the README's promises ----------------------------------------------------------------------------------------
def test_two_commands_a_line_each_do_all_the_set_up():
    assert fences(README) == [INSTALL + ".venv/bin/runbook train", INSTALL + ".venv/bin/python -m pytest"]


def test_the_command_table_lists_the_commands_that_exist():
    listed = [re.match(r"`runbook ?(\w*)", row[0]) for row in rows(section(README, "## Commands"))]
    assert {found.group(1) for found in listed if found} == {"", *_commands()}


def test_every_option_in_the_command_table_exists():
    text = section(README, "## Commands")
    known = {option for parser in (_parser(), *_commands().values()) for option in _options(parser)}
    assert set(re.findall(r"--[a-z][a-z-]+", text)) <= known


def test_every_option_that_exists_is_in_the_command_table():
    text = section(README, "## Commands")
    for parser in _commands().values():
        assert {option for option in _options(parser) if option.startswith("--")} <= {
            *re.findall(r"--[a-z][a-z-]+", text)
        }


def test_every_exit_status_is_explained():
    explained = {
        int(number)
        for row in rows(section(README, "## Commands"))
        for number in re.findall(r"^[\d, ]+$", row[0])
        for number in number.split(",")
    }
    assert explained == {int(code) for code in ExitCode}


def test_the_story_has_the_stages_in_their_order():
    told = [row[0] for row in rows(section(README, "## What training shows"))]
    assert told == [f"{stage.number} {stage.title}" for stage in PROCEDURE.stages]


# -- links, and what must not be in a paper -------------------------------------------------------------------------
@pytest.mark.parametrize("name", PAPERS)
def test_every_link_to_a_file_leads_to_one(name: str):
    here = (ROOT / name).parent
    for target in re.findall(r"\]\(([^)#]+)\)", paper(name)):
        assert target.startswith("https://") or (here / target).exists(), target


def test_every_path_in_the_map_of_the_house_exists():
    for room, *_ in rows(section(paper("CONTRIBUTING.md"), "## The map of the house")):
        assert (ROOT / room.strip("`")).exists(), room


def test_every_room_is_on_the_map_of_the_house():
    text = section(paper("CONTRIBUTING.md"), "## The map of the house")
    rooms = [path for path in (ROOT / "runbook").iterdir() if (path / "__init__.py").exists()]
    for room in rooms:
        assert f"`runbook/{room.name}/`" in text, room.name


@pytest.mark.parametrize("name", [*PAPERS, "requirements.lock", ".ci/run", ".github/workflows/ci.yml"])
def test_no_paper_names_a_machine_or_a_package_index(name: str):
    text = paper(name)
    assert not re.search(r"pypi\.|pythonhosted|index-url [^-]|find-links|/root/|/home/|/opt/|/Users/", text)


# -- changelog, licence, the scripts ------------------------------------------------------------------------------
def test_the_changelog_knows_this_version():
    assert re.search(rf"^##+ \[?{re.escape(__version__)}\b", paper("CHANGELOG.md"), re.MULTILINE)


def test_the_licence_is_apache_2_in_full():
    text = paper("LICENSE")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_ci_runs_as_a_script_and_reads():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)  # noqa: S607  # the shell of this machine


def test_ci_and_the_workflow_find_the_readmes_test_command():
    pattern = r"^python3 -m venv .* -m pytest$"
    assert re.findall(pattern, README, re.MULTILINE) == [INSTALL + ".venv/bin/python -m pytest"]
    assert f"grep -E '{pattern}' README.md" in paper(".ci/run")
    assert f"grep -E '{pattern}' README.md" in paper(".github/workflows/ci.yml")


def test_the_workflow_pins_what_others_wrote_and_may_only_read():
    text = paper(".github/workflows/ci.yml")
    for used in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used), used
    assert "permissions:\n  contents: read\n" in text
    assert "secrets." not in text


def test_the_compliance_folder_has_no_log_that_training_could_have_written():
    found = {str(path.relative_to(ROOT)) for path in (ROOT / "compliance").rglob("*") if path.is_file()}
    assert found == {"compliance/README.md"}
    assert "Nothing here comes from training" in paper("compliance/README.md")


# -- reading them -------------------------------------------------------------------------------------------------
def _parser() -> argparse.ArgumentParser:
    return cli._parser()


def _commands() -> dict[str, argparse.ArgumentParser]:
    (commands,) = [action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(commands.choices)


def _options(parser: argparse.ArgumentParser) -> set[str]:
    """Its own, and those of what stands below it (`log verify`)."""
    own = {option for action in parser._actions for option in action.option_strings}
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return own.union(*(_options(each) for action in below for each in action.choices.values()))
