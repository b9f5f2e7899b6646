"""The line-by-line front end: for serial consoles, screen readers, transcripts, and runs with nobody there.

`Lines` says what happens; `PlainOperator` asks on one line and reads one line.  Secrets are read without echo on a
terminal, as a line otherwise.  `?` lists the answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import sys
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, TextIO, TypeVar

from runbook.engine.errors import OperatorGone
from runbook.engine.events import Event, Kind, Progress, Said
from runbook.engine.ports import (
    Act,
    AskSecret,
    Attest,
    ByHand,
    Choice,
    Choose,
    Confirm,
    Decide,
    Decision,
    Gate,
    Preview,
    Secret,
    SecretAnswer,
    TypeName,
)
from runbook.engine.procedure import Procedure
from runbook.views import Phone

T = TypeVar("T")


class Lines:
    """Prints a run as lines; every state is a word."""

    def __init__(self, procedure: Procedure[Any], out: TextIO) -> None:
        self._procedure = procedure
        self._out = out
        self._shown: dict[str, str] = {}  # step → last progress text, so that each is said once
        self._sayings: dict[Kind, Callable[[Event], None]] = {
            Kind.DECLARED: self._declared,
            Kind.STARTED: self._stage,
            Kind.RESULT: self._result,
            Kind.CHECKPOINT: self._checkpoint,
            Kind.HEARTBEAT: self._fell,
            Kind.FINDING: self._finding,
            Kind.CLEANUP: self._cleanup,
            Kind.RESUMED: self._resumed,
            Kind.ENDED: self._ended,
        }

    def say(self, text: str = "") -> None:
        """One line."""
        with contextlib.suppress(BrokenPipeError):  # whoever read the lines went away: the run and its record go on
            print(text, file=self._out, flush=True)

    def hear(self, said: Said) -> None:
        """A listener of the conductor."""
        if isinstance(said, Progress):
            self._progress(said)
            return
        say = self._sayings.get(said.kind)
        if say is not None:
            say(said)

    def _declared(self, event: Event) -> None:
        self.say(f"Run {event.data['run_id']} declared, T0 {event.at:%Y-%m-%dT%H:%M:%SZ}")

    def _fell(self, event: Event) -> None:
        if not event.data["alive"]:
            self.say(f"  FELL         {self._title(event.stage)}: {event.data['observed']}")

    def _finding(self, event: Event) -> None:
        self.say(f"  FINDING      {event.data['text']}")

    def _cleanup(self, event: Event) -> None:
        gone = "gone" if event.data["gone"] else "NOT GONE"
        self.say(f"  CLEANUP      {event.data['kind']} {event.data['id']}: {gone}, {event.data['observed']}")

    def _resumed(self, _: Event) -> None:
        self.say("Resumed: the world is looked at first, nothing is done twice")

    def _ended(self, event: Event) -> None:
        self.say(f"Ended: {event.data['outcome']}")

    def _stage(self, event: Event) -> None:
        if event.step is not None:
            return
        stage = self._procedure.stage(event.stage or "")
        numbered = f"Stage {stage.number} of {len(self._procedure.stages)}: " if stage in self._procedure.stages else ""
        self.say()
        self.say(f"{numbered}{stage.title} (policy {stage.clause})")

    def _result(self, event: Event) -> None:
        data = event.data
        adopted = " (found done)" if data["adopted"] else ""
        self.say(f"  {data['verdict']:<12} {event.step}{adopted}: {data['observed']}  [{data['ms']} ms]")
        if data["verdict"] in {"FAIL", "INCONCLUSIVE"}:
            for label, key in (("expected", "expected"), ("fix", "fix"), ("they said", "provider_text")):
                if data[key]:
                    self.say(f"               {label}: {data[key]}")

    def _checkpoint(self, event: Event) -> None:
        data, title = event.data, self._title(event.stage)
        match data["decision"]:
            case "opened":
                self.say(f"  CHECKPOINT   {title}: opened by {data['by']}")
            case "refused":
                self.say(f"  CHECKPOINT   {title}: stays shut: {data['reason']}")
            case "back":
                self.say(f"  BACK         to {data['to']}: {data['reason']}")
            case _:
                self.say(f"  ABORTED      {data['reason']}")

    def _progress(self, progress: Progress) -> None:
        if self._shown.get(progress.step) == progress.text:
            return
        self._shown[progress.step] = progress.text
        self.say(f"    …          {progress.step}: {progress.text}")

    def _title(self, stage: str | None) -> str:
        return self._procedure.stage(stage or "").title


class Keyboard:
    """Reads lines in a thread of its own, so that the run goes on while it waits for one."""

    def __init__(self, source: TextIO) -> None:
        self._source = source
        self._wanted: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def line(self, prompt: str, *, masked: bool = False) -> str:
        """The next line, stripped of its end; OperatorGone when there is none."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()

        def settle(text: str | None) -> None:
            if not answer.done():  # the run may have been cancelled meanwhile
                answer.set_result(text)

        def read() -> None:
            text = self._read(prompt, masked=masked)
            with contextlib.suppress(RuntimeError):  # the loop may be closed: the run was interrupted meanwhile
                loop.call_soon_threadsafe(settle, text)

        self._wanted.put(read)
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True, name="keyboard")
            self._thread.start()
        text = await answer
        if text is None:
            raise OperatorGone("standard input ended while an answer was needed", source="operator")
        return text

    def _serve(self) -> None:
        while True:
            self._wanted.get()()

    def _read(self, prompt: str, *, masked: bool) -> str | None:
        if masked and self._source.isatty():
            try:
                return getpass.getpass(prompt)
            except EOFError:
                return None
        sys.stdout.write(prompt)
        sys.stdout.flush()
        text = self._source.readline()
        if not self._source.isatty():  # no terminal ended the line; what was typed is not repeated: it may be a share
            sys.stdout.write("\n")
            sys.stdout.flush()
        return text.rstrip("\r\n") if text else None


