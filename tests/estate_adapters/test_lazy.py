from __future__ import annotations

import subprocess
import sys

ADAPTERS = ("northflank", "github", "registry", "cloudflare", "dns", "web", "memory", "vault_snapshot.proof")


def test_no_adapter_loads_a_provider_library_before_its_first_call():
    imports = ", ".join(f"runbook.estate.{name}" for name in ADAPTERS)
    libraries = "{'httpx', 'tenacity', 'dns', 'certifi', 'hvac', 'boto3', 'psycopg', 'cryptography'}"
    script = f"import sys, {imports}; print(sorted({libraries} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "[]"
