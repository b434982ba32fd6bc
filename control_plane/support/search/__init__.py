"""Finding an account by whatever is known of it (C1)."""
