"""All that a store knows in a file, for a `dev` that is started again."""

import json
import os
from pathlib import Path

from tests.stripe_double.store import Store


def read_kept(store: Store, path: Path) -> None:
    """Take what the file has; nothing where there is none yet."""
    if not path.exists():
        return
    kept = json.loads(path.read_text())
    store.objects.update(kept["objects"])
    store.events.extend(kept["events"])
    store.undelivered.update(kept["undelivered"])
    store.clock.move(kept["ahead"])


def write_kept(store: Store, path: Path) -> None:
    """Write it whole or not at all."""
    kept = {
        "objects": store.objects,
        "events": store.events,
        "undelivered": sorted(store.undelivered),
        "ahead": store.clock.ahead,
    }
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(kept, file, default=str)
    fresh.replace(path)
