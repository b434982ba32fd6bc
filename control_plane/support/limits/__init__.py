"""Overriding an account's limits for a while (C3)."""
