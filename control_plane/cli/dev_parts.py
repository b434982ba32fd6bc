"""The parts of `auth-service dev`: what each is told, and that all of them run.

They are forked from one process that has imported what they need (child.py).
"""

import os
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from importlib import import_module
from pathlib import Path

import click

from control_plane.cli import serve_control, serve_data, serve_support
from control_plane.cli.child import Child, start_child
from control_plane.cli.command import Terminal
from control_plane.cli.database import run_with_store
from control_plane.cli.demo import Demo, ensure_demo
from control_plane.cli.ending import Ending
from control_plane.cli.logins import let_in
from control_plane.cli.ports import HOST, Ports, free_port
from control_plane.cli.serve_alone import serve_alone
from control_plane.cli.serve_jobs import serve_jobs
from control_plane.cli.settings import Login, given_settings, new_key, read_kept, write_kept
from control_plane.cli.stripe_double import billing_of, double_settings, start_double
from migrations.run import migrate
from shared.domain.issuer import issuer_url
from shared.runtime.config import FIELDS, Config, read_config

_GLANCE = 0.1  # seconds
_PATIENCE = 30.0  # seconds until the planes must be ready
_AT_ONCE = {"DRAIN_DELAY": "0"}  # no balancer waits here, but a person does
# what the background work does by routine is not told below the banner, unless LOG_LEVEL asks
_QUIETLY = {"LOG_LEVEL": "WARNING"}


def _import_served() -> None:
    """Import, before anything is forked, what the parts would each import for themselves."""
    for each in (serve_data.APPLICATION, serve_control.WITH_MAILBOX, serve_support.APPLICATION):
        import_module(each.partition(":")[0])


def run_parts(terminal: Terminal, owner_url: str, ports: Ports, ending: Ending) -> None:
    """Migrate, run the parts, print how to reach them, and watch them until someone ends us.

    Raises Ended; click.ClickException where a part does not start, or ends by itself.
    """
    _import_served()
    ending.check()
    given = given_settings()
    environment = _prepare(terminal.data_dir, owner_url, ports, given, ending)
    config = read_config(environment | {Login.OWNER.value: environment[Login.CONTROL]})
    demo = run_with_store(ensure_demo(config, terminal.data_dir), ending.run)
    names = {f"{name}_FILE" for name in FIELDS}
    others = {name: value for name, value in os.environ.items() if name not in names}
    everyones = _AT_ONCE | others | environment
    data_plane = everyones | {Login.OWNER.value: environment[Login.DATA]}
    control = everyones | {Login.OWNER.value: environment[Login.CONTROL]}
    support = everyones | {Login.OWNER.value: environment[Login.SUPPORT]}
    catch_mail = "SMTP_URL" not in given
    console_app = serve_control.application_of(catch_mail=catch_mail)
    with (
        _serving(
            "The data plane", serve_data.APPLICATION, config.bind_address, data_plane
        ) as issuers,
        _serving("The console", console_app, config.console_bind_address, control) as console,
        _serving(
            "The support app", serve_support.APPLICATION, config.support_bind_address, support
        ) as staffs,
    ):
        issuers.wait_until_ready(f"http://{HOST}:{ports.data}/readyz", _PATIENCE, ending.check)
        console.wait_until_ready(f"http://{HOST}:{ports.console}/readyz", _PATIENCE, ending.check)
        staffs.wait_until_ready(f"http://{HOST}:{ports.support}/readyz", _PATIENCE, ending.check)
        # last, so that it takes no time from what someone waits for
        with (
            start_child("The background work", partial(serve_jobs, []), _QUIETLY | control) as jobs,
            start_double(terminal.data_dir, everyones) as double,
        ):
            _announce(terminal, config, demo, owner_url, mailbox=catch_mail)
            _watch([issuers, console, jobs, staffs, *double], ending)


def _serving(
    name: str, application: str, address: tuple[str, int], environment: Mapping[str, str]
) -> AbstractContextManager[Child]:
    return start_child(name, partial(serve_alone, application, address), environment)


