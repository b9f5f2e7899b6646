"""What was shown: the criteria, the negative controls, what did not pass, and what people accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from runbook.records.report.blocks import Cell, Entries, Entry, Note, Section, Table, Word
from runbook.records.report.words import Document, clock

CRITERIA: Mapping[str, str] = {
    "boots": "The application boots",
    "connects": "It is connected to the restored database",
    "decrypts": "It decrypts the sample record with the recovered keys",
}
CONTROLS: Mapping[str, str] = {
    "sealed": "While the vault is sealed nothing can be decrypted",
    "damaged": "A damaged ciphertext does not decrypt",
}
_WHETHER: Mapping[str, str] = {"NOT_NEEDED": "NO", "ATTESTED": "stated", "INCONCLUSIVE": "no verdict"}
_STATED = "ATTESTED"
_UNTROUBLED = frozenset({"PASS", "NOT_NEEDED", _STATED})


def sections(document: Document) -> Iterator[Section]:
    """In the order in which an assessor asks."""
    proven = Entries(_proofs(document, "criterion", CRITERIA, document["criteria"]))
    yield Section("The three criteria", (proven,))
    held = Entries(_proofs(document, "control", CONTROLS, document["negative_controls"]))
    yield Section(
        "Negative controls", (Note("Decryption has to fail where it must, or its success proves nothing."), held)
    )
    if exercised := _exercised(document["steps"]):
        yield Section("The doors: what was exercised", (Table(("step", "exercised", "what was seen"), exercised),))
    if troubles := [step for step in document["steps"] if step["verdict"] not in _UNTROUBLED]:
        yield Section("What did not pass at once", (Entries([_told(step) for step in troubles]),))
    if stated := [step for step in document["steps"] if step["verdict"] == _STATED]:
        yield Section("What rests on somebody's word", (_ATTESTED, Entries([_told(step) for step in stated])))
    if accepted := [_accepted(document["steps"], each) for each in document["exceptions"] if each["accepted"]]:
        yield Section("What did not come back, and was accepted", (_ACCEPTED, Table(_ACCEPTED_HEADS, accepted)))


_ATTESTED = Note("Nothing measured this; a person stated it, and is named as the source.")
_ACCEPTED = Note("The verdict of each stays FAIL; the recovery went on without it, on the word of those named here.")
_ACCEPTED_HEADS = ("step", "what was seen", "accepted by", "and by", "why")


def _proofs(document: Document, mark: str, words: Mapping[str, str], verdicts: Mapping[str, str]) -> Sequence[Entry]:
    """Each criterion or control with the attempt that decided it."""
    deciding = {step[mark]: step for step in document["steps"] if step[mark]}
    return [
        Entry(Word(verdict), words.get(name, name), _seen(deciding.get(name))) for name, verdict in verdicts.items()
    ]


def _seen(step: Document | None) -> Sequence[tuple[str, Cell]]:
    if step is None:
        return (("", "the run did not get there"),)
    return (
        ("step", f"{step['id']}, attempt {step['attempt']}, {clock(step['at'])}"),
        ("expected", step["expected"]),
        ("observed", step["observed"]),
        ("source", step["source"]),
    )


def _told(step: Document) -> Entry:
    more = (("the provider said", "provider_text"), ("what helps", "fix"), ("reason given", "reason"))
    said = [(label, step[name]) for label, name in more if step[name]]
    return Entry(verdict(step), step["title"], (*_seen(step), *said))


def verdict(step: Document) -> Word:
    """The step's verdict, and whether going back made it void."""
    return Word(step["verdict"] + (" (void)" if step["void"] else ""))


def _exercised(steps: Iterable[Document]) -> Sequence[Sequence[Cell]]:
    """Of the doors, each step's last word: a drill without public names of its own only looks at some of them."""
    last = {step["id"]: step for step in steps if step["stage"] == "connectivity"}
    return [(step["id"], _whether(step), step["observed"]) for step in last.values()]


def _whether(step: Document) -> str:
    return _WHETHER.get(step["verdict"], "yes") + (" (void)" if step["void"] else "")


def _accepted(steps: Iterable[Document], said: Document) -> Sequence[Cell]:
    """What did not come back, in the words of the step that failed, and the two people who went on all the same."""
    failed = [step for step in steps if step["id"] == said["what"] and step["verdict"] == "FAIL"]
    observed = failed[-1]["observed"] if failed else None
    what = f"{said['what']} (void: it was done again)" if said["void"] else said["what"]
    return (what, observed, said["who"], said["second"] or "NONE", said["why"])
