"""Suspending an account in three degrees; deleting a tenant by two people (C4)."""