def _watch(children: list[Child], ending: Ending) -> None:
    """Wait until someone ends us; a child that ends by itself is a fault."""
    while all(child.runs() for child in children):
        ending.check()
        time.sleep(_GLANCE)
    ended = next(child.name for child in children if not child.runs())
    raise click.ClickException(f"{ended} has ended by itself.")


def _prepare(
    data_dir: Path, owner_url: str, ports: Ports, given: dict[str, str], ending: Ending
) -> dict[str, str]:
    """Migrate, let the two planes log in, and keep what the other commands need to know."""
    kept = read_kept(data_dir)
    master_key = given.get("MASTER_KEY") or kept.get("MASTER_KEY") or new_key()
    run_with_store(migrate(owner_url), ending.run)
    logins = run_with_store(let_in(owner_url, master_key), ending.run)
    taken = {ports.data, ports.console, ports.support}
    environment = {
        "SECRET_PEPPER": kept.get("SECRET_PEPPER") or new_key(),
        "PUBLIC_URL": f"http://{HOST}:{ports.data}",
        # the one name to which browsers give passkeys and Secure cookies without TLS
        "CONSOLE_URL": f"http://localhost:{ports.console}",
        "SUPPORT_URL": f"http://localhost:{ports.support}",
        "SMTP_URL": f"smtp://{HOST}:{free_port(HOST, taken)}",
        "SPOOL_DIR": str((data_dir / "spool").absolute()),
        "ALLOWED_HOSTS": "localhost",  # as people type it
        "OUTBOUND_NETWORKS": "127.0.0.0/8,::1/128",  # a client's key set is on this machine too
        **double_settings(given, kept, HOST, taken),
        **given,
        "BIND_ADDRESS": f"{HOST}:{ports.data}",
        "CONSOLE_BIND_ADDRESS": f"{HOST}:{ports.console}",
        "SUPPORT_BIND_ADDRESS": f"{HOST}:{ports.support}",
        "MASTER_KEY": master_key,
        Login.OWNER.value: owner_url,
        Login.CONTROL.value: logins["control"],
        Login.DATA.value: logins["data"],
        Login.SUPPORT.value: logins["support"],
    }
    write_kept(data_dir, environment)
    return environment


def _announce(
    terminal: Terminal, config: Config, demo: Demo, owner_url: str, *, mailbox: bool
) -> None:
    issuer = issuer_url(config.public_url, demo.slug)
    mail = f"\n  mail       {config.console_url}/dev/mailbox" if mailbox else ""
    billing = f"\n  billing    {billing_of(config)}"
    data_dir = _data_dir_option(terminal.data_dir)
    terminal.show(
        {
            "issuer": issuer,
            "client_id": demo.client_id,
            "client_secret": demo.client_secret,
            "audience": demo.audience,
            "token_endpoint": f"{issuer}/oauth/token",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "database_url": owner_url,
            "console_url": config.console_url,
            "console_email": demo.console_email,
            "console_password": demo.console_password,
            "support_url": config.support_url,
        },
        f"""
auth-service is running. Ctrl-C stops it.

  issuer         {issuer}
  client_id      {demo.client_id}
  client_secret  {demo.client_secret}
  audience       {demo.audience}

The console:

  open       {config.console_url}
  e-mail     {demo.console_email}
  password   {demo.console_password}{mail}{billing}

The support app, for our own staff, of whom there is nobody until you say so:

  open       {config.support_url}/support
  be one     auth-service staff create --email you@example.com --name You --role lead{data_dir}

Get your first token:

  curl -u {demo.client_id}:{demo.client_secret} \\
    -d grant_type=client_credentials {issuer}/oauth/token
""",
        f"auth-service tenant create my-tenant{data_dir}",
    )


def _data_dir_option(data_dir: Path) -> str:
    return "" if data_dir == Path(".auth-service") else f" --data-dir {data_dir}"
