"""Measuring: the load, what is measured of ours, and how it is shown (decision 0012)."""
