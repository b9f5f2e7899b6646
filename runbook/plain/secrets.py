"""Shares, codes and credentials, line by line: whose it is with echo, what it is without."""

from __future__ import annotations

from collections.abc import Callable

from runbook.engine.ports import CODE_DIGITS, AskSecret, Secret, SecretAnswer
from runbook.plain.keyboard import Keyboard
from runbook.plain.lines import Lines
from runbook.plain.prompts import WITHDRAW, Prompts
from runbook.plain.typed import called, numbered
from runbook.views import Phone


class Secrets:
    """Asks for one of them.  `phone` is asked each time: the practice estate starts later than this."""

    def __init__(self, lines: Lines, keyboard: Keyboard, prompts: Prompts, phone: Callable[[], Phone | None]) -> None:
        self._lines = lines
        self._keyboard = keyboard
        self._prompts = prompts
        self._phone = phone

    async def ask(self, ask: AskSecret) -> SecretAnswer:
        """A share, or `call NAME` (training), `stop`, `none`; the code of a device; a credential."""
        if ask.note:
            self._lines.say(f"  {ask.note}")
        self._say_who(ask)
        asking = {"code": self._code, "credential": self._credential, "share": self._share}
        return await asking[ask.kind](ask)

    def _say_who(self, ask: AskSecret) -> None:
        """From whom it may come, and the other way in."""
        if ask.needed > 1:
            self._lines.say(f"  {ask.prompt}: {ask.entered} of {ask.needed} are in")
        for number, (label, remark) in enumerate(ask.people, start=1):
            if len(ask.labels) > 1 or remark:
                self._lines.say(f"  {number:>3}  {label}{f'  ({remark})' if remark else ''}")
        if ask.hint:
            self._lines.say(f"  {ask.hint}")

    async def _credential(self, ask: AskSecret) -> SecretAnswer:
        """As it is but for the ends of the line; Enter alone stops, and no credential is a question mark."""
        prompt = f"  {ask.prompt} (not shown; Enter = stop): "
        while (text := (await self._keyboard.line(prompt, masked=True)).strip()) == "?":
            self._say_answers({"what was issued": "pasted or typed as it is", "Enter": "stop; it is not entered"})
        return SecretAnswer(Secret(text) if text else None)

    # -- shares ---------------------------------------------------------------------------------------------------
    async def _share(self, ask: AskSecret) -> SecretAnswer:
        while True:
            whose = await self._label(ask)
            answer = await self._share_of(whose, ask) if isinstance(whose, str) else whose
            if not answer.none_left or await self._nobody_else(ask):
                return answer

    async def _label(self, ask: AskSecret) -> str | SecretAnswer:
        """Whose it is; or the answer with which the operator stops entering."""
        if len(ask.labels) <= 1:
            return ask.labels[0] if ask.labels else ""
        while True:
            words = self._answers(f"1 to {len(ask.labels)}")
            text = await self._prompts.line("  Whose share (number, stop or none): ", words)
            if text in _ENDS:
                return _ENDS[text]
            if (label := numbered(text, ask.labels)) is not None:
                return label
            if (name := called(text)) is not None:
                await self._call(name)
            else:
                self._prompts.say_words(words)

    async def _share_of(self, whose: str, ask: AskSecret) -> SecretAnswer:
        prompt = f"  {ask.prompt} of {whose}, {ask.entered} of {ask.needed} are in (not shown): "
        while True:
            text = (await self._keyboard.line(prompt, masked=True)).strip()
            if text in _ENDS:
                return _ENDS[text]
            if (name := called(text)) is not None:
                await self._call(name or whose)
            elif text in {"", "?"}:
                self._say_answers(self._answers("what was read out or pasted"))
            else:
                return SecretAnswer(Secret("".join(text.split())), whose)

    async def _nobody_else(self, ask: AskSecret) -> bool:
        """It ends the attempt, so it is asked once more."""
        self._lines.say(f"  Nobody else can be reached: with fewer than {ask.needed} shares the vault stays shut.")
        words = {"yes": "nobody else can be reached: FAIL", "no": "ask again whose share"}
        said = await self._prompts.line("  Is it so? This attempt ends as FAIL [yes / no] (Enter = no): ", words)
        return said.lower() in {"y", "yes"}

    def _answers(self, answer: str) -> dict[str, str]:
        words = {answer: "the share"}
        if self._phone() is not None:
            words["call NAME"] = "phone a practice custodian, who reads their share out"
        words[WITHDRAW] = "no more for now; the run can wait"
        words["none"] = "nobody else can be reached; with too few shares the vault stays shut"
        return words

    def _say_answers(self, words: dict[str, str]) -> None:
        """Where nothing is shown, what works at other questions does not: any word could be a share."""
        for word, means in words.items():
            self._lines.say(f"    {word}: {means}")

    # -- codes ----------------------------------------------------------------------------------------------------
    async def _code(self, ask: AskSecret) -> SecretAnswer:
        device = ask.labels[0] if ask.labels else ""
        while True:
            text = (await self._keyboard.line(f"  {ask.prompt} ({device}; stop = none): ", masked=True)).strip()
            code = "".join(text.split())
            if text == "stop":
                return SecretAnswer(None)
            if called(text) is not None:
                await self._call(device)
            elif code.isdecimal() and len(code) == CODE_DIGITS:
                return SecretAnswer(Secret(code), device)
            else:
                self._say_code_answers()

    def _say_code_answers(self) -> None:
        self._lines.say(f"    The {CODE_DIGITS} digits that the device shows now, or stop: there is no device at hand")
        if self._phone() is not None:
            self._lines.say("    call: have the practice device read out its code")

    # -- training -------------------------------------------------------------------------------------------------
    async def _call(self, name: str) -> None:
        phone = self._phone()
        labels = phone.labels if phone else ()
        label = next((label for label in labels if name and name.lower() in label.lower()), None)
        if phone is None or label is None:
            self._lines.say(f"  Nobody of that name can be called. {', '.join(labels)}")
            return
        self._lines.say(f"  {label} reads out: {await phone.call(label)}")


_ENDS = {"stop": SecretAnswer(None), "none": SecretAnswer(None, none_left=True)}
