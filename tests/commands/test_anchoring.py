"""The record is committed when somebody says so: only its own files, never pushed, and failing in a sentence."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from runbook.commands import anchoring, git
from runbook.commands.anchoring import Added, Commit
from runbook.engine.errors import OperatorGone
from runbook.engine.ports import Confirm
from runbook.records import assessor
from runbook.records.evidence import sealing
from runbook.views import Ending
from tests.support.operator import ScriptedOperator

RUN = "drill-20270115T100000Z-7f3a"
HASH = "sha256:9f86d081884c7d65" + "0" * 48
ASKED = "confirm closeout.declare"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not on this machine")


@pytest.fixture(autouse=True)
def nobodys_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose user has configured nothing."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


class Repository:
    """A work tree with a commit on `main`, and in it a log with a new row and its sealed evidence."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Pat Example")
        self.git("config", "user.email", "pat@example.test")
        (root / "code.py").write_text("1\n", encoding="utf-8")
        self.git("add", "code.py")
        self.git("commit", "-q", "-m", "first")
        self.added = record_in(root / "compliance")

    def git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True).stdout.strip()

    def hook(self, name: str, script: str) -> None:
        path = self.root / ".git" / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def offered(self, answer: bool = True) -> tuple[str, ScriptedOperator]:  # noqa: FBT001, FBT002  # yes or no
        operator = ScriptedOperator({ASKED: [answer]})
        return asyncio.run(anchoring.offer(self.added, operator)), operator

    @property
    def commits(self) -> int:
        return int(self.git("rev-list", "--count", "HEAD"))

    @property
    def committed(self) -> set[str]:
        return set(self.git("show", "--format=", "--name-only", "HEAD").splitlines())


def record_in(folder: Path) -> Added:
    evidence = folder / "evidence" / RUN
    evidence.mkdir(parents=True)
    (folder / "restoration-test-log.csv").write_bytes(b'"log_version"\r\n"1"\r\n')
    (folder / "restoration-test-log.head").write_text("{}\n", encoding="utf-8")
    (evidence / "run.json").write_text("{}\n", encoding="utf-8")
    (evidence / "report.html").write_text("<p>  \n", encoding="utf-8")
    sealing.seal(evidence)
    assessor.place(folder)
    return Added(folder / "restoration-test-log.csv", evidence, f"{RUN} PASS", 1, HASH)


PATHS = {
    *(f"compliance/restoration-test-log.{kind}" for kind in ("csv", "head")),
    *(f"compliance/{name}" for name in ("README.md", "verify_log.py", ".gitattributes")),
    *(f"compliance/evidence/{RUN}/{name}" for name in ("run.json", "report.html", "SHA256SUMS")),
}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    root = tmp_path / "work"
    root.mkdir()
    return Repository(root)


# -- it is done ---------------------------------------------------------------------------------------------------
def test_a_yes_commits_the_record_and_says_that_it_still_has_to_be_pushed(repository: Repository) -> None:
    said, operator = repository.offered()
    assert operator.asked, "never unasked"
    assert repository.committed == PATHS
    name = repository.git("rev-parse", "--short", "HEAD")
    assert said == f"the record is committed as {name} on main; {anchoring.PUSH}"
    assert said.endswith("git push")
    message = repository.git("log", "-1", "--format=%B")
    assert message == f"Restoration record: {RUN} PASS, row 1\n\nHead 1:9f86d081884c7d65\n1 {HASH}"


def test_what_else_is_staged_or_changed_stays_as_it_is(repository: Repository) -> None:
    (repository.root / "code.py").write_text("2\n", encoding="utf-8")
    (repository.root / "new.py").write_text("3\n", encoding="utf-8")
    repository.git("add", "code.py", "new.py")
    (repository.root / "compliance" / "notes.txt").write_text("ours", encoding="utf-8")
    (repository.root / "compliance" / "evidence" / "other").mkdir()
    (repository.root / "compliance" / "evidence" / "other" / "run.json").write_text("{}", encoding="utf-8")
    repository.offered()
    assert repository.committed == PATHS
    assert repository.git("diff", "--cached", "--name-only").splitlines() == ["code.py", "new.py"]


def test_a_readme_of_somebody_elses_is_not_swept_in(repository: Repository) -> None:
    (repository.root / "compliance" / "README.md").write_text("half written", encoding="utf-8")
    repository.offered()
    assert repository.committed == PATHS - {"compliance/README.md"}


def test_the_next_row_is_another_commit_and_the_same_row_none(repository: Repository) -> None:
    repository.offered()
    said, operator = repository.offered()
    assert (said, operator.asked) == ("", [])
    with repository.added.log.open("ab") as log:
        log.write(b'"1"\r\n')
    repository.offered()
    assert (repository.commits, repository.committed) == (3, {"compliance/restoration-test-log.csv"})


