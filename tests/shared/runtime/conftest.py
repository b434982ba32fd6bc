"""Fixtures of clusters that a test owns."""

from tests.shared.runtime.clusters import data_dir, place, seed_dir, start_app, used_dir

__all__ = ["data_dir", "place", "seed_dir", "start_app", "used_dir"]
