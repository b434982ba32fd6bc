"""Stripe's events and the reconciliation (C6, C7)."""
