"""`runbook manifest` as a backup job calls it, against a real server behind TLS."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook import cli
from runbook.commands import manifest
from runbook.commands.exits import ExitCode
from runbook.manifest import moment_of, parse
from tests.estate.postgres_tls import HOST, PASSWORD, Server, served
from tests.support.waiting import eventually

Said = pytest.CaptureFixture[str]

TABLES = """
    create table patients (id int primary key, name text);
    insert into patients select i, 'patient ' || i from generate_series(1, 500) i;
    create table letters (id int primary key, body json);
    insert into letters values (1, '{}');
    create table hidden (id int);
    alter table hidden enable row level security;
    create role reader login bypassrls password 'reader''s pass';
    grant pg_read_all_data to reader;
    create role blind login password 'reader''s pass';
    grant pg_read_all_data to blind;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served(TABLES) as server:
        yield server


def words(server: Server, *more: str, user: str = "reader", database: str = "postgres") -> list[str]:
    return [
        *("manifest", "--host", HOST, "--hostaddr", "127.0.0.1", "--port", str(server.port), "--user", user),
        *("--database", database, "--ca-file", str(server.authority.ca_file), "--password-stdin", *more),
    ]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))


# -- what is wrong before anything is asked -----------------------------------------------------------------------
WHERE = ["manifest", "--host", HOST, "--database", "clinic", "--user", "reader"]


@pytest.mark.parametrize("buckets", ["0", "3", "8192", "many"])
def test_buckets_are_a_power_of_two(buckets: str, capsys: Said) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*WHERE, "--buckets", buckets])
    assert ended.value.code == ExitCode.WRONG_USE
    assert "--buckets" in capsys.readouterr().err


def test_without_a_terminal_the_password_must_come_in(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("never read"))
    assert cli.main(WHERE) == ExitCode.WRONG_USE
    assert "--password-stdin" in capsys.readouterr().err


