"""Standard input, line by line, beside a run that goes on."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TextIO

from runbook.engine.errors import OperatorGone
from runbook.plain import ahead, echo, pasting
from runbook.plain.lines import printable

_BAD_BYTES = "replace"  # half of a deleted letter, on a serial console, is no reason to stop reading
_SETTLES_S = 0.01  # from a line that is there to the reading thread's word of it
DROPPED = "  That is not asked any more, and what was typed for it is dropped.  Press Enter to go on: "


@dataclass(slots=True)
class _Read:
    """One line that is being read, or was and nobody took it; `masked`: what it holds may be a secret.

    `came`: it is there, although the loop may not have heard of it yet.
    """

    line: asyncio.Future[str | None]
    masked: bool
    came: bool = False


class Keyboard:
    """Reads lines in a thread of its own, so that the run goes on while it waits for one.

    A question that is withdrawn leaves its read standing, since a blocked read cannot be taken back.  The next question
    gets that line, unless the withdrawn one was masked: a share is shown to nobody and answers nothing else.  On a
    terminal a line must have been typed since its question was shown; through a pipe all of them may come at once.
    """

    def __init__(self, source: TextIO) -> None:
        self._source = source
        if isinstance(source, io.TextIOWrapper) and source.errors != _BAD_BYTES:
            source.reconfigure(errors=_BAD_BYTES)
        self._wanted: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._standing: _Read | None = None
        self._one_at_a_time = asyncio.Lock()
        self.prompt = ""  # what is being waited behind, "" when nothing is asked

    async def line(self, prompt: str, *, masked: bool = False) -> str:
        """The next line, stripped of its end; OperatorGone when there is none."""
        async with self._one_at_a_time:
            return await self._line(prompt, masked=masked)

    async def exact(self, prompt: str) -> str:
        """The same for what must be typed to the letter: a line end that was pasted does not count."""
        async with self._one_at_a_time:
            with pasting.marked(self._source):
                return pasting.as_typed(await self._line(prompt, masked=False))

    def close(self) -> None:
        """A run that was left while a secret was asked for leaves the terminal as it found it."""
        if self._standing is not None and self._standing.masked:
            echo.on(self._source)

    async def _line(self, prompt: str, *, masked: bool) -> str:
        if self._standing is not None and self._standing.masked:
            await self._drop(self._standing)
        self._forget()
        if masked and not (self._standing is not None and self._standing.line.done()):
            echo.off(self._source)  # also for a read that was begun with echo
            if self._standing is not None and self._source.isatty():
                await asyncio.sleep(_SETTLES_S)
                if self._standing.came:  # just now, and as no secret
                    self._forget()
        text = await self._wait(prompt, masked=masked)
        if text is None:
            self.close()
            raise OperatorGone("standard input ended while an answer was needed", source="operator")
        return text

    async def _drop(self, read: _Read) -> None:
        """Until Enter is pressed nobody knows what has been typed, and echo stays off."""
        if read.came:
            self._standing = None
        elif not read.line.done():
            await self._wait(DROPPED, masked=True)

    async def _wait(self, prompt: str, *, masked: bool) -> str | None:
        with self._prompting(prompt):
            read = self._standing = self._standing or self._begin(masked=masked)
            read.masked = masked
            text = await asyncio.shield(read.line)
        self._standing = None if text is not None else read  # an input that ended stays ended
        return text

    def _forget(self) -> None:
        """What was typed at a terminal up to now: it answers no question that is not shown yet."""
        read = self._standing
        held = read is not None and read.came and self._source.isatty()
        if held:
            self._standing = None
        said = ahead.drop(self._source, reading=self._standing is not None)
        _write(ahead.SAID if held else said)

    @contextlib.contextmanager
    def _prompting(self, prompt: str) -> Iterator[None]:
        self.prompt = printable(prompt)  # it may name what stands in a file, or what a provider said
        _write(self.prompt)
        try:
            yield
        except asyncio.CancelledError:
            _write("\n")
            raise
        finally:
            self.prompt = ""

    def _begin(self, *, masked: bool) -> _Read:
        loop = asyncio.get_running_loop()
        read = _Read(loop.create_future(), masked)

        def settle(text: str | None) -> None:
            if not read.line.done():  # the run may have been cancelled meanwhile
                read.line.set_result(text)

        def work() -> None:
            text = ""
            try:
                with contextlib.suppress(OSError, ValueError):  # a terminal that was closed: nobody types any more
                    text = self._source.readline()
                self._end_line(read)
                read.came = bool(text)
            finally:  # whatever became of it, nobody waits for this read for ever
                with contextlib.suppress(RuntimeError):  # the loop may be closed: the run was interrupted meanwhile
                    loop.call_soon_threadsafe(settle, text.rstrip("\r\n") if text else None)

        self._wanted.put(work)
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True, name="keyboard")
            self._thread.start()
        return read

    def _end_line(self, read: _Read) -> None:
        """What no terminal ended is ended here; what was typed is not repeated: it may be a share."""
        if read.masked:
            echo.on(self._source)
        if read.masked or not (self._source.isatty() and sys.stdout.isatty()):
            _write("\n")

    def _serve(self) -> None:
        while True:
            self._wanted.get()()


def _write(text: str) -> None:
    with contextlib.suppress(OSError):  # a pipe or a terminal that was closed: the run and its record go on
        sys.stdout.write(text)
        sys.stdout.flush()
