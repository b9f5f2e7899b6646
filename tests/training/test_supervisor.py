"""The supervisor: what it writes, what it answers, and that it leaves nothing however it ends."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from runbook.config import Environment
from runbook.engine.errors import NoVerdict, WrongUse
from runbook.engine.ports import Secret
from runbook.estate.memory import MemoryEstate
from runbook.training import statefile, supervisor
from runbook.training.client import PracticeEstate
from runbook.training.faults import DATA_FAULTS, FaultKind
from runbook.training.layers import Layers
from runbook.training.reaper import reap
from runbook.training.statefile import EstateFile, Listed
from runbook.training.supervisor import Supervisor
from runbook.training.variant import Variant
from tests.support.clock import START
from tests.training.fakes import FakeData, FakeOuter
from tests.training.until import until

BROKEN = "the disk is full"


@dataclass
class Kept:
    """A supervisor in this process, on a clock that only moves when told."""

    folder: Path
    processes: int = 1
    fails: bool = False
    seconds: float = 0.0
    layers: list[Layers] = field(default_factory=list)
    thread: threading.Thread | None = None

    def begin(self) -> PracticeEstate:
        supervisor = Supervisor(self.folder, self.build, clock=lambda: self.seconds, idle_limit=1800)
        self.thread = threading.Thread(target=supervisor.run, daemon=True)
        self.thread.start()
        until(lambda: self.content().state in {"ready", "failed"})
        return PracticeEstate(self.folder, self.content().control)

    def build(self, root: Path, control: str) -> Layers:
        data = FakeData(root, processes=self.processes, fails=BROKEN if self.fails else "")
        self.layers.append(Layers(data, FakeOuter(), DATA_FAULTS, {"waf-off": FaultKind("off")}))
        return self.layers[0]

    def content(self) -> EstateFile:
        found = statefile.read(self.folder)
        return found or EstateFile(Listed("", 0, 0), "", ())

    @property
    def data(self) -> FakeData:
        data = self.layers[0].data
        assert isinstance(data, FakeData)
        return data

    def ended(self) -> bool:
        return self.thread is not None and not self.thread.is_alive()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.seconds = 1e9
    if made.thread is not None:
        made.thread.join(10)
    assert not (tmp_path / "estate.json").exists()


def gone(content: EstateFile) -> bool:
    """No process and no temporary folder of it is left."""
    living = [one.pid for one in content.processes if psutil.pid_exists(one.pid)]
    return not living and not any(Path(path).exists() for path in content.temporary)


def raw(kept: Kept, method: str, path: str, body: Any = None, host: str | None = None) -> tuple[int, Any]:
    address = kept.content().control.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        headers = {} if host is None else {"Host": host}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_the_file_lists_what_runs_and_where_and_no_secret(kept: Kept) -> None:
    kept.begin()
    content = kept.content()
    assert content.supervisor.pid == os.getpid()
    assert [one.name for one in content.processes] == ["fake 0"]
    assert content.processes[0].pid == kept.data.children()[0].pid
    assert all(Path(path).is_dir() for path in content.temporary)
    assert len(content.temporary) == 2
    written = (kept.folder / "estate.json").read_text()
    assert "share-" not in written
    assert "p@ss" not in written


def test_a_process_that_ends_leaves_the_file(kept: Kept) -> None:
    kept.begin()
    kept.data.children()[0].stop()
    until(lambda: kept.content().processes == ())


def test_stopping_leaves_nothing(kept: Kept) -> None:
    estate = kept.begin()
    content = kept.content()
    assert raw(kept, "POST", "/stop") == (200, {"stopped": True})
    until(kept.ended)
    assert gone(content)
    with pytest.raises(NoVerdict):
        estate.state()


def test_without_a_client_it_ends_after_half_an_hour(kept: Kept) -> None:
    estate = kept.begin()
    content = kept.content()
    kept.seconds = 1799
    estate.state()
    kept.seconds = 1799 + 1799
    estate.state()  # each call begins the half hour anew
    assert not kept.ended()
    kept.seconds += 1801
    until(kept.ended)
    assert gone(content)


def test_a_start_that_fails_says_why_and_leaves_nothing_running(kept: Kept) -> None:
    kept.fails = True
    kept.begin()
    content = kept.content()
    assert (content.state, content.message) == ("failed", f"RuntimeError: {BROKEN}")
    until(lambda: gone(kept.content()))
    assert raw(kept, "GET", "/environment")[0] == 409


def test_when_its_folder_is_deleted_it_ends(kept: Kept) -> None:
    kept.folder = kept.folder / "run"
    kept.folder.mkdir()
    kept.begin()
    content = kept.content()
    shutil.rmtree(kept.folder)
    kept.data.children()[0].stop()  # there is something to write
    until(kept.ended)
    assert gone(content)


def test_another_host_name_is_refused(kept: Kept) -> None:
    kept.begin()
    status, document = raw(kept, "GET", "/credentials/aws-access-key", host="evil.test:80")
    assert status == 403
    assert "value" not in document


def test_credentials_and_custodians_are_given_one_by_one(kept: Kept) -> None:
    estate = kept.begin()
    assert estate.credential("aws-access-key") == Secret("AKIA")
    labels, threshold = estate.custodians()
    assert (len(labels), threshold) == (5, 3)
    assert estate.share(labels[1]) == Secret("share-2")
    assert estate.share(labels[1], bad=True) == Secret("share-of-others")
    assert estate.share(labels[1], sheet="old") == Secret("old-share-2")
    with pytest.raises(WrongUse, match="no credential named other"):
        estate.credential("other")
    with pytest.raises(WrongUse, match="no custodian named nobody"):
        estate.share("nobody")


def test_faults_go_to_the_half_that_knows_them(kept: Kept) -> None:
    estate = kept.begin()
    assert {"empty-table", "waf-off"} <= set(estate.faults())
    assert estate.faults()["empty-table"]["parameters"] == {"table": "str"}
    estate.fault("empty-table", {"table": "public.patients"})
    estate.fault("waf-off")
    assert kept.data.broken == [("empty-table", {"table": "public.patients"})]
    with pytest.raises(WrongUse, match=r"unknown fault 'fire'; known: .*waf-off"):
        estate.fault("fire")


def test_hands_and_databases_reach_the_data_layers(kept: Kept) -> None:
    estate = kept.begin()
    estate.hands("wipe-vault")
    estate.hands("sso-login")
    assert raw(kept, "PUT", "/internal/databases/rt-1", {"snapshot": "rds:x"})[1]["port"] == 5432
    assert raw(kept, "DELETE", "/internal/databases/rt-1")[0] == 200
    assert raw(kept, "PUT", "/internal/databases/rt-1", {})[0] == 400
    assert kept.data.calls == ["wipe-vault", "sso-login", "start rt-1 rds:x", "remove rt-1", "start rt-1 "]
    with pytest.raises(WrongUse, match="known: wipe-vault, restart-vault, allow-kms, sso-login"):
        estate.hands("dance")


def test_copies_of_moments_and_their_passwords_reach_the_data_layers(kept: Kept) -> None:
    kept.begin()
    place = "/internal/databases/rt-1"
    assert raw(kept, "PUT", place, {"moment": "2026-11-25T03:00:00+00:00"})[1]["port"] == 5433
    assert raw(kept, "PUT", place, {"moment": "2026-11-25T03:00:00"})[0] == 400
    assert raw(kept, "PUT", place, {"moment": "yesterday"})[0] == 400
    assert raw(kept, "POST", f"{place}/password", {"user": "clinic_admin", "password": "12345678"})[0] == 200
    assert raw(kept, "POST", f"{place}/password", {"user": "nobody", "password": "12345678"})[0] == 400
    assert kept.data.calls == ["start rt-1 at 2026-11-25T03:00:00+00:00", "password rt-1 clinic_admin 8"]


def test_hands_make_the_vaults_key_usable_again(kept: Kept) -> None:
    kept.begin().hands("allow-kms")
    assert kept.data.calls == ["allow-kms"]


def test_what_is_heard_on_the_phone_is_a_share_or_the_devices_code(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    device = "arn:aws:iam::111122223333:mfa/cto"
    monkeypatch.setattr(PracticeEstate, "environment", lambda _: practice_environment(device))
    estate = kept.begin()
    labels, _ = estate.custodians()
    assert estate.read_out(labels[0]) == Secret("share-1")
    assert estate.read_out(device) == Secret("492039")
    with pytest.raises(WrongUse, match="no custodian named nobody"):
        estate.read_out("nobody")


def practice_environment(device: str) -> Environment:
    known = MemoryEstate(lambda: START).environment()
    sign_in = known.aws.sign_in.model_copy(update={"mfa_serial": device})
    return known.model_copy(update={"aws": known.aws.model_copy(update={"sign_in": sign_in})})


@pytest.mark.parametrize("variant", [Variant(), Variant(seal="awskms", sign_in="sso")])
def test_the_variant_of_the_estate_goes_over_the_command_line(variant: Variant, tmp_path: Path) -> None:
    assert supervisor.asked([str(tmp_path), "--seed", "7", *variant.arguments()]) == (tmp_path, 7, variant)


def test_the_supervisor_starts_without_what_only_the_run_needs() -> None:
    """It is started for every run, and every run waits for it."""
    code = "import sys, runbook.training.supervisor as _; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("path", ["/", "/nothing", "/credentials"])
def test_unknown_paths_get_a_sentence(kept: Kept, path: str) -> None:
    kept.begin()
    status, document = raw(kept, "GET", path)
    assert status == 404
    assert path in document["error"]


# -- after a kill ------------------------------------------------------------------------------------------------------
CHILD = """
import functools, sys
from pathlib import Path
from runbook.training.faults import DATA_FAULTS
from runbook.training.layers import Layers
from runbook.training.supervisor import Supervisor
from tests.training.fakes import FakeData, FakeOuter
def build(root, control):
    return Layers(FakeData(root, processes=2), FakeOuter(), DATA_FAULTS, {})
