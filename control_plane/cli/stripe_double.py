"""The double of Stripe that `auth-service dev` runs, so that a purchase can be clicked through.

It is part of the tests and thus of a source checkout alone. Where it is not, or where the
environment says anything of a Stripe, `dev` starts none.
"""

import runpy
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

from control_plane.cli.child import Child, start_child
from control_plane.cli.ports import free_port, is_free
from shared.runtime.config import Config

_MODULE = "tests.stripe_double"
_ROOT = Path(__file__).parents[2]
_KEY = "sk_test_of_the_double"


def double_settings(
    given: Mapping[str, str], kept: Mapping[str, str], host: str, taken: Collection[int]
) -> dict[str, str]:
    """Give the variables that lead to it; none where it is not to be started.

    It has the address it had, where that is free: what it made before links to it.
    """
    if (
        any(name.startswith("STRIPE_") for name in given)
        or not (_ROOT / "tests/stripe_double").is_dir()
    ):
        return {}
    port = urlsplit(kept.get("STRIPE_API_BASE", "")).port
    if kept.get("STRIPE_API_KEY") != _KEY or port is None or not is_free(host, port):
        port = free_port(host, taken)
    return {
        "STRIPE_API_KEY": _KEY,
        "STRIPE_API_BASE": f"http://{host}:{port}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{token_hex(16)}",
    }


@contextmanager
def start_double(data_dir: Path, environment: Mapping[str, str]) -> Iterator[list[Child]]:
    """Run it until the block is left; nobody waits for it. Gives none where there is none."""
    if environment.get("STRIPE_API_KEY") != _KEY:
        yield []
        return
    console = environment["CONSOLE_BIND_ADDRESS"]
    arguments = [
        f"--port={urlsplit(environment['STRIPE_API_BASE']).port}",
        f"--webhook-url=http://{console}/webhooks/stripe",
        f"--state={(data_dir / 'stripe-double.json').absolute()}",
        "--sells-plans",
    ]
    with start_child("The Stripe double", partial(_run, arguments), environment) as double:
        yield [double]


def _run(arguments: list[str]) -> None:
    """Do what `python -m tests.stripe_double` does in the folder of the source."""
    sys.path.insert(0, str(_ROOT))
    sys.argv = [_MODULE, *arguments]
    runpy.run_module(_MODULE, run_name="__main__")


def billing_of(config: Config) -> str:
    """Tell a person what there is to buy from."""
    if config.stripe_api_key is None:
        return "none: STRIPE_API_KEY is not set"
    if config.stripe_api_key == _KEY:
        return f"{config.stripe_api_base} (a double of Stripe: no money moves)"
    return config.stripe_api_base
