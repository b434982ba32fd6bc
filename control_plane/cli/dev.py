"""`auth-service dev`: everything on this machine, from nothing."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from control_plane.cli.child import Child, start_child
from control_plane.cli.command import Terminal, command
from control_plane.cli.demo import Demo, ensure_demo
from control_plane.cli.ending import Ended, Ending
from control_plane.cli.logins import let_in
from control_plane.cli.ports import free_port, is_free, refuse_taken_port
from control_plane.cli.settings import Login, new_key, read_kept, write_kept
from control_plane.cli.stripe_double import billing_of, double_settings, start_double
from migrations.run import migrate
from shared.domain.issuer import issuer_url
from shared.runtime.config import FIELDS, Config, ConfigError, read_config, text_of
from shared.runtime.embedded import EmbeddedPostgresError, start_postgres

_group = click.Group()

_HOST = "127.0.0.1"
_DEFAULT_PORT = 8080
_DEFAULT_CONSOLE_PORT = 8081
_DEFAULT_SUPPORT_PORT = 8082
_GLANCE = 0.1  # seconds
_PATIENCE = 30.0  # seconds until the planes must be ready
_AT_ONCE = {"DRAIN_DELAY": "0"}  # no balancer waits here, but a person does
# what the background work does by routine is not told below the banner, unless LOG_LEVEL asks
_QUIETLY = {"LOG_LEVEL": "WARNING"}


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    data: int
    console: int
    support: int


@command(_group, "dev")
@click.option("--port", type=click.IntRange(1, 65535), default=_DEFAULT_PORT, show_default=True)
@click.option(
    "--console-port",
    type=click.IntRange(1, 65535),
    help=f"[default: {_DEFAULT_CONSOLE_PORT}, or another where that is taken]",
)
@click.option(
    "--support-port",
    type=click.IntRange(1, 65535),
    help=f"[default: {_DEFAULT_SUPPORT_PORT}, or another where that is taken]",
)
def dev(terminal: Terminal, port: int, console_port: int | None, support_port: int | None) -> None:
    """Run everything on this machine, from nothing: Ctrl-C stops all of it.

    PostgreSQL is embedded, unless DATABASE_URL names one. Mail goes to a page of the console,
    unless SMTP_URL names a server.
    """
    with Ending() as ending:
        _serve(terminal, port, (console_port, support_port), ending)


def _serve(
    terminal: Terminal, port: int, asked: tuple[int | None, int | None], ending: Ending
) -> None:
    try:
        refuse_taken_port(_HOST, port)
        console = _port("--console-port", asked[0], _DEFAULT_CONSOLE_PORT, {port})
        support = _port("--support-port", asked[1], _DEFAULT_SUPPORT_PORT, {port, console})
        ports = Ports(data=port, console=console, support=support)
        with _alone(terminal.data_dir), _database_url(terminal.data_dir) as owner_url:
            ending.check()
            _run(terminal, owner_url, ports, ending)
    except Ended:
        terminal.say("\nStopped.")
    except EmbeddedPostgresError as error:
        raise click.ClickException(str(error)) from error


def _port(option: str, asked: int | None, usual: int, taken: set[int]) -> int:
    """Give the port that was asked for, which must be free; else the usual one, or any other."""
    if asked is not None:
        if asked in taken:
            raise click.UsageError(f"{option} must differ from the other ports.")
        refuse_taken_port(_HOST, asked)
        return asked
    return usual if usual not in taken and is_free(_HOST, usual) else free_port(_HOST, taken)


def _run(terminal: Terminal, owner_url: str, ports: Ports, ending: Ending) -> None:
    given = _given()
    environment = _prepare(terminal.data_dir, owner_url, ports, given, ending)
    config = read_config(environment | {Login.OWNER.value: environment[Login.CONTROL]})
    demo = ending.run(ensure_demo(config, terminal.data_dir))
    names = {f"{name}_FILE" for name in FIELDS}
    others = {name: value for name, value in os.environ.items() if name not in names}
    everyones = _AT_ONCE | others | environment
    data_plane = everyones | {Login.OWNER.value: environment[Login.DATA]}
    control = everyones | {Login.OWNER.value: environment[Login.CONTROL]}
    support = everyones | {Login.OWNER.value: environment[Login.SUPPORT]}
    catch_mail = [] if "SMTP_URL" in given else ["--catch-mail"]
    with (
        start_child("The data plane", ["serve", "data"], data_plane) as issuers,
        start_child("The console", ["serve", "control", *catch_mail], control) as console,
        start_child("The support app", ["serve", "support"], support) as staffs,
    ):
        issuers.wait_until_ready(f"http://{_HOST}:{ports.data}/readyz", _PATIENCE, ending.check)
        console.wait_until_ready(f"http://{_HOST}:{ports.console}/readyz", _PATIENCE, ending.check)
        staffs.wait_until_ready(f"http://{_HOST}:{ports.support}/readyz", _PATIENCE, ending.check)
        # last, so that it takes no time from what someone waits for
        with (
            start_child("The background work", ["serve", "jobs"], _QUIETLY | control) as jobs,
            start_double(terminal.data_dir, everyones) as double,
        ):
            _announce(terminal, config, demo, owner_url, mailbox=bool(catch_mail))
            _watch([issuers, console, jobs, staffs, *double], ending)


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
    ending.run(migrate(owner_url))
    logins = ending.run(let_in(owner_url, master_key))
    taken = {ports.data, ports.console, ports.support}
    environment = {
        "SECRET_PEPPER": kept.get("SECRET_PEPPER") or new_key(),
        "PUBLIC_URL": f"http://{_HOST}:{ports.data}",
        # the one name to which browsers give passkeys and Secure cookies without TLS
        "CONSOLE_URL": f"http://localhost:{ports.console}",
        "SUPPORT_URL": f"http://localhost:{ports.support}",
        "SMTP_URL": f"smtp://{_HOST}:{free_port(_HOST, taken)}",
        "SPOOL_DIR": str((data_dir / "spool").absolute()),
        "ALLOWED_HOSTS": "localhost",  # as people type it
        "OUTBOUND_NETWORKS": "127.0.0.0/8,::1/128",  # a client's key set is on this machine too
        **double_settings(given, kept, _HOST, taken),
        **given,
        "BIND_ADDRESS": f"{_HOST}:{ports.data}",
        "CONSOLE_BIND_ADDRESS": f"{_HOST}:{ports.console}",
        "SUPPORT_BIND_ADDRESS": f"{_HOST}:{ports.support}",
        "MASTER_KEY": master_key,
        Login.OWNER.value: owner_url,
        Login.CONTROL.value: logins["control"],
        Login.DATA.value: logins["data"],
        Login.SUPPORT.value: logins["support"],
    }
    write_kept(data_dir, environment)
    return environment


def _given() -> dict[str, str]:
    """Read what the environment says; whatever it does not, `dev` chooses."""
    try:
        texts = {name: text_of(os.environ, name) for name in FIELDS}
    except (ValueError, OSError) as error:
        raise ConfigError(str(error)) from error
    return {name: text for name, text in texts.items() if text is not None}


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Refuse a second `dev` here: the one that ends first would stop the database of the other.

    The kernel lets go of the lock, however we end.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise click.ClickException(
                f"Another `auth-service dev` uses {data_dir}: name another --data-dir, or stop it."
            ) from error
        yield


@contextmanager
def _database_url(data_dir: Path) -> Iterator[str]:
    """Give the owner's URL: DATABASE_URL always wins over the embedded server."""
    given = _given().get(Login.OWNER)
    if given is not None:
        yield given
        return
    server = start_postgres(data_dir / "postgres")
    try:
        yield server.url
    finally:
        server.stop()


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
