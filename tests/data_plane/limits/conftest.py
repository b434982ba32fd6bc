"""What the tests of limits share: a Valkey, and issuers and clients with limits."""

from collections.abc import Iterator

import pytest

from tests.valkey import RunningValkey, run_valkey


@pytest.fixture(scope="session")
def valkey() -> Iterator[RunningValkey]:
    with run_valkey() as running:
        yield running


@pytest.fixture
def fragile_valkey() -> Iterator[RunningValkey]:
    """One for a test that breaks it."""
    with run_valkey() as running:
        yield running