def test_git_keeps_the_bytes_whatever_it_is_told_about_line_ends(repository: Repository) -> None:
    repository.git("config", "core.autocrlf", "true")
    (repository.root / ".gitattributes").write_text("* text=auto eol=lf\n", encoding="utf-8")
    said, _ = repository.offered()
    assert said.endswith("git push")
    shutil.rmtree(repository.root / "compliance")
    repository.git("checkout", "-q", "--", "compliance")
    assert repository.added.log.read_bytes() == b'"log_version"\r\n"1"\r\n'


def test_line_ends_that_git_changes_are_said(repository: Repository) -> None:
    (repository.root / "compliance" / ".gitattributes").write_text("* text=auto\n", encoding="utf-8")
    said, _ = repository.offered()
    assert "Git keeps other line ends" in said


def test_a_repository_without_a_commit_takes_it_as_its_first(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path / "new")], check=True)  # noqa: S607
    for name, value in (("user.name", "Pat"), ("user.email", "pat@example.test")):
        subprocess.run(["git", "-C", str(tmp_path / "new"), "config", name, value], check=True)  # noqa: S607
    added = record_in(tmp_path / "new" / "compliance")
    assert "is committed as" in asyncio.run(anchoring.offer(added, ScriptedOperator({ASKED: [True]})))


def test_a_submodule_is_a_repository_of_its_own(repository: Repository, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    for command in (
        ("init", "-q"),
        ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository.root), "record"),
    ):
        subprocess.run(["git", *command], cwd=outer, check=True, capture_output=True)  # noqa: S607
    inner = outer / "record"
    for name, value in (("user.name", "Pat"), ("user.email", "pat@example.test")):
        subprocess.run(["git", "-C", str(inner), "config", name, value], check=True)  # noqa: S607
    found = anchoring.proposed(record_in(inner / "compliance"))
    assert found.commit is not None
    assert found.commit.root == inner
    assert "is committed as" in anchoring.commit(found.commit)


def test_a_log_that_is_reached_through_a_link_is_committed_where_it_lies(
    repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(repository.root)
    there = tmp_path / "link" / "compliance"
    repository.added = Added(there / "restoration-test-log.csv", there / "evidence" / RUN, "x", 1, HASH)
    assert "is committed as" in repository.offered()[0]
    assert repository.committed == PATHS


# -- it is not offered --------------------------------------------------------------------------------------------
def _ignore_reports(repository: Repository) -> None:
    (repository.root / ".gitignore").write_text("*.html\n", encoding="utf-8")


def _ignore_all(repository: Repository) -> None:
    (repository.root / ".gitignore").write_text("compliance/\n", encoding="utf-8")


def _detach(repository: Repository) -> None:
    repository.git("checkout", "-q", "--detach")


def _belongs_to_another(repository: Repository) -> None:
    with (repository.root / ".git" / "config").open("a") as config:
        config.write("[core\n")


def _evidence_elsewhere(repository: Repository) -> None:
    shelf = repository.root / "compliance" / "evidence"
    shelf.rename(repository.root.parent / "elsewhere")
    shelf.symlink_to(repository.root.parent / "elsewhere")


NOT_OFFERED: dict[str, tuple[Callable[[Repository], None], str]] = {
    "one file ignored": (_ignore_reports, "git ignores report.html there"),
    "all ignored": (_ignore_all, "git ignores restoration-test-log.csv"),
    "a detached head": (_detach, "HEAD is on no branch"),
    "evidence that is linked to elsewhere": (_evidence_elsewhere, "outside of the work tree"),
    "a broken configuration": (_belongs_to_another, "fatal: bad config line"),
}


@pytest.mark.parametrize("why", NOT_OFFERED)
def test_where_it_would_do_no_good_it_is_not_offered_and_that_is_said(repository: Repository, why: str) -> None:
    prepare, expected = NOT_OFFERED[why]
    prepare(repository)
    said, operator = repository.offered()
    assert expected in said
    assert said.startswith("the record is not committed: ")
    assert operator.asked == []


def test_outside_of_version_control_nothing_is_said(tmp_path: Path) -> None:
    operator = ScriptedOperator({})
    assert asyncio.run(anchoring.offer(record_in(tmp_path / "compliance"), operator)) == ""
    assert operator.asked == []


def test_a_bare_repository_is_no_place_to_commit(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "bare")], check=True)  # noqa: S607
    assert anchoring.proposed(record_in(tmp_path / "bare" / "compliance")) == anchoring.Proposal()


