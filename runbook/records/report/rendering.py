"""report.md and report.html: the same report, as plain text and as a page to be printed; each is one document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from runbook.records.report.blocks import TO_FILL_IN, Word
from runbook.records.report.composing import composed
from runbook.records.report.markdown import inert, table
from runbook.records.report.words import one_line

_LONGEST_NAME = 60  # characters, of a foot of a page
_NO_NAME = re.compile(r"[^A-Za-z0-9-]")


def markdown(document: Mapping[str, Any], code: str = "") -> str:
    """The report of one run; `document` is run.json (`evidence.document`), `code` its witness code."""
    return _rendered("report.md.j2", document, code)


def html(document: Mapping[str, Any], code: str = "") -> str:
    """The same as a page: it loads nothing, runs nothing, and is laid out for A4."""
    return _rendered("report.html.j2", document, code)


def _rendered(template: str, document: Mapping[str, Any], code: str) -> str:
    return _environment().get_template(template).render(report=composed(document, code)).rstrip() + "\n"


def _environment() -> Environment:
    """All templates escape but the Markdown one, which makes each value inert (`| inert`): escaping cannot do that."""
    environment = Environment(
        loader=PackageLoader("runbook.records.report", "templates"),
        autoescape=select_autoescape(disabled_extensions=["md.j2"], default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"inert": inert, "shown": _shown, "name": _name}
    environment.tests["word"] = lambda value: isinstance(value, Word)
    environment.globals |= {"table": table, "blank": TO_FILL_IN}
    return environment


def _shown(value: object) -> str:
    """As a page shows it: nothing is a dash.  Escaping is the template's."""
    return one_line(value) or "–"


def _name(value: object) -> str:
    """What is safe inside a style sheet's string, where escaping for HTML does nothing."""
    return _NO_NAME.sub("", str(value))[:_LONGEST_NAME]
