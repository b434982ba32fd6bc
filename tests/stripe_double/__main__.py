"""`python -m tests.stripe_double`: the double as a process, as `auth-service dev` starts it."""

import argparse
import signal
import threading

from tests.stripe_double.server import SECRET, run_stripe_double


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.stripe_double", description=__doc__)
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--webhook-url", help="where events go; nowhere where it is not given")
    parser.add_argument("--secret", default=SECRET, help="that signs them [default: %(default)s]")
    given = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with run_stripe_double(
        port=given.port,
        webhook_url=given.webhook_url,
        secret=given.secret,
        delivers=given.webhook_url is not None,
    ) as double:
        print(f"The Stripe double serves on {double.url}", flush=True)  # noqa: T201
        stopped.wait()


if __name__ == "__main__":
    main()