class PlainOperator:
    """The person at a line-by-line terminal."""

    def __init__(
        self, lines: Lines, keyboard: Keyboard, phone: Callable[[], Phone | None], name: str = "operator"
    ) -> None:
        self.name = name
        self._lines = lines
        self._keyboard = keyboard
        self._phones = phone  # asked each time: the practice estate starts after the operator is made

    @property
    def _phone(self) -> Phone | None:
        return self._phones()

    async def confirm(self, ask: Confirm) -> bool:
        self._lines.say()
        self._lines.say(f"  {ask.step}: {ask.title}")
        self._preview(ask.preview)
        return await self._word("  Do it", {"yes": "do it", "no": "not now: nothing is done"}) == "yes"

    async def type_name(self, ask: TypeName) -> str:
        return await self._keyboard.line(f"  Type {ask.expected} exactly: ")

    async def choose(self, ask: Choose) -> Choice:
        self._lines.say()
        self._lines.say(f"  {ask.title}  ({', '.join(ask.columns)})")
        for number, option in enumerate(ask.options, start=1):
            mark = (
                " (default)"
                if option.key == ask.default
                else f" (cannot be chosen: {option.unfit})" * bool(option.unfit)
            )
            self._lines.say(f"  {number:>3}  {'  '.join(option.cells)}{mark}")
        while True:
            text = (await self._keyboard.line("  Number (Enter = default): ")).strip()
            picked = _numbered(text, ask.options)
            if not text or (picked and picked.key == ask.default):
                return Choice(ask.default)
            if picked is None:
                self._lines.say(f"    A number from 1 to {len(ask.options)}, or Enter; another than the default: why.")
            elif picked.unfit:
                self._lines.say(f"    It cannot be chosen: {picked.unfit}.")
            else:
                return Choice(picked.key, await self._reason())

    async def secret(self, ask: AskSecret) -> SecretAnswer:
        """A share, or `call NAME` (training), or `stop`."""
        if ask.note:
            self._lines.say(f"  {ask.note}")
        for number, label in enumerate(ask.labels, start=1):
            self._lines.say(f"  {number:>3}  {label}")
        whose = await self._label(ask)
        if whose is None:
            return SecretAnswer(None)
        prompt = f"  {ask.prompt} of {whose}, {ask.entered} of {ask.needed} are in (not shown): "
        while True:
            text = (await self._keyboard.line(prompt, masked=True)).strip()
            if text == "stop":
                return SecretAnswer(None)
            if text == "?":
                self._say_share_answers("what was read out or pasted")
            elif text == "call" or text.startswith("call "):
                await self._call(text.removeprefix("call").strip() or whose)
            else:
                return SecretAnswer(Secret(text), whose)

    async def attest(self, ask: Attest) -> str:
        self._lines.say(f"  You state: {ask.statement}")
        return await self._keyboard.line("  How you know (empty = not attested): ")

    async def by_hand(self, ask: ByHand) -> bool:
        self._lines.say()
        self._lines.say(f"  BY HAND: {ask.what}")
        for line in ask.how:
            self._lines.say(f"    - {line}")
        return await self._word("  Is it", {"done": "it is done", "no": "it is not done"}) == "done"

    async def decide(self, ask: Decide) -> Decision:
        self._lines.say()
        self._lines.say(f"  {ask.step} is {ask.verdict}: {ask.observed}")
        for label, text in (("expected", ask.expected), ("why", ask.why), ("fix", ask.fix), ("by hand", ask.manual)):
            if text:
                self._lines.say(f"    {label}: {text}")
        return await self._decision(f"  {ask.step}", ask.options, ask.back_to)

    async def gate(self, ask: Gate) -> Decision:
        self._lines.say()
        self._lines.say(f"  CHECKPOINT {ask.number} {ask.title}: {ask.refusal or 'everything of this stage was shown'}")
        after = (
            f"{ask.next_title} touches {ask.next_touches}"
            if ask.next_title
            else f"The closing touches {ask.next_touches}"
        )
        self._lines.say(f"  Next: {after}.")
        return await self._decision("  Open it", ask.options, ask.back_to)

    # -- how lines are read ---------------------------------------------------------------------------------------
    async def _decision(self, prompt: str, options: tuple[Act, ...], back_to: tuple[str, ...]) -> Decision:
        meaning = {act.value: _MEANING[act] for act in options}
        while True:
            word, rest = await self._word_and_rest(prompt, meaning)
            act = Act(word)
            if act is Act.BACK:
                to, _, reason = rest.partition(" ")
                while to.partition(".")[0] not in back_to:
                    to = (await self._keyboard.line(f"  Back to ({', '.join(back_to)}): ")).strip()
                return Decision(act, reason or await self._reason(), to)
            if act in {Act.ATTEST, Act.ABORT}:
                return Decision(act, rest or await self._reason())
            return Decision(act)

    async def _reason(self) -> str:
        while True:
            reason = (await self._keyboard.line("  Reason (it goes into the record): ")).strip()
            if reason:
                return reason

    async def _word(self, prompt: str, meaning: dict[str, str]) -> str:
        return (await self._word_and_rest(prompt, meaning))[0]

    async def _word_and_rest(self, prompt: str, meaning: dict[str, str]) -> tuple[str, str]:
        """One of the words, or enough of its beginning to tell; anything else lists them."""
        while True:
            text = (await self._keyboard.line(f"{prompt} [{' / '.join(meaning)} / ?]: ")).strip()
            word, _, rest = text.partition(" ")
            fits = [known for known in meaning if word and known.startswith(word.lower())]
            if len(fits) == 1:
                return fits[0], rest.strip()
            for known, means in meaning.items():
                self._lines.say(f"    {known}: {means}")

    async def _label(self, ask: AskSecret) -> str | None:
        if not ask.labels:
            return ""
        while True:
            text = (await self._keyboard.line("  Whose share (number, or stop): ")).strip()
            label = _numbered(text, ask.labels)
            if text == "stop":
                return None
            if label is not None:
                return label
            if text == "call" or text.startswith("call "):
                await self._call(text.removeprefix("call").strip())
            else:
                self._say_share_answers(f"1 to {len(ask.labels)}")

    def _say_share_answers(self, answer: str) -> None:
        self._lines.say(f"    {answer}: the share")
        if self._phone is not None:
            self._lines.say("    call NAME: phone a practice custodian, who reads their share out")
        self._lines.say("    stop: no more shares can be had")

    async def _call(self, name: str) -> None:
        labels = self._phone.labels if self._phone else ()
        label = next((label for label in labels if name and name.lower() in label.lower()), None)
        if self._phone is None or label is None:
            self._lines.say(f"  Nobody of that name can be called. {', '.join(labels)}")
            return
        self._lines.say(f"  {label} reads out: {await self._phone.call(label)}")

    def _preview(self, preview: Preview) -> None:
        self._lines.say(f"    {preview.what}")
        self._lines.say(f"    target: {preview.target}")
        for call in preview.calls:
            self._lines.say(f"    call:   {call}")
        for change in preview.changes:
            before = f"{change.before} → " if change.before else ""
            self._lines.say(f"    {change.name}: {before}{change.after}")


def _numbered(text: str, things: Sequence[T]) -> T | None:
    """The thing of that number, counted from 1; None when the text is no such number."""
    return things[int(text) - 1] if text.isdecimal() and 1 <= int(text) <= len(things) else None


_MEANING = {
    Act.OPEN: "look at every layer once more, then open the checkpoint",
    Act.RETRY: "look again",
    Act.ATTEST: "attest REASON: state it yourself; it is an exception and the record says so",
    Act.BACK: "back STAGE REASON: the results from there on become void, nothing is made twice",
    Act.ABORT: "abort REASON: end the run, clean up, write the record",
}
