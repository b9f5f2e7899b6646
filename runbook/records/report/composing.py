"""The after-action report of a run, folded from its run.json and nothing else."""

from __future__ import annotations

from runbook.records.report import appendix, course, cover, proofs, scope, upshot
from runbook.records.report.blocks import Report, Word
from runbook.records.report.words import Document, completed


def composed(document: Document, code: str = "") -> Report:
    """Everything a report says, in order; `code` is the witness code of the run.json that was written."""
    whole = completed(document)
    return Report(
        run_id=whole["run_id"],
        title=cover.title(whole),
        outcome=Word(whole["outcome"] or "NOT ENDED"),
        summary=whole["summary"],
        banners=cover.banners(whole),
        sections=(
            cover.glance(whole),
            cover.signatures(whole, code),
            *scope.sections(whole),
            course.timeline(whole),
            *proofs.sections(whole),
            *upshot.sections(whole),
            *course.sections(whole),
            *appendix.sections(whole, code),
        ),
    )
