"""Who may know whom, and what starting up may load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter import cli

import runbook
from tests.house.source import ROOT, modules

HEAVY = ("textual", "rich", "boto3", "botocore", "hvac", "psycopg", "httpx", "requests", "dns", "pydantic", "jinja2")


def test_the_import_contracts_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    status = cli.lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True)
    assert status == cli.EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_the_engine_rests_on_the_standard_library_alone() -> None:
    strangers = {
        f"{module.name} imports {name}"
        for module in modules("runbook/engine")
        for name in module.imports()
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith("runbook.engine")
    }
    assert strangers == set()


def test_the_engine_touches_no_file_no_network_and_no_clock() -> None:
    outside = {"socket", "subprocess", "urllib", "http", "time", "os", "shutil", "tempfile", "random", "secrets"}
    assert {
        f"{module.name} imports {name}"
        for module in modules("runbook/engine")
        for name in module.imports()
        if name.partition(".")[0] in outside
    } == set()


@pytest.mark.parametrize(
    "words", [["-c", "import runbook"], ["-m", "runbook", "--version"], ["-m", "runbook", "--help"]]
)
def test_starting_up_loads_neither_textual_nor_a_provider_library(words: list[str], tmp_path: Path) -> None:
    loaded = _loaded_by(words, tmp_path)
    assert "runbook" in loaded
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize("module", ["steps", "runbook.plain", "runbook.commands.fronts", "runbook.training.client"])
def test_a_run_without_screens_loads_no_textual_and_no_provider_library_before_it_asks(
    module: str, tmp_path: Path
) -> None:
    loaded = _loaded_by(["-c", f"import {module}"], tmp_path)
    assert [name for name in ("textual", "boto3", "botocore", "hvac", "psycopg", "dns", "moto") if name in loaded] == []


BEFORE_THE_FIRST_FRAME = """
import functools, json, os, sys
from pathlib import Path
from textual.app import App
from runbook import cli
from runbook.commands import app, home

def asked(self):
    Path(sys.argv[1]).write_text(json.dumps(sorted(sys.modules)))
    os._exit(0)

App.run = functools.partialmethod(App.run, headless=True, size=(80, 24))
home.on_terminal = lambda: True
app.Later.home = asked  # the first thing that is asked once the first frame stands
cli.main(["--home", sys.argv[2]])
"""


def test_home_loads_no_provider_library_and_no_configuration_before_its_first_frame(tmp_path: Path) -> None:
    told = tmp_path / "modules.json"
    command = [sys.executable, "-c", BEFORE_THE_FIRST_FRAME, str(told), str(tmp_path)]
    subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}, timeout=60, check=False)
    loaded = set(json.loads(told.read_text(encoding="utf-8")))
    assert {"screens.home.screen", "runbook.views"} <= loaded
    later = (
        "runbook.config",
        "runbook.records.history",
        "runbook.training",
        "steps",
        "screens.rooms",
        "screens.run.screen",
    )
    strangers = ("keyring", "cryptography", "filelock", "tenacity", "tomllib", "plotext")
    assert [name for name in (*HEAVY, *strangers, *later) if name in loaded and name not in {"textual", "rich"}] == []


def _loaded_by(words: list[str], folder: Path) -> set[str]:
    """Top-level names in sys.modules when that Python process ends, told by a hook of its own."""
    told = folder / "modules.json"
    hook = "import atexit,json,sys\natexit.register(lambda: open({!r},'w').write(json.dumps(sorted(sys.modules))))\n"
    (folder / "usercustomize.py").write_text("", encoding="utf-8")
    (folder / "sitecustomize.py").write_text(hook.format(str(told)), encoding="utf-8")
    environment = {"PYTHONPATH": f"{folder}:{ROOT}", "PATH": "", "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, *words], env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(told.read_text(encoding="utf-8"))}


def test_the_version_is_a_literal() -> None:
    source = (ROOT / "runbook" / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{runbook.__version__}"' in source
