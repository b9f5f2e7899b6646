"""The exceptions that the engine understands.

    RunbookError
      NoVerdict        a provider could not be asked: the step is INCONCLUSIVE
        Outdated       … since what the operator agreed to is no longer so: nothing was done, and nothing is attested
        SignedOut      … because it does not know us any more: sign in again in place, then the step goes on
      LayerFailed      an action was refused or came out wrong: the step is FAIL
        HardStop       … and to go on would do harm: nothing is left but to end the run
      Refused          a safety rule stands in the way: exit code 4, never attestable
      RecordFailed     the record could not be written or is damaged: exit code 7
      WrongUse         wrong usage, configuration or scenario: exit code 2
      OperatorGone     nobody answers any more: the run waits, and can be resumed

Adapters raise `NoVerdict` and `LayerFailed` with a sentence in the operator's words, a fix, and the
provider's own text (cleaned by `safety.outside_text`).  Anything else that escapes is a defect.
"""

from __future__ import annotations


class RunbookError(Exception):
    """Base of all; `str()` is one sentence for the operator."""

    def __init__(self, sentence: str, *, fix: str = "", provider_text: str = "", source: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fix = fix
        self.provider_text = provider_text
        self.source = source


class NoVerdict(RunbookError):
    """The provider could not be reached, did not answer in time, refused our sign-in, or cannot do it now."""


class Outdated(NoVerdict):
    """What the operator agreed to is no longer what would be done; like a refusal of theirs, it is never attested."""


class SignedOut(NoVerdict):
    """The sign-in to `system` (`aws`, `vault`) has run out or was never made: the step that signs in can renew it."""

    def __init__(self, system: str, sentence: str, *, fix: str = "", provider_text: str = "", source: str = "") -> None:
        super().__init__(sentence, fix=fix, provider_text=provider_text, source=source)
        self.system = system


class LayerFailed(RunbookError):
    """The provider answered, and its answer is about the layer or the backup."""


class HardStop(LayerFailed):
    """What was restored acts where it must not: the run ends here, and its closing takes the thing away."""


class Refused(RunbookError):
    """The interlock or another safety rule forbids it, in any mode, for anybody."""


class RecordFailed(RunbookError):
    """A record could not be written, or does not verify."""


class OperatorGone(RunbookError):
    """The operator's end of the line is closed while an answer is needed: no verdict, the run can be resumed."""


class WrongUse(RunbookError):
    """Wrong command line, configuration or scenario; names file, key, line and the fix."""
