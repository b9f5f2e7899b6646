"""What holds between the tables of `runbook.toml`.

Judged on the plain values, so that one mistake hides no other: a check looks at what is there and has the right type,
and leaves the rest to the models.  No sentence repeats a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from runbook.config.checks import accounts, addresses, apart, pasted, together
from runbook.config.checks.plain import Plain
from runbook.toml_file import Mistake

_CHECKS: Final[tuple[Callable[[Plain], Iterator[Mistake]], ...]] = (
    *accounts.CHECKS,
    *addresses.CHECKS,
    *apart.CHECKS,
    *together.CHECKS,
)


def all_of(data: Mapping[str, Any], of_models: Iterable[Mistake]) -> list[Mistake]:
    """With those that the models found; nothing else is said of a secret, or of a placeholder that is still there."""
    file = Plain(data)
    first = list(pasted.found(file))
    silenced = {mistake.loc for mistake in first}
    others = (*of_models, *(mistake for check in _CHECKS for mistake in check(file)))
    return [*first, *(each for each in others if not any(each.loc[: len(loc)] == loc for loc in silenced))]
