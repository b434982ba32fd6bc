"""Stripe's own command line, an independent client: its sequences of calls do what they promise."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.node import install, skip_without_node
from tests.stripe_double.server import StripeDouble, run_stripe_double

_NPM = Path(__file__).parent / "npm"
_PATIENCE = 60  # seconds

TRIGGERS = [
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.trial_will_end",
    "customer.updated",
    "price.created",
    "invoice.paid",
    "billing_portal.session.created",
    "payment_method.attached",
]


@pytest.fixture(scope="module")
def program() -> Path:
    skip_without_node("@stripe/cli (npm) was not run")
    install(_NPM)
    found = _NPM / "node_modules/@stripe/cli-linux-x64/bin/stripe"
    if not found.exists():
        pytest.skip("@stripe/cli (npm) was not run: its program here is for Linux on x86-64")
    return found


@pytest.fixture(scope="module")
def triggered() -> Iterator[StripeDouble]:
    with run_stripe_double() as running:
        yield running


@pytest.mark.parametrize("event", TRIGGERS)
def test_a_trigger_brings_its_event_about(
    triggered: StripeDouble, program: Path, tmp_path: Path, event: str
) -> None:
    told = len(triggered.events)
    arguments = ["--api-base", triggered.url, "--api-key", triggered.key]
    done = subprocess.run(
        [program, "trigger", event, *arguments],
        env=os.environ | {"STRIPE_CLI_TELEMETRY_OPTOUT": "1", "XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Trigger succeeded" in done.stdout + done.stderr
    assert event in [each["type"] for each in triggered.events[told:]]
