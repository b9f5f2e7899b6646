"""Fixtures for the tests of safety."""

from tests.estate_adapters.conftest import service_models_are_read_once

__all__ = ["service_models_are_read_once"]
