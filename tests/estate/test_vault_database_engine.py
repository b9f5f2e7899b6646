"""The vault's database engine, a real OpenBao 2.6.2 with real PostgreSQL: accounts it rotates, and its re-pointing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from runbook.engine.errors import Refused
from runbook.engine.ports import Permit, Secret
from runbook.training.servers.openbao import BaoError
from runbook.training.servers.postgres import ADMIN, Cluster, find_binaries, own
from tests.estate.vault_lab import Node, said

pytestmark = pytest.mark.estate

_RULES = """
path "database/config/*" { capabilities = ["read", "create", "update"] }
path "database/static-roles" { capabilities = ["list"] }
path "database/static-roles/*" { capabilities = ["read"] }
path "nosuch/*" { capabilities = ["read", "list"] }
path "empty/*" { capabilities = ["read", "list"] }
"""
_LISTS_ONLY = """
path "database/static-roles" { capabilities = ["list"] }
"""
_MAKE_ROLE = """CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'"""


@dataclass(frozen=True)
class Engine:
    """A vault whose connection `app` leads to `old`; `new` has the same administrator, as a restored copy has."""

    node: Node
    token: str
    old: Cluster
    new: Cluster

    def sign_in(self, policy: str) -> None:
        """Past AppRole, which is tested elsewhere."""
        made = self.node.bao.call("POST", "auth/token/create", {"policies": [policy]}, token=self.token)
        self.node.vault._token = Secret(made["auth"]["client_token"])

    async def repoint(self, url: str, connection: str = "app") -> None:
        await self.node.vault.repoint(self.node.permit("Repoint"), "database", connection, url)


def address(cluster: Cluster, account: str = "{{username}}:{{password}}") -> str:
    return f"postgresql://{account}@127.0.0.1:{cluster.port}/{ADMIN}?sslmode=disable"


@pytest.fixture(scope="module")
def clusters() -> Iterator[tuple[Cluster, Cluster]]:
    folder = Path(tempfile.mkdtemp(prefix="runbook-postgres-"))  # PostgreSQL's own user has to reach it
    folder.chmod(0o755)
    binaries = find_binaries(folder)
    data = own(folder / "data", binaries.user)
    old = Cluster("old", binaries, data / "old", folder / "old.log")
    new = Cluster("new", binaries, data / "new", folder / "new.log", password=old.password)
    try:
        for cluster in (old, new):
            cluster.create()
            cluster.configure()
            cluster.start()
        yield old, new
    finally:
        old.stop()
        new.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def engine(lab, clusters) -> Engine:
    node = lab.node("engine")
    engine = Engine(node, node.initialised().token, *clusters)
    _mount(engine)
    return engine


def _mount(engine: Engine) -> None:
    def write(path: str, **body: object) -> None:
        engine.node.bao.call("POST", path, body, token=engine.token)

    with engine.old.connect() as connection:
        connection.execute("CREATE ROLE app_static LOGIN")
    account = {"username": ADMIN, "password": engine.old.password}
    plugin = {"plugin_name": "postgresql-database-plugin", "allowed_roles": "*"}
    for mount in ("database", "empty"):
        write(f"sys/mounts/{mount}", type="database")
    for name, rules in (("engine", _RULES), ("lists-only", _LISTS_ONLY)):
        write(f"sys/policies/acl/{name}", policy=rules)
    write("database/config/app", **plugin, **account, connection_url=address(engine.old))
    write("database/config/literal", **plugin, connection_url=address(engine.old, f"{ADMIN}:{engine.old.password}"))
    write("database/static-roles/static", db_name="app", username="app_static", rotation_period="24h")
    write("database/roles/app", db_name="app", creation_statements=_MAKE_ROLE)


