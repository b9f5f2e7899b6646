"""A file a command; the composition root, the only place that sees every room."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from runbook.commands.exits import ExitCode
from runbook.engine.errors import LayerFailed, NoVerdict, RecordFailed, Refused, RunbookError

_MODULES = {
    None: "home",
    "train": "train",
    "drill": "drill",
    "recover": "drill",
    "resume": "resume",
    "watch": "watch",
    "log": "log",
    "history": "history",
    "config": "config_command",
    "credentials": "credentials",
    "iam": "iam",
    "status": "status",
    "report": "report",
    "manifest": "manifest",
}


def run(arguments: argparse.Namespace) -> int:
    """Load and run the command; every known error becomes a sentence, its fix, and an exit status."""
    if sys.platform == "win32":
        print("This tool runs on Linux and macOS; on Windows, run it inside WSL.", file=sys.stderr)
        return ExitCode.WRONG_USE
    from runbook.commands import debug
    from runbook.safety import environment

    environment.harden()
    with debug.logged(arguments):
        try:
            command = importlib.import_module(f"runbook.commands.{_MODULES[arguments.command]}")
            return int(command.run(arguments))
        except RunbookError as error:
            print(f"runbook: {error.sentence}", file=sys.stderr)
            if error.fix:
                print(f"  fix: {error.fix}", file=sys.stderr)
            return _exit_code(error)
        except KeyboardInterrupt:
            return ExitCode.INTERRUPTED
        except BrokenPipeError:  # `runbook … | head`: what was wanted was read
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.PASS
        except Exception as error:  # noqa: BLE001  # one line with a path instead of a traceback with locals
            print(
                f"runbook: unexpected {type(error).__name__}; the details are in {debug.keep(error)}", file=sys.stderr
            )
            return ExitCode.UNEXPECTED


def _exit_code(error: RunbookError) -> ExitCode:
    match error:
        case Refused():
            return ExitCode.REFUSED
        case RecordFailed():
            return ExitCode.NOT_RECORDED
        case NoVerdict():
            return ExitCode.INCONCLUSIVE
        case LayerFailed():
            return ExitCode.FAIL
        case _:
            return ExitCode.WRONG_USE
