"""Where one of the staff starts: what they have opened, and what waits."""