async def test_the_accounts_that_it_rotates_are_told_with_their_last_rotation(engine):
    engine.sign_in("engine")
    roles = await engine.node.vault.static_roles("database")
    assert roles is not None
    ((name, rotated),) = [(role.name, role.rotated) for role in roles]
    assert name == "static"
    assert rotated is not None
    assert abs(rotated - datetime.now(UTC)) < timedelta(minutes=5)  # it rotates at once when the role is made
    assert await engine.node.vault.static_roles("empty") == ()
    engine.sign_in("lists-only")  # the names, and not when: that is not an answer
    assert await engine.node.vault.static_roles("database") is None
    engine.sign_in("default")
    assert await engine.node.vault.static_roles("database") is None


async def test_no_database_engine_at_that_mount(engine):
    engine.sign_in("engine")
    for call in (engine.node.vault.static_roles("nosuch"), engine.node.vault.database_url("nosuch", "app")):
        read = await said(call)
        assert read.verdict == "fail"
        assert "nothing is mounted at that path" in read.sentence


async def test_the_connection_is_told_without_its_password(engine):
    engine.sign_in("engine")
    assert await engine.node.vault.database_url("database", "app") == address(engine.old)
    assert await engine.node.vault.database_url("database", "none") is None
    assert await engine.node.vault.database_url("database", "literal") == address(engine.old, f"{ADMIN}:*****")


async def test_repointed_it_keeps_its_user_name_and_password_and_makes_accounts_over_there(engine):
    engine.sign_in("engine")
    await engine.repoint(address(engine.new))
    assert await engine.node.vault.database_url("database", "app") == address(engine.new)
    made = engine.node.bao.call("GET", "database/creds/app", token=engine.token)["data"]["username"]
    assert _has(engine.new, made)
    assert not _has(engine.old, made)
    kept = engine.node.bao.call("GET", "database/config/app", token=engine.token)["data"]
    assert kept["connection_details"]["username"] == ADMIN
    assert kept["allowed_roles"] == ["*"]
    await engine.repoint(address(engine.old))


def _has(cluster: Cluster, role: str) -> bool:
    with cluster.connect() as connection:
        return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None


async def test_a_database_that_cannot_be_reached_or_knows_another_password_is_not_taken(engine):
    engine.sign_in("engine")
    nobody = address(engine.old).replace(str(engine.old.port), "1")
    with engine.new.connect() as connection:
        connection.execute(f"ALTER ROLE {ADMIN} PASSWORD 'of-another-day'")
    try:
        for url, words in ((nobody, "connection refused"), (address(engine.new), "password authentication failed")):
            read = await said(engine.repoint(url))
            assert read.verdict == "fail"
            assert "could not connect to the database at that address, and kept the old one" in read.sentence
            assert "still has the account and password that the vault keeps" in read.fix
            assert words in read.words
            assert engine.old.password not in read.words
    finally:
        with psycopg.connect(
            host="127.0.0.1", port=engine.new.port, user=ADMIN, password="of-another-day", dbname=ADMIN
        ) as connection:
            connection.execute(f"ALTER ROLE {ADMIN} PASSWORD '{engine.new.password}'")
    assert await engine.node.vault.database_url("database", "app") == address(engine.old)


async def test_what_is_not_a_connection_or_hides_a_password_is_not_repointed(engine):
    engine.sign_in("engine")
    read = await said(engine.repoint(address(engine.old), connection="none"))
    assert read.verdict == "fail"
    assert "no such connection" in read.sentence
    with pytest.raises(BaoError, match="404"):  # and none was made
        engine.node.bao.call("GET", "database/config/none", token=engine.token)
    hidden = await engine.node.vault.database_url("database", "literal")
    read = await said(engine.repoint(hidden or "", connection="literal"))
    assert read.verdict == "fail"
    assert "keeps its password inside its address" in read.sentence
    assert "Write the connection by hand" in read.fix


async def test_a_sign_in_that_may_not_repoint_and_a_permit_for_something_else(engine):
    engine.sign_in("lists-only")
    read = await said(engine.repoint(address(engine.new)))
    assert read.verdict == "no verdict"
    assert "POST /v1/database/config/app: this sign-in may not do that" in read.sentence
    with pytest.raises(Refused):
        await engine.node.vault.repoint(
            Permit("run", "step", "vault:Login", engine.node.bao.address), "database", "app", address(engine.new)
        )