def test_an_empty_password_is_wrong_usage(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert cli.main([*WHERE, "--password-stdin"]) == ExitCode.WRONG_USE
    assert "the password is empty" in capsys.readouterr().err


@pytest.mark.usefixtures("typed")
def test_a_folder_that_is_not_there_is_told_before_anything_is_read(tmp_path: Path, capsys: Said) -> None:
    assert cli.main([*WHERE, "--password-stdin", "-o", str(tmp_path / "no" / "m.json")]) == ExitCode.WRONG_USE
    assert f"there is no folder {tmp_path / 'no'}" in capsys.readouterr().err


def test_the_help_says_when_by_whom_and_where_to(capsys: Said) -> None:
    with pytest.raises(SystemExit):
        cli.main(["manifest", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    told = ("just before and just after", "pg_read_all_data", "BYPASSRLS", "aws s3 cp", "hashes of patients' rows")
    assert [words for words in told if words not in said] == []


# -- against a server ---------------------------------------------------------------------------------------------
@pytest.mark.estate
@pytest.mark.usefixtures("typed")
def test_into_a_folder_it_is_called_by_its_moment_and_is_private(server, tmp_path, capsys):
    assert cli.main(words(server, "-o", str(tmp_path), "--buckets", "16")) == ExitCode.PASS
    (path,) = tmp_path.iterdir()
    made = parse(path.read_bytes(), path.name)
    assert moment_of(path.name) == made.made_at.replace(microsecond=0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {name: table.rows for name, table in made.tables.items()} == {
        "public.hidden": 0,
        "public.letters": 1,
        "public.patients": 500,
    }
    assert (made.database, made.buckets, made.catalogue.row_security["public.hidden"]) == (
        "postgres",
        16,
        "enabled, 0 policies",
    )
    said = capsys.readouterr()
    assert said.out == ""
    assert f"3 tables, 501 rows, as of {made.made_at:%H:%M:%S} UTC, in {path}" in said.err
    assert PASSWORD not in said.err + path.read_text(encoding="utf-8")


@pytest.mark.estate
@pytest.mark.usefixtures("typed")
def test_into_a_file_it_takes_the_place_of_what_was_there(server, tmp_path):
    path = tmp_path / "before.json"
    path.write_text("old", encoding="utf-8")
    assert cli.main(words(server, "-o", str(path))) == ExitCode.PASS
    assert parse(path.read_bytes(), path.name).buckets == 256
    assert [each.name for each in tmp_path.iterdir()] == ["before.json"]


@pytest.mark.estate
@pytest.mark.usefixtures("typed")
@pytest.mark.parametrize("into_a_folder", [True, False])
def test_what_a_check_of_the_copy_would_not_read_is_not_written(server, tmp_path, capsys, monkeypatch, into_a_folder):
    assert cli.main(words(server, "--buckets", "4096", "-o", str(tmp_path / "m.json"))) == ExitCode.PASS
    size = (tmp_path / "m.json").stat().st_size
    (tmp_path / "m.json").unlink()
    monkeypatch.setattr(manifest, "LIMIT", size - 1)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    where = ["-o", str(tmp_path)] if into_a_folder else []
    assert cli.main(words(server, "--buckets", "4096", *where)) == ExitCode.WRONG_USE
    said = capsys.readouterr()
    assert "the manifest would take 1 MiB" in said.err
    assert "nothing was written" in said.err
    assert "fewer --buckets than 4096" in said.err
    assert (said.out, list(tmp_path.iterdir())) == ("", [])


@pytest.mark.estate
def test_into_a_pipe_it_is_one_document_and_progress_stands_beside(server):
    done = _called(server)
    said = done.communicate(PASSWORD, timeout=60)
    assert done.returncode == ExitCode.PASS
    assert json.loads(said[0])["schema"] == 2
    assert re.search(r"^runbook: 100 % of 0 MiB, public\.\w+$", said[1], re.MULTILINE)


@pytest.mark.estate
def test_on_a_terminal_the_password_is_asked_for_and_not_shown(server, tmp_path):
    ours, theirs = os.openpty()
    argv = [word for word in words(server, "-o", str(tmp_path)) if word != "--password-stdin"]
    with os.fdopen(ours, "r+b", buffering=0) as terminal:
        done = subprocess.Popen(
            [sys.executable, "-m", "runbook", *argv], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        shown = terminal.read(4096)
        while b"Password of reader: " not in shown:
            shown += terminal.read(4096)
        terminal.write(PASSWORD.encode() + b"\n")
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while more := terminal.read(4096):
                shown += more
    assert done.wait(30) == ExitCode.PASS
    assert b"3 tables, 501 rows" in shown
    assert b"100 %" in shown
    assert PASSWORD.encode() not in shown
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.estate
@pytest.mark.usefixtures("typed")
@pytest.mark.parametrize(
    ("who", "ends"),
    [
        ({"user": "blind"}, (ExitCode.INCONCLUSIVE, "content of public.hidden: the reader may not see all rows")),
        ({"user": "nobody"}, (ExitCode.INCONCLUSIVE, "does not accept this user")),
        ({"database": "nosuch"}, (ExitCode.FAIL, "no database of that name")),
    ],
)
def test_what_cannot_be_stated_is_not_written(server, tmp_path, capsys, who, ends):
    code, says = ends
    assert cli.main(words(server, "-o", str(tmp_path), **who)) == code
    said = capsys.readouterr().err
    assert says in said
    assert "  fix: " in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.estate
@pytest.mark.usefixtures("typed")
def test_a_file_that_cannot_be_written_says_so(server, tmp_path, capsys):
    assert cli.main(words(server, "-o", str(tmp_path / ("m" * 250)))) == ExitCode.NOT_RECORDED
    assert "could not be written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.estate
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, ExitCode.TERMINATED),
        (signal.SIGHUP, ExitCode.HANGUP),
        (signal.SIGINT, ExitCode.INTERRUPTED),
    ],
)
def test_stopped_half_way_it_leaves_no_file_and_no_session(server, tmp_path, number, code):
    with server.admin() as admin, admin.transaction():
        admin.execute("lock table patients in access exclusive mode")
        done = _called(server, "-o", str(tmp_path))
        assert done.stdin is not None
        done.stdin.write(PASSWORD + "\n")
        done.stdin.flush()
        eventually(lambda: _waiting(server), bool)
        done.send_signal(number)
        said = done.communicate(timeout=60)
        eventually(server.of_ours, lambda sessions: sessions == 0)
    assert (done.returncode, said[0], list(tmp_path.iterdir())) == (code, "", [])
    assert said[1] == "\nrunbook: interrupted; nothing was written\n"


def _called(server: Server, *more: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    argv = [sys.executable, "-m", "runbook", *words(server, *more)]
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=dict(os.environ))


def _waiting(server: Server) -> bool:
    query = "select 1 from pg_stat_activity where application_name = 'runbook' and wait_event_type = 'Lock'"
    with server.admin() as admin:
        return admin.execute(query).fetchone() is not None
