"""A commit that carries the log's head away from the file: offered after each row of a real run, never made unasked.

Only the record's own files are in it, whatever else is staged; nothing is pushed.  What goes wrong is a sentence: the
row stands in the log already, and its run has its outcome.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runbook.commands.git import WRITING_S, Git, git_in
from runbook.engine.errors import RunbookError
from runbook.engine.ports import Confirm, Operator, Preview
from runbook.records import assessor
from runbook.records.audit import anchors
from runbook.records.disk import Disk, read_whole, replace_file
from runbook.records.log.head import beside
from runbook.records.log.logs import Recorded
from runbook.safety.outside_text import outside_text
from runbook.views import Ending
from steps import PROCEDURE

EXACTLY: Final = "--literal-pathspecs"  # a path means itself, and is no pattern
PUSH: Final = "it is an anchor once it has left this machine: git push"
_LEFT: Final = "The record stays as it is; commit the log, its head file and that folder by hand"


@dataclass(frozen=True, slots=True)
class Added:
    """A row that was appended: which log has it, where its evidence lies, what it is (`drill-… PASS`), its hash."""

    log: Path
    evidence: Path
    what: str
    row: int
    row_hash: str


@dataclass(frozen=True, slots=True)
class Commit:
    """What would be committed: these files below the work tree's `root`, and nothing else, on that branch."""

    root: Path
    paths: tuple[str, ...]
    message: tuple[str, str]  # subject and body
    branch: str
    sealed: tuple[str, ...] = ()  # of the paths: evidence, which nobody may change


@dataclass(frozen=True, slots=True)
class Proposal:
    """A commit that can be offered; else why not, "" where the folder is under no version control."""

    commit: Commit | None = None
    sentence: str = ""


def of_run(ending: Ending) -> Added:
    """The row of a run that was just recorded."""
    folder, details = Path(ending.folder), ending.details
    return Added(Path(details["log"]), folder, f"{folder.name} {ending.outcome}", details["row"], details["head"])


def of_further(recorded: Recorded, log: Path, folder: Path, what: str) -> Added:
    """A sign-off's or an amendment's; `what`: SIGNED, DECLINED, AMENDED."""
    return Added(log, folder, f"{folder.name} {what}", recorded.row, recorded.row_hash)


async def offer(added: Added, operator: Operator | None) -> str:
    """Ask whether to commit the row, and do it; a sentence of what came of it, "" where there is nothing to say.

    Raises nothing: whoever interrupts the question has answered it.  None: nobody is there to be asked.
    """
    try:
        return await _offered(await asyncio.to_thread(proposed, added), operator)
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        return "the question was interrupted: git status says whether the record is committed"
    except RunbookError as failure:
        return _not(failure.sentence)
    except OSError as error:
        return _not(error.strerror or type(error).__name__)
    except Exception as error:  # noqa: BLE001  # the run has its outcome, and keeps it
        return f"whether the record is committed is not known ({type(error).__name__}): git status says it"


async def _offered(proposal: Proposal, operator: Operator | None) -> str:
    wanted = proposal.commit
    if wanted is None:
        return proposal.sentence
    if operator is None:
        return f"the record is not committed: nobody is there to be asked. {_LEFT}."
    if not await operator.confirm(question(wanted)):
        return f"the record is not committed. {_LEFT}."
    return await asyncio.to_thread(commit, wanted)


def question(wanted: Commit) -> Confirm:
    """How it is put: Enter alone is no."""
    paths = f"{len(wanted.paths)} files of the record, and nothing else that is staged"
    preview = Preview(
        what=f"Commit the new row ({wanted.message[0]}): {paths}. Nothing is pushed.",
        target=f"{wanted.root}, branch {wanted.branch}",
        calls=tuple(wanted.paths),
    )
    last = PROCEDURE.closing.steps[-1].id
    return Confirm(last, "Commit the record", preview, optional=True, without=_LEFT.lower())


# -- whether it is offered ----------------------------------------------------------------------------------------
def proposed(added: Added) -> Proposal:
    """What would be committed.  Git is only asked: nothing is changed."""
    folder = added.log.parent.resolve()
    git = git_in(folder)
    if git is None:
        tracked = any((each / ".git").exists() for each in (folder, *folder.parents))
        return Proposal(sentence=f"the record is not committed: there is no git here. {_LEFT}." if tracked else "")
    found = git("rev-parse", "--show-toplevel")
    if not found.done:
        known = b"not a git repository" in found.err or b"must be run in a work tree" in found.err
        return Proposal(sentence="" if known else _not(found.why_not))
    return _in(Path(found.text), git, added)


