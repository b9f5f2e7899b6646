"""`runbook config`: write, check or show runbook.toml."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from runbook.commands.exits import ExitCode
from runbook.config import example
from runbook.config import load as loading
from runbook.config.file import ENVIRONMENT_OF
from runbook.config.notes import notes
from runbook.engine.errors import WrongUse
from runbook.safety.outside_text import outside_text


def run(arguments: argparse.Namespace) -> int:
    """One of init, check, show."""
    return {"init": _init, "check": _check, "show": _show}[arguments.action](arguments.config)


# -- init ---------------------------------------------------------------------------------------------------------
def _init(explicit: Path | None) -> int:
    """By asking, on a terminal; without one, with the placeholders.  What exists is never overwritten."""
    path = loading.named(explicit) or Path.cwd() / loading.NAME
    if path.exists():
        raise WrongUse(f"{path}: exists already, and is not overwritten", fix="Edit it, or name another with --config.")
    asks = sys.stdin.isatty() and sys.stdout.isatty()
    _write(path, example.filled(_answers() if asks else {}))
    print(f"written: {path}")
    if wrong := _wrong(path):
        print(f"{len(wrong)} things are still to be put right; `runbook config check` names them")
    return ExitCode.PASS


def _answers() -> dict[str, str]:
    """Placeholder → answer; what is left empty stays a placeholder, and so does the rest after Ctrl-D."""
    print("Each value of runbook.toml, one after the other. Enter leaves one open; Ctrl-D leaves the rest open.")
    answers: dict[str, str] = {}
    for question in example.questions():
        try:
            answers[question.placeholder] = _answer(question)
        except EOFError:
            print()
            break
    return answers


def _answer(question: example.Question) -> str:
    several = "; several with commas between them" if question.several else ""
    while True:
        answer = input(f"{question.key}\n  {question.hint}{several}\n  > ")
        if not (wrong := question.wrong(answer)):
            return answer
        print(f"  {wrong}")


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise WrongUse(f"{path}: cannot be written: {error.strerror}", fix="Name another with --config.") from None


# -- check and show -----------------------------------------------------------------------------------------------
def _check(explicit: Path | None) -> int:
    """Mistakes to stderr, a line each; what is good but worth knowing to stdout."""
    path = _found(explicit)
    if wrong := _wrong(path):
        print("\n".join(wrong), file=sys.stderr)
        return ExitCode.WRONG_USE
    print(f"{path}: nothing is wrong")
    for note in notes(loading.load(path).configuration):
        print(f"  note: {note}")
    return ExitCode.PASS


def _show(explicit: Path | None) -> int:
    """What holds, defaults included; there is no secret in it, since none is taken."""
    loaded = loading.load(_found(explicit))
    print(f"file: {loaded.path}")
    for mode, name in ENVIRONMENT_OF.items():
        print(f"{mode}: acts on {name}")
    for key, value in loaded.flat().items():
        print(f"{key} = {outside_text(value)}")
    return ExitCode.PASS


def _found(explicit: Path | None) -> Path:
    path = loading.find(explicit)
    if path is None:
        raise WrongUse(
            "there is no runbook.toml here, above, or in the user's configuration folder",
            fix="`runbook config init` writes one; `runbook train` needs none.",
        )
    return path


def _wrong(path: Path) -> list[str]:
    try:
        loading.load(path)
    except WrongUse as wrong:
        return wrong.sentence.splitlines()
    return []
