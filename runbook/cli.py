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


MANIFEST = """\
Counts and hashes every table of a database, as of one moment, so that a restored copy can be proven to hold the same.
Production's backup job runs it just before and just after each snapshot: what is alike in both must be so in the copy.
It only reads, and holds no lock for longer than it takes to read a piece of a table; a migration that rewrites a
table meanwhile ends it.

The user needs pg_read_all_data, and BYPASSRLS where row security is on: if there is a table that it cannot see whole,
nothing is written. Its password comes by --password-stdin, or is asked for on a terminal."""
MANIFEST_EPILOG = """\
Keep the file like the backup itself: it holds hashes of patients' rows. Bringing it to the manifest bucket is the
backup script's job (aws s3 cp). It is called by its moment, and found by that name: leave the name as it is.

exit status: 0 written · 1 the database found damage in its own data, or is not there · 2 wrong usage · 3 it could not
be asked, or not all of it · 7 the file could not be written · 130, 143, 129 interrupted: nothing was written"""


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
    _drill(commands.add_parser("drill", help="the quarterly test: production's newest backups, restored into staging"))
    _recover(commands.add_parser("recover", help="the disaster: production itself is restored"))
    _resume(commands.add_parser("resume", help="go on with the newest unfinished run"))
    _watch(commands.add_parser("watch", help="follow a run from another terminal, read-only"))
    _status(commands.add_parser("status", help="is the quarter's test due, what was run last, what is unfinished"))
    _report(commands.add_parser("report", help="print the report of a run"))
    _log(commands.add_parser("log", help="the test log: verify, show, sign off, correct"))
    _history(commands.add_parser("history", help="every recorded run, its trend, and a year's evidence"))
    _config(commands.add_parser("config", help="write, check or show runbook.toml"))
    _credentials(commands.add_parser("credentials", help="the credentials of this machine: list, set, check, forget"))
    _iam(commands.add_parser("iam", help="print the AWS policy for exactly the calls that are made"))
    _manifest(
        commands.add_parser(
            "manifest",
            help="state what a database holds, beside its backup",
            description=MANIFEST,
            epilog=MANIFEST_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    return parser


def _everywhere(parser: argparse.ArgumentParser, *, top: bool = False) -> None:
    """Options that stand before or after the command; only the first sets defaults, so that neither hides the other."""
    unset = None if top else argparse.SUPPRESS
    parser.add_argument("--home", type=Path, metavar="DIR", default=unset, help="where runs and records are kept")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", default=unset, help="default: runbook.toml here or above, or the user's"
    )
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


def _drill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--point-in-time",
        metavar="ISO",
        default="",
        help="restore the database as of then instead of its newest snapshot",
    )
    front = parser.add_mutually_exclusive_group()
    front.add_argument("--plain", action="store_true", help="line by line instead of screens")
    front.add_argument("--unattended", action="store_true", help="a rehearsal: nobody there, nothing attested")
    _everywhere(parser)


def _recover(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plain", action="store_true", help="line by line instead of screens")
    parser.set_defaults(unattended=False, point_in_time="")
    _everywhere(parser)


def _watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--plain", action="store_true", help="line by line instead of the run's screen")
    _everywhere(parser)


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("init", "check", "show"))
    _everywhere(parser)


def _credentials(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "set", "check", "forget"))
    parser.add_argument("name", nargs="?", metavar="NAME", help="for set and forget")
    parser.add_argument("--environment", choices=("staging", "production"), default="staging", help="default: staging")
    _everywhere(parser)


def _iam(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("role", choices=("drill", "recovery"))
    parser.add_argument(
        "--signin", choices=("user", "sso"), default="sso", help="user: an IAM user with an MFA device (default: sso)"
    )
    _everywhere(parser)


def _resume(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", metavar="RUN", help="run id; default: the newest unfinished one")
    _front(parser)
    _everywhere(parser)


def _status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document")
    _everywhere(parser)


def _log(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="judge a log and its evidence: offline, without a configuration")
    verify.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="default: the configured log, or the one here"
    )
    verify.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="HEAD",
        help="a head that is known elsewhere: a file of one, or ROWS:HASH as it was shown (8 digits of it are enough)",
    )
    verify.add_argument("--log-only", action="store_true", help="leave the evidence out")
    show = actions.add_parser("show", help="the log as people read it; with RUN, every field of that run")
    show.add_argument("run", nargs="?", metavar="RUN")
    show.add_argument("--file", type=Path, metavar="FILE", help="another log")
    for each in (verify, show):
        each.add_argument("--json", action="store_true", help="one JSON document")
    _sign(actions.add_parser("sign", help="sign a recorded run off, by somebody other than its operator"))
    _amend(actions.add_parser("amend", help="correct what a recorded run says, or close a finding of it"))
    for each in actions.choices.values():
        _everywhere(each)
    _everywhere(parser)


