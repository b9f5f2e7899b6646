"""One line for a question; what works at every question is answered here, and the question asked again."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from types import MappingProxyType
from typing import Final

from runbook.plain.asides import Asides
from runbook.plain.keyboard import Keyboard
from runbook.plain.lines import Lines

WITHDRAW: Final = "stop"
"""Taken back: the question before this one, or none of the form."""
Words = Mapping[str, str]
"""What can be typed, and what each of them means."""
Looks = Mapping[str, Callable[[], None]]
"""What this question alone can say more about, by its word."""
NOTHING: Final[Looks] = MappingProxyType({})


class Prompts:
    """Asks for lines that are shown as they are typed; what is masked, or taken to the letter, goes past this."""

    def __init__(self, lines: Lines, keyboard: Keyboard, asides: Asides) -> None:
        self._lines = lines
        self._keyboard = keyboard
        self._asides = asides

    def about(self, place: str, question: str) -> None:
        """What is asked about from now on: a step's or a stage's id, "" for neither; and the question itself."""
        self._asides.about(place, question)

    async def line(self, prompt: str, words: Words, looks: Looks = NOTHING) -> str:
        """What was typed, without the blanks around it; `?` says what can be."""
        while True:
            text = (await self._keyboard.line(prompt)).strip()
            if text == "?":
                self.say_words(words)
            elif text in looks:
                looks[text]()
            elif not self._asides.answered(text):
                return text

    async def word(
        self, prompt: str, words: Words, looks: Looks = NOTHING, *, empty: str = "", more: Container[str] = ()
    ) -> tuple[str, str]:
        """One of the words, and the text after it; `empty` is what Enter means.

        Alone, enough of its beginning to tell is the word.  A sentence is not: text follows only what is typed in
        full, and only those words that take `more`.
        """
        while True:
            text = await self.line(f"{prompt} [{' / '.join(words)} / ?]: ", words, looks) or empty
            typed, _, rest = text.partition(" ")
            word = typed.lower()
            fits = [known for known in words if word and known.startswith(word)]
            if len(fits) == 1 and (not rest or (word in words and word in more)):
                return fits[0], rest.strip()
            self.say_words(words)

    async def agreed(self, prompt: str, words: Words) -> bool:
        """Whether the first of the two words was answered."""
        return (await self.word(prompt, words))[0] == next(iter(words))

    async def reason(self) -> str | None:
        """Why, for the record; None: they thought better of it."""
        words = {"TEXT": "why, in a sentence; it goes into the record", WITHDRAW: "not that: ask again what to do"}
        while not (reason := await self.line(f"  Reason (it goes into the record; {WITHDRAW} = not that): ", words)):
            self._lines.say("    A reason is needed: it stands in the record.")
        return None if reason == WITHDRAW else reason

    def say_words(self, words: Words) -> None:
        """What can be typed here, then what can be typed anywhere."""
        for word, means in {**words, **self._asides.words}.items():
            self._lines.say(f"    {word}: {means}")
