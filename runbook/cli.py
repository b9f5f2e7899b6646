"""Parses the command line, and nothing else: a command's file is loaded when it is called."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from runbook import __version__

EPILOG = """\
exit status: 0 PASS or all well · 1 FAIL · 2 wrong usage or configuration · 3 INCONCLUSIVE · 4 refused by a safety
rule · 5 ABORTED · 6 PASS_WITH_ISSUES · 7 the record could not be written or is damaged · 130, 143, 129 interrupted:
the run can be resumed"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; answers the exit status."""
    arguments = _parser().parse_args(argv)
    from runbook.commands import run

    return run(arguments)


def entry() -> None:
    """The console script."""
    sys.exit(main())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="runbook",
        description="Restores a small health-tech platform, layer by layer, and proves that it did.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"runbook {__version__}")
    _everywhere(parser, top=True)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _train(commands.add_parser("train", help="restore a practice estate on this machine: no account, no network"))
    _resume(commands.add_parser("resume", help="go on with the newest unfinished run"))
    _status(commands.add_parser("status", help="what was run last, and what is unfinished"))
    _report(commands.add_parser("report", help="print the report of a run"))
    return parser


def _everywhere(parser: argparse.ArgumentParser, *, top: bool = False) -> None:
    """Options that stand before or after the command; only the first sets defaults, so that neither hides the other."""
    unset = None if top else argparse.SUPPRESS
    parser.add_argument("--home", type=Path, metavar="DIR", default=unset, help="where runs and records are kept")
    parser.add_argument(
        "--debug", action="store_true", default=False if top else argparse.SUPPRESS, help="write a redacted log"
    )


def _front(parser: argparse.ArgumentParser) -> None:
    front = parser.add_mutually_exclusive_group()
    front.add_argument("--plain", action="store_true", help="line by line instead of screens")
    front.add_argument("--unattended", action="store_true", help="nobody there: the practice operator answers")


def _train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", nargs="?", default="calm", metavar="SCENARIO|FILE", help="default: calm")
    parser.add_argument("--list", action="store_true", help="list the scenarios and the faults")
    parser.add_argument("--check", type=Path, metavar="FILE", help="check a scenario file and say what is wrong")
    parser.add_argument("--estate-only", action="store_true", help="only start the practice estate, until Ctrl-C")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the sample data (default 1)")
    parser.add_argument("--explain", action="store_true", help="say why each step is there (line by line)")
    _front(parser)
    _everywhere(parser)


def _resume(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", metavar="RUN", help="run id; default: the newest unfinished one")
    _front(parser)
    _everywhere(parser)


def _status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document")
    _everywhere(parser)


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--format", choices=("md", "json"), default="md")
    parser.add_argument("-o", dest="output", type=Path, metavar="FILE", help="write it there instead of printing it")
    _everywhere(parser)
