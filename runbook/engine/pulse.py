"""Heartbeats: the one cheap check by which a passed stage goes on being watched, in the background and at each gate."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Generic

from runbook.engine.errors import LayerFailed, RecordFailed, Refused, RunbookError, SignedOut
from runbook.engine.events import Kind
from runbook.engine.ports import Clock
from runbook.engine.procedure import H, Look, Procedure, Stage
from runbook.engine.scribe import Scribe
from runbook.engine.together import beside, together
from runbook.engine.verdict import Observation, Verdict

LIMIT_S = 15.0  # a layer that does not answer in that time does not hold


class Watch(Generic[H]):
    """Looks at layers; `every` are the seconds between background looks at those that are open (None: no such)."""

    def __init__(
        self,
        procedure: Procedure[H],
        scribe: Scribe,
        clock: Clock,
        here_for: Callable[[str], H],
        every: float | None,
    ) -> None:
        self._procedure = procedure
        self._scribe = scribe
        self._clock = clock
        self._here_for = here_for
        self._every = every

    def watching(self) -> AbstractAsyncContextManager[None]:
        """Inside it every open layer is looked at, again and again."""
        if self._every is None:
            return contextlib.nullcontext()
        return beside(self._watch(self._every), name="heartbeats")

    async def look(self, stages: Iterable[Stage[H]], *, opening: Stage[H] | None = None) -> None:
        """Feel every pulse now, side by side; for `opening` its companions too, whatever their age."""
        await together(self._feel(stage, _looks(stage, opening=stage is opening)) for stage in stages)

    async def look_at_opened(self) -> None:
        """Every layer whose checkpoint is open."""
        await self.look([stage for stage in self._procedure.stages if stage.id in self._scribe.run.opened])

    async def look_at_fallen(self) -> None:
        """Those of them that were down when they were last looked at: what is said of them may be old."""
        run = self._scribe.run
        opened = [stage for stage in self._procedure.stages if stage.id in run.opened]
        await self.look([stage for stage in opened if (pulse := run.pulses.get(stage.id)) and not pulse.alive])

    async def _watch(self, every: float) -> None:
        while True:
            await self._clock.sleep(every)
            await self.look_at_opened()

    async def _feel(self, stage: Stage[H], looks: tuple[Look[H], ...]) -> None:
        seen: Observation | None = None
        for look in looks:
            seen = await self._seen(stage, look)
            if not seen.verdict.satisfies:
                break
        if seen is not None:
            self._scribe.say(
                Kind.HEARTBEAT,
                stage=stage.id,
                alive=seen.verdict.satisfies,
                verdict=str(seen.verdict),
                observed=seen.observed,
                source=seen.source,
                signed_out=seen.signed_out,
            )

    async def _seen(self, stage: Stage[H], look: Look[H]) -> Observation:
        expected = f"{stage.title} still holds"
        try:
            async with asyncio.timeout(LIMIT_S):
                return await look(self._here_for(stage.id))
        except RecordFailed:
            raise
        except TimeoutError:
            return Observation.inconclusive(
                expected=expected, observed=f"no answer within {LIMIT_S:.0f} s", source="heartbeat"
            )
        except (LayerFailed, Refused) as error:
            return Observation(Verdict.FAIL, expected, error.sentence, error.source)
        except RunbookError as error:
            system = error.system if isinstance(error, SignedOut) else ""
            return Observation.inconclusive(
                expected=expected, observed=error.sentence, source=error.source, signed_out=system
            )
        except Exception as error:  # noqa: BLE001  # shows as a fallen layer; it must not end the run
            return Observation.inconclusive(
                expected=expected, observed=f"a defect in this tool: {type(error).__name__}", source="runbook"
            )


def _looks(stage: Stage[H], *, opening: bool) -> tuple[Look[H], ...]:
    heartbeat = (stage.heartbeat,) if stage.heartbeat else ()
    return (*heartbeat, *(stage.at_opening if opening else ()))
