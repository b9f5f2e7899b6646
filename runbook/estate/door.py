"""The one door by which blocking calls leave the event loop: a thread pool of ours, context carried along."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Door:
    """Runs blocking adapter code in threads; sized for the widest stage, so that no check waits for another."""

    def __init__(self, width: int = 24) -> None:
        self._executor = ThreadPoolExecutor(max_workers=width, thread_name_prefix="estate")

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Await `function(*args, **kwargs)` in a thread; the interlock's permit travels with the context."""
        context = contextvars.copy_context()
        call = functools.partial(context.run, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def close(self) -> None:
        """Let go of the threads; calls under way are not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)
