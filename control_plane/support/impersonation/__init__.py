"""Seeing the console as an account does (C5)."""
