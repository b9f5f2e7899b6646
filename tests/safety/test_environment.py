"""Variables of the environment: shown, never obeyed; what leads other tools astray keeps a real run from starting."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runbook.safety.environment import harden, refusals, set_variables

REAL = ("drill", "rehearsal", "recovery")
OF_THE_SPECIFICATION = (
    *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("PGSSLMODE", "VAULT_ADDR", "VAULT_TOKEN", "VAULT_SKIP_VERIFY", "BAO_ADDR", "BAO_TOKEN", "CLOUDFLARE_EMAIL"),
)


# -- shown --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [*OF_THE_SPECIFICATION, "SSL_CERT_FILE", "PGHOSTADDR", "PGSERVICE", "PGSSLROOTCERT"])
def test_a_variable_that_redirects_is_shown_when_set(name: str):
    assert set_variables({name: "x", "PATH": "/usr/bin"}) == (name,)


def test_what_is_shown_is_sorted_and_says_names_only():
    environ = {
        "VAULT_TOKEN": "hvs.sentinel",
        "AWS_CA_BUNDLE": "/etc/ca",
        "LANG": "C",
        "HTTPS_PROXY": "http://user:pw@p",
    }
    assert set_variables(environ) == ("AWS_CA_BUNDLE", "HTTPS_PROXY", "VAULT_TOKEN")


@pytest.mark.parametrize("name", ["PATH", "HOME", "TERM", "AWS_PROFILE", "AWS_REGION", "AWS_ACCESS_KEY_ID", "PGDATA"])
def test_what_leads_nowhere_is_not_shown(name: str):
    assert set_variables({name: "x"}) == ()


def test_the_process_own_environment_is_what_is_looked_at(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_RDS", "https://elsewhere.test")
    assert "AWS_ENDPOINT_URL_RDS" in set_variables()
    assert [refusal.split()[0] for refusal in refusals("drill") if "RDS" in refusal] == ["AWS_ENDPOINT_URL_RDS"]
    monkeypatch.delenv("AWS_ENDPOINT_URL_RDS")
    assert "AWS_ENDPOINT_URL_RDS" not in set_variables()


# -- refused ------------------------------------------------------------------------------------------------------
REFUSED = (
    ("AWS_ENDPOINT_URL", "https://elsewhere.test"),
    ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:5000"),
    ("CLOUDFLARE_BASE_URL", "https://elsewhere.test"),
    ("VAULT_ADDR", "http://vault.internal:8200"),
    ("VAULT_ADDR", "HTTP://vault.internal:8200"),
    ("VAULT_ADDR", " http://127.0.0.1:8200"),
    ("BAO_ADDR", "http://127.0.0.1:8200"),
    ("VAULT_AGENT_ADDR", "http://127.0.0.1:8200"),
    ("VAULT_SKIP_VERIFY", "1"),
    ("BAO_SKIP_VERIFY", "true"),
    ("PGSSLMODE", "disable"),
    ("PGSSLMODE", "prefer"),
    ("PGSSLMODE", "require"),
    ("PGSSLMODE", "verify-ca"),
)


@pytest.mark.parametrize("mode", REAL)
@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_leads_other_tools_past_the_provider_or_past_tls_is_refused(name: str, value: str, mode: str):
    (refusal,) = refusals(mode, {name: value, "PATH": "/usr/bin"})
    assert refusal.startswith(f"{name} ")
    assert "this tool ignores it" in refusal
    assert value.strip() not in refusal.removeprefix(name)


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_in_training_nothing_is_refused(name: str, value: str):
    assert refusals("training", {name: value}) == ()


@pytest.mark.parametrize("mode", REAL)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_ENDPOINT_URL", ""),
        ("VAULT_ADDR", "https://vault.internal:8200"),
        ("VAULT_ADDR", ""),
        ("VAULT_SKIP_VERIFY", "false"),
        ("VAULT_SKIP_VERIFY", "0"),
        ("PGSSLMODE", "verify-full"),
        ("PGSSLMODE", ""),
        ("HTTPS_PROXY", "http://proxy.internal:3128"),
        ("AWS_CA_BUNDLE", "/etc/ssl/company.pem"),
        ("REQUESTS_CA_BUNDLE", "/etc/ssl/company.pem"),
        ("CLOUDFLARE_EMAIL", "ops@clinic.test"),
    ],
)
def test_what_our_clients_only_ignore_is_shown_and_not_refused(name: str, value: str, mode: str):
    assert set_variables({name: value}) == (name,)
    assert refusals(mode, {name: value}) == ()


def test_every_refusal_is_told_at_once_in_order():
    environ = {"VAULT_ADDR": "http://x", "AWS_ENDPOINT_URL": "x", "PGSSLMODE": "allow"}
    assert [each.split()[0] for each in refusals("recovery", environ)] == sorted(environ)


def test_whatever_is_refused_is_also_shown():
    environ = dict(REFUSED)
    assert set(set_variables(environ)) == set(environ)


# -- what a process leaves behind ---------------------------------------------------------------------------------
def test_the_size_of_a_core_is_limited_to_nothing_and_cannot_be_raised_again(monkeypatch: pytest.MonkeyPatch):
    limited: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda *limit: limited.append(limit))
    harden()
    assert limited == [(resource.RLIMIT_CORE, (0, 0))]


HARDENED = """
import os, resource, ssl, subprocess, sys
from runbook.safety.environment import harden
print(harden(), resource.getrlimit(resource.RLIMIT_CORE))
print(ssl.create_default_context().keylog_filename, "SSLKEYLOGFILE" in os.environ)
child = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
print(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout.strip())
print(harden())
"""


def test_no_core_is_dumped_and_no_session_key_is_written_by_the_process_or_its_children(tmp_path: Path):
    keys = tmp_path / "keys.log"
    done = subprocess.run(
        [sys.executable, "-c", HARDENED],
        env={**os.environ, "SSLKEYLOGFILE": str(keys)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == ["('SSLKEYLOGFILE',) (0, 0)", "None False", "(0, 0)", "()"], done.stderr
    assert not keys.exists()


CRASHING = """
import os, resource
most = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
from runbook.safety.environment import harden
harden()
os.abort()
"""


def test_a_process_that_crashes_dumps_no_core(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", CRASHING], cwd=tmp_path) as process:
        _, status = os.waitpid(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == -signal.SIGABRT
    assert not os.WCOREDUMP(status)
    assert not list(tmp_path.iterdir())
