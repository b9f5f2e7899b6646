"""How the run went: the timeline with its arithmetic, who went on with it, when it stood still, who decided what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from runbook.records.evidence.summary import duration
from runbook.records.report.blocks import Bullets, Cell, Note, Picture, Section, Table, Word
from runbook.records.report.markdown import bar
from runbook.records.report.picture import drawn, moments
from runbook.records.report.words import Document, clock, of_day, when

_STAGES = ("stage", "result", "took", "machine", "people", "nobody")
_OBJECTIVES = ("objective", "achieved", "target", "met", "from which times")
_ARITHMETIC = (
    "The time to recover runs to the last check of the last stage, and waiting is in it. The age of the newest data is "
    "from the newest row that the restored database holds."
)


def timeline(document: Document) -> Section:
    """Stages on one axis, and the two objectives with both their times and whose clock."""
    picture = drawn(document)
    budgets = any(stage["target_s"] is not None for stage in document["stages"])
    heads = (*_STAGES, "budget", "when") if budgets else (*_STAGES, "when")
    stages = Table(heads, _stages(document, budgets=budgets), drawn=1 if picture else 0)
    objectives = Table(_OBJECTIVES, _objectives(document))
    shown = (Picture(picture), stages) if picture else (stages,)
    return Section("Timeline", (*shown, objectives, Note(_arithmetic(document))))


def sections(document: Document) -> Iterator[Section]:
    """What interrupted it, and what people said to it."""
    if document["handovers"]:
        rows = [_handover(each) for each in document["handovers"]]
        yield Section("Who went on with it", (Table(("at", "who", "on", "after"), rows),))
    if document["pauses"]:
        rows = [(clock(each["at"]), each["pause"], each["observed"]) for each in document["pauses"]]
        yield Section("When the run stood still", (Table(("noticed at", "how", "what was seen"), rows),))
    if document["refusals"]:
        yield Section("When a checkpoint stayed shut", (Bullets(document["refusals"]),))
    decisions = _decisions(document["answers"])
    heads = ("at", "where", "question", "answer", "by", "reason")
    yield Section("Decisions", (Table(heads, decisions) if decisions else Note("None were asked for."),))


def _stages(document: Document, *, budgets: bool) -> Sequence[Sequence[Cell]]:
    begin, times = when(document["started_at"]), list(moments(document))
    end = max(times) if times else None
    return [
        (
            f"{stage['number']} {stage['title']}",
            Word(stage["result"]),
            *(duration(stage[name]) for name in ("seconds", "machine_s", "human_s", "waiting_s")),
            *([_budget(stage)] if budgets else []),
            _bar(stage, begin, end),
        )
        for stage in document["stages"]
    ]


def _budget(stage: Document) -> str:
    budget = stage["target_s"]
    if budget is None:
        return "none"
    return f"{duration(budget)}, over" if stage["seconds"] > budget else duration(budget)


def _bar(stage: Document, begin: datetime | None, end: datetime | None) -> str:
    entered, left = when(stage["entered_at"]), when(stage["left_at"])
    if not (begin and end and entered and left):
        return ""
    length = (end - begin).total_seconds() or 1.0
    return bar((entered - begin).total_seconds() / length, (left - begin).total_seconds() / length)


def _objectives(document: Document) -> Sequence[Sequence[Cell]]:
    rows: list[Sequence[Cell]] = []
    for kind, meaning in (("rto", "time to recover (RTO)"), ("rpo", "age of the newest data (RPO)")):
        said = document[kind]
        target = Word("NOT_SET") if said["target_s"] is None else duration(said["target_s"])
        since = "; the incident's time as it was stated" if said["since"] == "incident" else ""
        arithmetic = f"{clock(said['from'])} to {clock(said['to'])}, {said['clock']} clock{since}"
        rows.append((meaning, duration(said["actual_s"]), target, Word(said["met"]), arithmetic))
    return rows


def _arithmetic(document: Document) -> str:
    shown, offset = document["rto"].get("criteria_s"), document["clock_offset_ms"]
    said = [_ARITHMETIC]
    if shown is not None:
        said.append(f"The last of the three criteria was shown after {duration(shown)}.")
    if isinstance(offset, int | float):
        where = "behind" if offset < 0 else "ahead of"
        said.append(f"At the start this machine's clock was {abs(offset):,} ms {where} the provider's.")
    return " ".join(said)


def _handover(said: Document) -> Sequence[Cell]:
    gap = said.get("gap_s")
    return (clock(said["at"]), said.get("by"), said.get("host"), duration(None if gap is None else round(gap)))


def _decisions(answers: Iterable[Document]) -> Sequence[Sequence[Cell]]:
    return [(of_day(each["at"]), each["step"] or each["stage"], *_answer(each)) for each in answers]


def _answer(each: Document) -> Sequence[Cell]:
    answer = f"{each['answer']}, {each['detail']}" if each["detail"] else each["answer"]
    return (each["question"], answer, each["by"], each["reason"])
