"""What is installed is what was locked, what was locked is what was asked for, and its licences fit ours."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from runbook import __version__
from tests.house.papers import ROOT, paper

LOCK, ORACLES = LOCKS = ("requirements.lock", "requirements-oracles.lock")

WEAK_COPYLEFT = {
    "certifi": "MPL",
    "hypothesis": "MPL",
    "pathspec": "MPL",
    "psycopg": "LGPL",
    "psycopg-binary": "LGPL",
}
"""Used unmodified, as separate packages; CONTRIBUTING.md lists them too."""

PERMISSIVE = re.compile(
    r"\b(MIT|MIT-0|BSD|Apache|ISC|PSF|Python Software Foundation|0BSD|Unlicense|Zlib)\b", re.IGNORECASE
)
COPYLEFT = re.compile(r"\b(A?GPL|GNU (Affero )?General Public|LGPL|Lesser|MPL|Mozilla|EUPL|SSPL|BUSL)\b", re.IGNORECASE)

COMES_WITH = {
    "botocore": "boto3",
    "certifi": "httpx",
    "mypy-boto3-kms": "boto3-stubs",
    "mypy-boto3-rds": "boto3-stubs",
    "mypy-boto3-s3": "boto3-stubs",
    "mypy-boto3-sts": "boto3-stubs",
    "requests": "hvac",
    "rich": "textual",
    "urllib3": "boto3",
    "werkzeug": "flask",
}
"""Imported although not asked for by name: part of the other's own interface."""


# -- the lock -----------------------------------------------------------------------------------------------------
def test_every_requirement_is_pinned_and_hashed():
    for requirement, hashes in _locked().values():
        assert [each.operator for each in requirement.specifier] == ["=="], requirement
        assert hashes, requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_names_no_host_and_no_path(lock: str):
    text = paper(lock)
    assert "://" not in text
    assert not re.search(r"(^|[\s'\"=])/[a-z]", text)
    options = [line for line in text.splitlines() if line.startswith("-")]
    assert options == []


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_was_made_by_the_command_in_contributing(lock: str):
    head = paper(lock).splitlines()[1].removeprefix("#").strip()
    assert head in paper("CONTRIBUTING.md")


def test_the_lock_holds_what_the_project_asks_for():
    project = _project()
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["train"], *extras["provenance"], *extras["dev"]]
    _holds(_locked(), wanted, project["name"])


def test_the_oracles_are_locked_beside_it_at_the_same_versions():
    project, oracles = _project(), _locked(ORACLES)
    _holds(oracles, [*project["dependencies"], *project["optional-dependencies"]["oracles"]], project["name"])
    assert all(hashes for _, hashes in oracles.values())
    both = {name for name in oracles if name in _locked()}
    assert {name: str(oracles[name][0].specifier) for name in both} == {
        name: str(_locked()[name][0].specifier) for name in both
    }


def _holds(locked: Mapping[str, tuple[Requirement, list[str]]], wanted: list[str], ours: str) -> None:
    for asked in map(Requirement, wanted):
        if asked.name == ours:
            continue
        requirement, _ = locked[canonicalize_name(asked.name)]
        (pin,) = requirement.specifier
        assert asked.specifier.contains(pin.version, prereleases=True), f"{asked} is locked as {pin}"


def test_the_build_backend_is_locked_too():
    document = tomllib.loads(paper("pyproject.toml"))
    for asked in map(Requirement, document["build-system"]["requires"]):
        assert canonicalize_name(asked.name) in _locked()
    assert "editables" in _locked()


def test_what_is_installed_is_what_was_locked():
    differing = {}
    for name, (requirement, _) in _here().items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # test_what_is_imported_is_asked_for and the tests themselves would miss it
        if not requirement.specifier.contains(installed, prereleases=True):
            differing[name] = f"{installed} is installed, {requirement.specifier} is locked"
    assert differing == {}


# -- licences -----------------------------------------------------------------------------------------------------
def test_every_licence_is_known_and_fits():
    for name in _installed():
        said = _licence(name)
        if name in WEAK_COPYLEFT:
            assert WEAK_COPYLEFT[name] in said, f"{name}: {said}"
        else:
            assert PERMISSIVE.search(said), f"{name} states no permissive licence: {said!r}"
            assert not COPYLEFT.search(said), f"{name}: {said}"


