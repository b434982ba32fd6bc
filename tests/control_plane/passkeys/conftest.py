"""The console that these tests browse."""

from tests.control_plane.people.conftest import console, where_sessions_rest

__all__ = ["console", "where_sessions_rest"]
