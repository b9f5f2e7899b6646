"""Values of the platform's secret groups are masked wherever they should turn up in the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from runbook.engine.ports import Secret
from steps.here import Here

GUARDED: Final = 12  # characters: a shorter value could be an ordinary word of the record


def guard_all(here: Here, groups: Mapping[str, Mapping[str, Secret]]) -> None:
    """Tell the guard each value that is no plain setting.

    A masked word in the record is one that a resumed run cannot read back: so none of a vault's addresses, which are
    written down to be put back, and nothing that the configuration or this run's own facts say.
    """
    vaults = {(each.secret_group, each.vault_variable) for each in here.environment.application.consumers}
    said = "\n".join(_texts([here.environment.model_dump(mode="json"), [each.facts for each in here.run.attempts]]))
    for group, variables in groups.items():
        for name, value in variables.items():
            text = value.reveal()
            if len(text) >= GUARDED and (group, name) not in vaults and text not in said:
                here.held.guard(value)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(list(value.values()))
    elif isinstance(value, Iterable):
        for each in value:
            yield from _texts(each)
