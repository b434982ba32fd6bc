"""What the browser gets: templates, and static files. No code."""

from pathlib import Path

ROOT = Path(__file__).parent