def test_without_git_that_is_said_only_where_there_is_a_repository(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert "there is no git here" in repository.offered()[0]
    assert anchoring.proposed(record_in(tmp_path / "elsewhere")) == anchoring.Proposal()


def test_where_nobody_is_there_it_is_not_done_and_that_is_said(repository: Repository) -> None:
    said = asyncio.run(anchoring.offer(repository.added, None))
    assert said.startswith("the record is not committed: nobody is there to be asked")
    assert repository.commits == 1


def test_a_no_changes_nothing(repository: Repository) -> None:
    said, _ = repository.offered(answer=False)
    assert said.startswith("the record is not committed. The record stays as it is")
    assert (repository.commits, repository.git("diff", "--cached", "--name-only")) == (1, "")


@pytest.mark.parametrize("how", [OperatorGone("standard input ended"), asyncio.CancelledError()])
def test_whoever_leaves_at_the_question_hides_no_outcome(repository: Repository, how: BaseException) -> None:
    def leave(_: Confirm) -> bool:
        raise how

    said = asyncio.run(anchoring.offer(repository.added, ScriptedOperator({ASKED: [leave]})))
    assert "committed" in said
    assert repository.commits == 1


# -- it fails -----------------------------------------------------------------------------------------------------
def _no_identity(repository: Repository) -> None:
    repository.git("config", "--unset", "user.email")
    repository.git("config", "user.useConfigOnly", "true")


def _hook_refuses(repository: Repository) -> None:
    repository.hook("pre-commit", "echo 'no commits\033[31m on Fridays' >&2; exit 1")


def _index_locked(repository: Repository) -> None:
    (repository.root / ".git" / "index.lock").write_bytes(b"")


def _signing_asks(repository: Repository) -> None:
    repository.git("config", "commit.gpgsign", "true")
    repository.git("config", "gpg.program", "/bin/false")


FAILING: dict[str, tuple[Callable[[Repository], None], str]] = {
    "no identity": (_no_identity, "git commit says: fatal: no email was given"),
    "a hook refuses": (_hook_refuses, "git commit says: no commits�[31m on Fridays; its files are staged"),
    "the index is locked": (_index_locked, "git add says: fatal: Unable to create"),
    "signing fails": (_signing_asks, "git commit says: error: gpg failed to sign the data"),
}


@pytest.mark.parametrize("why", FAILING)
def test_what_git_refuses_is_a_sentence(repository: Repository, why: str) -> None:
    prepare, expected = FAILING[why]
    prepare(repository)
    said, _ = repository.offered()
    assert expected in said
    assert repository.commits == 1
    assert "\x1b" not in said


def test_a_hook_that_hangs_is_ended_with_all_that_it_started(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository.hook("pre-commit", f"echo $$ > {tmp_path}/pid; sleep 600")
    monkeypatch.setattr(anchoring, "WRITING_S", 0.5)
    said, _ = repository.offered()
    assert "git did not finish within" in said
    assert not _runs(int((tmp_path / "pid").read_text()))


def _runs(pid: int) -> bool:
    """One that ended and was not collected yet does not."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_evidence_that_a_hook_tidies_is_put_back(repository: Repository) -> None:
    evidence = f"compliance/evidence/{RUN}"
    repository.hook("pre-commit", f"printf '<p>\\n' > {evidence}/report.html; rm {evidence}/run.json; exit 1")
    before = {path.name: path.read_bytes() for path in repository.added.evidence.iterdir()}
    said, _ = repository.offered()
    assert "A hook of this repository changed" in said
    assert {path.name: path.read_bytes() for path in repository.added.evidence.iterdir()} == before


def test_a_folder_that_cannot_be_read_is_a_sentence(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(anchoring, "_files", refused)
    assert "Permission denied" in repository.offered()[0]


def test_nothing_can_ask_on_this_terminal(repository: Repository, tmp_path: Path) -> None:
    repository.hook("pre-commit", f"(cat; (: < /dev/tty) && echo a terminal; env) > {tmp_path}/seen 2>&1")
    repository.offered()
    seen = (tmp_path / "seen").read_text(encoding="utf-8")
    assert "a terminal" not in seen
    assert "GIT_TERMINAL_PROMPT=0" in seen


def test_another_repository_that_the_environment_names_is_not_used(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    found = anchoring.proposed(repository.added)
    assert found.commit is not None
    assert found.commit.root == repository.root


# -- the parts ----------------------------------------------------------------------------------------------------
def test_what_is_asked_names_every_file_the_branch_and_that_enter_is_no(repository: Repository) -> None:
    found = anchoring.proposed(repository.added).commit
    assert found is not None
    ask = anchoring.question(found)
    assert (ask.optional, bool(ask.without)) == (True, True)
    assert set(ask.preview.calls) == PATHS
    assert ask.preview.target == f"{repository.root}, branch main"
    assert "Nothing is pushed" in ask.preview.what


def test_a_run_and_a_further_row_are_called_by_what_they_are(tmp_path: Path) -> None:
    details = {"row": 3, "head": HASH, "log": str(tmp_path / "restoration-test-log.csv")}
    run = anchoring.of_run(Ending("FAIL", 1, str(tmp_path / RUN), "", details))
    assert (run.what, run.row, run.row_hash) == (f"{RUN} FAIL", 3, HASH)


def test_a_program_that_is_no_git_is_a_sentence(tmp_path: Path) -> None:
    answer = git.Git(str(tmp_path / "nothing"), tmp_path)("status")
    assert (answer.done, answer.why_not) == (False, "git could not be started: No such file or directory")


def test_a_commit_is_made_where_it_was_proposed(repository: Repository) -> None:
    wanted = Commit(repository.root, ("compliance/restoration-test-log.csv",), ("subject", "body"), "main")
    assert "is committed as" in anchoring.commit(wanted)
    assert repository.committed == {"compliance/restoration-test-log.csv"}