def test_contributing_lists_what_is_not_permissive():
    listed = re.findall(r"^\| ([^|]+) \| (?:LGPL|MPL)-[^|]*\|", paper("CONTRIBUTING.md"), re.MULTILINE)
    assert {name for names in listed for name in names.split(", ")} == set(WEAK_COPYLEFT)


def test_the_project_states_its_own_licence():
    assert _project()["license"] == "Apache-2.0"
    assert metadata.metadata("restoration-runbook")["License-Expression"] == "Apache-2.0"


# -- imports and the wheel ----------------------------------------------------------------------------------------
def test_what_is_imported_is_asked_for():
    project = _project()
    extras = project["optional-dependencies"]
    asked = {
        canonicalize_name(Requirement(each).name)
        for each in [*project["dependencies"], *(one for extra in ("train", "provenance") for one in extras[extra])]
    }
    dev = asked | {canonicalize_name(Requirement(each).name) for each in extras["dev"]}
    unasked = {name for name in _imported() if name not in asked and COMES_WITH.get(name) not in dev}
    assert unasked == set()


def test_the_wheel_carries_what_runs_and_nothing_else(tmp_path: Path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob(f"restoration_runbook-{__version__}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert {name.split("/")[0] for name in held if ".dist-info" not in name} == {"runbook", "screens", "steps"}
    assert any(name.endswith("/licenses/LICENSE") for name in held)
    for data in _data_files():
        assert data in held


# -- reading them -------------------------------------------------------------------------------------------------
def _project() -> Mapping[str, Any]:
    project: Mapping[str, Any] = tomllib.loads(paper("pyproject.toml"))["project"]
    return project


@functools.cache
def _locked(lock: str = LOCK) -> dict[str, tuple[Requirement, list[str]]]:
    """By name: the pin with its marker, and its hashes."""
    text = re.sub(r"^\s*#.*$", "", paper(lock), flags=re.MULTILINE).replace("\\\n", " ")
    found = {}
    for line in filter(str.strip, text.splitlines()):
        bare, *hashes = line.split("--hash=")
        requirement = Requirement(bare.strip())
        found[str(canonicalize_name(requirement.name))] = (requirement, [each.strip() for each in hashes])
    return found


def _here() -> dict[str, tuple[Requirement, list[str]]]:
    """The part of the lock that this platform and Python install."""
    return {
        name: (requirement, hashes)
        for name, (requirement, hashes) in _locked().items()
        if requirement.marker is None or requirement.marker.evaluate()
    }


def _installed() -> Iterator[str]:
    for name in _here():
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        yield name


def _licence(name: str) -> str:
    """What the package says of its own licence, from all places where packages say it."""
    said = metadata.metadata(name)
    expression, texts = said.get_all("License-Expression") or [], said.get_all("License") or []
    classifiers = [each for each in said.get_all("Classifier") or [] if each.startswith("License ::")]
    stated = [*expression, *classifiers, *(text.strip().partition("\n")[0] for text in texts)]
    return "; ".join(stated) or _first_lines(name)


def _first_lines(name: str) -> str:
    """Of the licence texts that the package carries, where its metadata does not name them."""
    files = [file for file in metadata.files(name) or [] if "licenses" in file.parts]
    return "; ".join(file.read_text().strip().partition("\n")[0] for file in files)


def _imported() -> set[str]:
    """The distributions that the product imports, wherever in a file it does."""
    known = metadata.packages_distributions()
    found = set()
    for room in ("runbook", "screens", "steps"):
        for file in (ROOT / room).rglob("*.py"):
            found |= {name for name in _modules(file) if name not in sys.stdlib_module_names}
    ours = {"runbook", "screens", "steps", "_typeshed"}
    return {str(canonicalize_name(known[name][0])) if name in known else name for name in found - ours}


def _modules(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def _data_files() -> list[str]:
    """What is read beside the code: the scenarios, their format, the styles, the marker of a typed package."""
    found = [
        path.relative_to(ROOT).as_posix()
        for room in ("runbook", "screens", "steps")
        for pattern in ("*.toml", "*.md", "*.tcss", "py.typed")
        for path in (ROOT / room).rglob(pattern)
    ]
    assert "runbook/training/scenarios/calm.toml" in found
    assert "runbook/py.typed" in found
    return found