def _sign(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--name", help="who signs: somebody who did not carry it out; the witness may")
    parser.add_argument("--role", help="default: as runbook.toml or the run's record has it")
    parser.add_argument("--declined", action="store_true", help="they do not accept the record; needs --because")
    parser.add_argument("--because", metavar="TEXT", help="their reason, or a remark")
    parser.add_argument("--code", help="the witness code that they read from their copy of the report")
    parser.add_argument(
        "--statement", action="store_true", help="print the text that their key signs, and nothing else"
    )
    parser.add_argument("-o", dest="output", type=Path, metavar="FILE", help="write the statement there")
    parser.add_argument(
        "--signature", type=Path, metavar="FILE", help="of OpenSSH (ssh-keygen -Y sign -n runbook-signoff) or minisign"
    )
    parser.add_argument(
        "--public-key", type=Path, metavar="FILE", help="whose it is, where [[people.signers]] does not have it"
    )


def _amend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")
    parser.add_argument(
        "--set", action="append", default=[], metavar="COLUMN=VALUE", help="what the record should have said"
    )
    parser.add_argument("--close", action="append", default=[], metavar="N", help="a finding, by the report's number")
    parser.add_argument("--verified", action="append", default=[], metavar="TEXT", help="how that it is done was seen")
    parser.add_argument(
        "--assign", action="append", default=[], metavar="N", help="a finding that --owner sees to, until --due"
    )
    parser.add_argument("--owner", metavar="NAME", help="of each finding that is assigned; default: as it has")
    parser.add_argument("--due", metavar="YYYY-MM-DD", help="the same for its date; not before the run's day")
    parser.add_argument("--by", metavar="NAME", help="who says so")
    parser.add_argument("--role", help="as what")
    parser.add_argument("--because", metavar="TEXT", help="why it is corrected")


def _history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--file", type=Path, metavar="FILE", help="another log than the configured one, or the one here"
    )
    parser.add_argument("--training", action="store_true", help="training's log of this home")
    told = parser.add_mutually_exclusive_group()
    told.add_argument("--json", action="store_true", help="one JSON document")
    told.add_argument("--pack", type=_year, metavar="YEAR", help="put a year's evidence into one file for an assessor")
    parser.add_argument("-o", dest="output", type=Path, metavar="FILE", help="of the pack; never over another file")
    _everywhere(parser)


def _year(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 2000 <= int(text) <= 2999):
        raise argparse.ArgumentTypeError("a year, such as 2027")
    return int(text)


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--format", choices=("html", "md", "json"), default="md", help="default: md")
    parser.add_argument(
        "-o", dest="output", type=Path, metavar="FILE", help="write it there instead of printing it; never over another"
    )
    _everywhere(parser)


def _manifest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", required=True, help="its name, for which its certificate is verified")
    parser.add_argument("--hostaddr", metavar="ADDRESS", help="where to connect instead, such as a tunnel's end")
    parser.add_argument("--port", type=int, default=5432, help="default: 5432")
    parser.add_argument("--database", required=True, metavar="NAME")
    parser.add_argument("--user", required=True, help="whoever reads it")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="of the database's certificate (RDS: its bundle)")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    parser.add_argument(
        "--buckets", type=_buckets, default=256, metavar="N", help="parts of a table: 256 by default, at most 4096"
    )
    parser.add_argument("--connections", type=int, choices=range(1, 17), default=4, metavar="N", help="1 to 16")
    parser.add_argument(
        "-o", dest="output", type=Path, metavar="FILE|DIR", help="default: standard output; in a folder, by its moment"
    )
    _everywhere(parser)


def _buckets(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 4096 or number & (number - 1):
        raise argparse.ArgumentTypeError("a power of two, at most 4096")
    return number
