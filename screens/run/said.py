"""The event log's sentences: what a run says, as a person would say it."""

from __future__ import annotations

from collections.abc import Callable

from runbook.engine.events import Event, Kind
from runbook.engine.verdict import Verdict
from screens.text import one_line
from screens.words import VERDICTS


def sentence(event: Event) -> str | None:
    """`12:04:11 …` in UTC, on one line; None for what is no news (a heartbeat that goes on)."""
    said = _SENTENCES[event.kind](event)
    return one_line(f"{event.at:%H:%M:%S} {said}", 400) if said else None


def _get(event: Event, name: str) -> str:
    value = event.data.get(name)
    return "" if value is None else str(value)


def _tail(text: str, before: str = " — ") -> str:
    return f"{before}{text}" if text else ""


def _declared(event: Event) -> str:
    return f"run {_get(event, 'run_id')} declared: the clock runs"


def _started(event: Event) -> str:
    if event.step is None:
        return f"stage {event.stage} begun"
    attempt = _get(event, "attempt")
    return f"{event.step} begun" + (f", attempt {attempt}" if attempt not in {"", "1"} else "")


def _intent(event: Event) -> str:
    return f"{event.step} is about to call {_get(event, 'operation')} on {_get(event, 'target')}"


def _result(event: Event) -> str:
    mark = VERDICTS[Verdict(_get(event, "verdict"))]
    return f"{mark.glyph} {mark.word} {event.step}{_tail(_get(event, 'observed'), ': ')}"


def _asked(event: Event) -> str:
    return f"asked{_tail(_get(event, 'question'), ' ')}{_tail(_get(event, 'text'), ': ')}"


def _answered(event: Event) -> str:
    answer = f"{_get(event, 'answer')}{_tail(_get(event, 'detail'), ', ')}"
    return f"answered: {answer} ({_get(event, 'by')}){_tail(_get(event, 'reason'))}"


def _checkpoint(event: Event) -> str:
    reason = _tail(_get(event, "reason"))
    match _get(event, "decision"):
        case "opened":
            return f"✓ checkpoint of {event.stage} opened by {_get(event, 'by')}"
        case "refused":
            return f"✗ checkpoint of {event.stage} stays shut{reason}"
        case "back":
            return f"↶ back to {_get(event, 'to')}{reason}"
        case other:
            return f"■ {other} in {event.stage}{reason}"


def _heartbeat(event: Event) -> str:
    if event.data.get("pause"):
        return f"! {_get(event, 'observed')}: every open layer is looked at again"
    return "" if event.data.get("alive") else f"✗ {event.stage} fell: {_get(event, 'observed')}"


def _exception(event: Event) -> str:
    if event.data.get("accepted"):
        who = f"{_get(event, 'who')} and {_get(event, 'second')}"
        return f"! accepted by {who}: {_get(event, 'what')} stays FAIL{_tail(_get(event, 'why'))}"
    return f"✎ exception: {_get(event, 'what')} attested by {_get(event, 'who')}{_tail(_get(event, 'why'))}"


def _finding(event: Event) -> str:
    return f"! finding ({_get(event, 'severity') or 'minor'}): {_get(event, 'text')}"


def _resumed(event: Event) -> str:
    gap = _get(event, "gap_s")
    return f"resumed by {_get(event, 'by')}" + (f", {gap} s after the run was interrupted" if gap else "")


def _cleanup(event: Event) -> str:
    kept = "○ kept" if event.data.get("kept") else "✗ NOT UNDONE"
    undone = "✓ undone" if event.data.get("gone") else kept
    name = _get(event, "name") or _get(event, "id")
    return f"cleanup {undone}: {_get(event, 'kind')} {name}{_tail(_get(event, 'observed'))}"


def _ended(event: Event) -> str:
    return f"run ended: {_get(event, 'outcome')}"


_SENTENCES: dict[Kind, Callable[[Event], str]] = {
    Kind.DECLARED: _declared,
    Kind.STARTED: _started,
    Kind.INTENT: _intent,
    Kind.RESULT: _result,
    Kind.ASKED: _asked,
    Kind.ANSWERED: _answered,
    Kind.CHECKPOINT: _checkpoint,
    Kind.HEARTBEAT: _heartbeat,
    Kind.EXCEPTION: _exception,
    Kind.FINDING: _finding,
    Kind.RESUMED: _resumed,
    Kind.CLEANUP: _cleanup,
    Kind.ENDED: _ended,
}
