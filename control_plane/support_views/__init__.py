"""Seeing the console as an account does: what the console has of it."""
