"""The console that these tests browse."""

from tests.control_plane.people.conftest import console

__all__ = ["console"]
