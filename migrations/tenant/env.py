"""The tenant tree has no environment of its own: migrations/run.py renders it to SQL."""

raise SystemExit("run `auth-service migrate`: it takes every tenant's schema to the head")
