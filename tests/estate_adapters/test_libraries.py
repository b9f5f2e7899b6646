"""What an adapter would load at its first call stands before a run's clock starts."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import runbook.estate

ESTATE = Path(runbook.estate.__file__).parent
CLIENTS_MADE = """
import json, sys
from botocore.loaders import JSONFileLoader
from runbook.config import Aws
from runbook.estate import libraries
from runbook.estate.aws.client import ATTEMPTS
from runbook.estate.aws.isolation import working_session
from runbook.safety import bounds
from runbook.safety.interlock import Interlock

libraries.load()
settings = Aws(account_id="111122223333", identity_patterns=("*",), region="eu-west-2")
loaded, read, load_file = set(sys.modules), [], JSONFileLoader.load_file
JSONFileLoader.load_file = lambda self, path: read.append(path) or load_file(self, path)
for _ in range(2):
    session = working_session(settings, Interlock(bounds.practice()))
    session.set_credentials("none", "none")
    for service in ATTEMPTS:
        session.create_client(service)
print(json.dumps([sorted(set(sys.modules) - loaded), read]))
"""


def test_whatever_an_adapter_imports_where_it_calls_is_loaded() -> None:
    script = (
        "import json, sys; from runbook.estate import libraries; libraries.load(); print(json.dumps([*sys.modules]))"
    )
    late = {name for path in ESTATE.rglob("*.py") for name in _imported_by_functions(path)}
    assert {"psycopg", "botocore.session", "dns.resolver", "sigstore.verify", "runbook.estate.http_wire"} <= late
    assert late - set(_said(script)) == set()


def test_aws_clients_read_and_import_nothing_more_in_any_session() -> None:
    assert _said(CLIENTS_MADE) == [[], []]


def test_a_description_of_a_service_that_lies_in_the_home_folder_changes_nothing(tmp_path: Path) -> None:
    planted = tmp_path / ".aws" / "models" / "sts" / "2011-06-15"
    planted.mkdir(parents=True)
    (planted / "service-2.json").write_text("{}", encoding="utf-8")
    assert _said(CLIENTS_MADE, home=tmp_path) == [[], []]


@pytest.mark.parametrize("collecting", ["enable", "disable"])
def test_the_collector_passes_over_what_was_loaded_and_goes_on_as_before(collecting: str) -> None:
    script = f"""
import gc, json
from runbook.estate import libraries
gc.{collecting}()
libraries.load()
kept = gc.get_freeze_count()
libraries.load()
print(json.dumps([gc.isenabled(), kept > len(gc.get_objects()), gc.get_freeze_count() == kept]))
"""
    assert _said(script) == [collecting == "enable", True, True]


def test_without_the_extra_the_rest_is_loaded() -> None:
    script = """
import json, sys
sys.modules.update({"cramjam": None, "sigstore": None})
from runbook.estate import libraries
libraries.load()
print(json.dumps([name for name in ("psycopg", "sigstore.verify") if sys.modules.get(name)]))
"""
    assert _said(script) == ["psycopg"]


def _imported_by_functions(path: Path) -> Iterator[str]:
    """Modules that are not the standard library's."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module == "runbook.estate":
                    names = [f"runbook.estate.{each.name}" for each in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names = [node.module]
                yield from (name for name in names if name.partition(".")[0] not in sys.stdlib_module_names)


def _said(script: str, home: Path | None = None) -> list[object]:
    """In a process of its own: this one has loaded everything long ago."""
    environment = {"PYTHONPATH": str(ESTATE.parents[1]), "HOME": str(home or "/nonexistent")}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: list[object] = json.loads(done.stdout)
    return found
