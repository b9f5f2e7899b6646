"""What the tests on real OpenBao servers share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.estate.vault_lab import Lab, laboratory


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Servers that a module makes as it needs them; they go with it."""
    with laboratory(tmp_path_factory.mktemp("lab")) as lab:
        yield lab
