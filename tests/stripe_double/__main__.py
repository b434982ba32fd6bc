"""`python -m tests.stripe_double`: the double as a process, as `auth-service dev` starts it.

STRIPE_WEBHOOK_SECRET signs what it sends.
"""

import argparse
import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

from control_plane.billing.catalogue import sync
from control_plane.billing.stripe_gateway import StripeGateway
from tests.stripe_double.kept import write_kept
from tests.stripe_double.server import SECRET, StripeDouble, run_stripe_double

_KEEP_EVERY = 1.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.stripe_double", description=__doc__)
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--webhook-url", help="where events go; nowhere where it is not given")
    parser.add_argument(
        "--state", type=Path, help="a file that keeps everything from start to start"
    )
    parser.add_argument(
        "--sells-plans", action="store_true", help="begin as `stripe sync` leaves it"
    )
    given = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with run_stripe_double(
        port=given.port,
        webhook_url=given.webhook_url,
        secret=os.environ.get("STRIPE_WEBHOOK_SECRET", SECRET),
        delivers=given.webhook_url is not None,
        state=given.state,
    ) as double:
        if given.sells_plans:
            asyncio.run(_sell_plans(double))
        print(f"The Stripe double serves on {double.url}", file=sys.stderr, flush=True)  # noqa: T201
        events = 0
        while not stopped.wait(_KEEP_EVERY):
            if given.state is not None and events != len(double.events):
                events = len(double.events)
                _keep(double, given.state)
        if given.state is not None:
            _keep(double, given.state)


def _keep(double: StripeDouble, path: Path) -> None:
    with double.lock:
        write_kept(double.store, path)


async def _sell_plans(double: StripeDouble) -> None:
    gateway = StripeGateway(double.key, double.url)
    try:
        await sync(gateway)
    finally:
        await gateway.close()


if __name__ == "__main__":
    main()
