"""An installation whose days may be dropped."""

import pytest

from shared.runtime.embedded import EmbeddedPostgres
from tests.conftest import new_installation
from tests.support import Installation


@pytest.fixture
def fresh(postgres: EmbeddedPostgres) -> Installation:
    return new_installation(postgres.url)
