"""The staff audit (C10)."""
