"""Who asks too much (C9)."""
