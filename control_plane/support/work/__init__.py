"""Jobs and mail (C8)."""