def _in(root: Path, git: Git, added: Added) -> Proposal:
    branch = git("symbolic-ref", "--short", "-q", "HEAD")
    if not branch.done:
        return Proposal(sentence=_not("HEAD is on no branch, and what is committed there is easily lost"))
    if not added.evidence.resolve().is_relative_to(root):
        return Proposal(sentence=_not("its evidence lies outside of the work tree"))
    sealed = tuple(_relative(root, each) for each in _files(added.evidence))
    paths = (*(_relative(root, each) for each in _beside(added.log)), *sealed)
    ignored = git("check-ignore", "-z", "--stdin", given=b"\0".join(map(os.fsencode, (root / each for each in paths))))
    if ignored.done:
        names = [Path(each).name for each in ignored.text.split("\0") if each]
        return Proposal(sentence=_not(f"git ignores {outside_text(', '.join(names), 200)} there"))
    there = Git(git.program, root)
    if not there(EXACTLY, "status", "--porcelain", "--untracked-files=all", "--", *paths).out:
        return Proposal()  # committed already
    subject = f"Restoration record: {outside_text(added.what, 120)}, row {added.row}"
    body = f"Head {anchors.short(added.row, added.row_hash)}\n{added.row} {added.row_hash}"
    return Proposal(Commit(root, paths, (subject, body), outside_text(branch.text, 120), sealed))


def _beside(log: Path) -> Iterator[Path]:
    """The log, its head, and what is beside it for an assessor, as far as it is as we wrote it."""
    yield from (path for path in (log, beside(log)) if path.exists())
    yield from assessor.placed(log.parent)


def _files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file() and not each.is_symlink())


def _relative(root: Path, path: Path) -> str:
    return (path.parent.resolve() / path.name).relative_to(root).as_posix()


def _not(why: str) -> str:
    return f"the record is not committed: {why}. {_LEFT}."


# -- doing it -----------------------------------------------------------------------------------------------------
def commit(wanted: Commit) -> str:
    """Commit exactly that; a sentence.  Hooks run as the user has them; evidence that one changes is put back."""
    git = git_in(wanted.root)
    if git is None:
        return _not("there is no git here")
    try:
        as_sealed = _contents(wanted)
        return _committed(git, wanted) + _put_back(wanted.root, as_sealed)
    except RunbookError as failure:
        return _not(failure.sentence)


def _committed(git: Git, wanted: Commit) -> str:
    added = git(EXACTLY, "add", "--", *wanted.paths, timeout_s=WRITING_S)
    if not added.done:
        return _not(f"git add says: {added.why_not}")
    subject, body = wanted.message
    done = git(EXACTLY, "commit", "-q", "-m", subject, "-m", body, "--", *wanted.paths, timeout_s=WRITING_S)
    if not done.done:
        return _not(f"git commit says: {done.why_not}; its files are staged")
    name = git("rev-parse", "--short", "HEAD")
    return f"the record is committed as {outside_text(name.text, 40)} on {wanted.branch}; {PUSH}" + _converted(
        git, wanted
    )


def _converted(git: Git, wanted: Commit) -> str:
    """Whether git keeps other bytes than stand here."""
    here = git("hash-object", "--no-filters", "--stdin-paths", given=b"\n".join(map(os.fsencode, wanted.paths)))
    there = git("rev-parse", *(f"HEAD:{path}" for path in wanted.paths))
    if here.text == there.text:
        return ""
    return ". Git keeps other line ends than the files have: put `* -text` into .gitattributes beside the log"


def _contents(wanted: Commit) -> Mapping[Path, bytes]:
    return {wanted.root / path: read_whole(wanted.root / path, Disk()) for path in wanted.sealed}


def _put_back(root: Path, contents: Mapping[Path, bytes]) -> str:
    """A hook that tidies files must not change what is sealed."""
    changed = [path for path, content in contents.items() if not path.exists() or read_whole(path, Disk()) != content]
    for path in changed:
        replace_file(path, contents[path])
    if not changed:
        return ""
    names = outside_text(", ".join(path.relative_to(root).as_posix() for path in changed), 200)
    return f". A hook of this repository changed {names}: put back as it was sealed; keep hooks away from the record"