Supervisor(Path(sys.argv[1]), build).run()
"""


@pytest.fixture
def detached(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-c", CHILD, str(tmp_path)]
    process = subprocess.Popen(argv, start_new_session=True, cwd=Path(__file__).parents[2], env=dict(os.environ))
    until(lambda: (found := statefile.read(tmp_path)) is not None and found.state == "ready")
    yield process
    process.kill()
    process.wait(5)
    reap(tmp_path)


def test_after_sigkill_the_reaper_leaves_nothing(detached: subprocess.Popen[bytes], tmp_path: Path) -> None:
    content = statefile.read(tmp_path)
    assert content is not None
    detached.kill()
    detached.wait(5)
    assert not gone(content)
    done = reap(tmp_path)
    assert gone(content)
    assert len([one for one in done if one.startswith("ended fake")]) == 2
    assert list(tmp_path.iterdir()) == []
    assert reap(tmp_path) == []


def test_a_server_that_was_not_listed_yet_is_found_by_its_session(
    detached: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    content = statefile.read(tmp_path)
    assert content is not None
    detached.kill()
    detached.wait(5)
    statefile.write(tmp_path, EstateFile(content.supervisor, content.control, content.temporary))
    assert len([one for one in reap(tmp_path) if "not listed" in one]) == 2
    assert gone(content)


def test_the_reaper_lets_a_living_supervisor_end_by_itself(
    detached: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = statefile.read(tmp_path)
    assert content is not None
    assert PracticeEstate.adopt(tmp_path) is not None
    assert any("supervisor" in one for one in reap(tmp_path))
    assert PracticeEstate.adopt(tmp_path) is None
    detached.wait(5)
    assert gone(content)


def test_the_reaper_touches_no_other_process_and_no_other_folder(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    me = psutil.Process()
    stranger = Listed("reused pid", me.pid, me.create_time() - 1000)
    content = EstateFile(stranger, "http://127.0.0.1:1", (str(precious), "/", "runbook-relative"), (stranger,))
    statefile.write(tmp_path, content)
    assert reap(tmp_path) == []
    assert precious.is_dir()


def test_a_damaged_or_foreign_file_is_no_estate(tmp_path: Path) -> None:
    for text in ("", "{", "[]", '{"schema": 2}', '{"schema": 1}'):
        (tmp_path / "estate.json").write_text(text)
        assert statefile.read(tmp_path) is None
        assert PracticeEstate.adopt(tmp_path) is None


def test_a_missing_extra_is_named_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known: Callable[[str], object] = lambda name: None if name == "moto" else object()  # noqa: E731  # one line, one use
    monkeypatch.setattr("importlib.util.find_spec", known)
    with pytest.raises(WrongUse, match="moto") as refused:
        PracticeEstate.start(tmp_path, seed=1)
    assert refused.value.fix == "pip install 'restoration-runbook[train]'"
