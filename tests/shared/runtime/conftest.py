"""Fixtures of clusters that a test owns, and of HTTP/1.1 servers."""

from tests.shared.runtime.clusters import data_dir, place, seed_dir, start_app, used_dir
from tests.shared.runtime.http1_peers import leaving, served

__all__ = ["data_dir", "leaving", "place", "seed_dir", "served", "start_app", "used_dir"]
