"""What botocore knows of AWS's services: megabytes of JSON, read once a process and shared by all of its sessions."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from botocore.loaders import Loader

_OF_ALL: Final = ("partitions", "sdk-default-configuration", "_retry")
_OF_EACH: Final = ("service-2", "endpoint-rule-set-1")


@cache
def shared() -> Loader:
    """Reads botocore's own files, and none that the machine has in ~/.aws/models."""
    from botocore.loaders import Loader

    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


def load(services: Iterable[str]) -> None:
    """Read whatever a client of these is made of: as botocore asks for it, or it would be read again."""
    loader = shared()
    loader.load_data_with_path("endpoints")
    for name in _OF_ALL:
        loader.load_data(name)
    for service in services:
        for kind in _OF_EACH:
            loader.load_service_model(service, kind, api_version=None)
