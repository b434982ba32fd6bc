"""An account and its tenants as support sees them, and why requests fail (C2)."""
