"""The `auth-service` command. A subcommand's module is imported when it is called."""

import click
from click.shell_completion import get_completion_class

from control_plane.cli.lazy import LazyGroup

# command -> the module of control_plane.cli that has it, its name there, its one line of help
_COMMANDS = {
    "dev": ("dev", "dev", "Run everything on this machine, from nothing."),
    "migrate": ("migrate", "migrate", "Take the database to this release."),
    "serve": ("serve", "serve", "Run a production process."),
    "account": ("account", "account", "Create and list accounts."),
    "tenant": ("tenant", "tenant", "Create, list, suspend, resume and delete tenants."),
    "api": ("api", "api", "Create, list, change and delete a tenant's APIs."),
    "client": ("client_register", "client", "Register and change a tenant's clients."),
    "secret": ("secret", "secret", "Add, list, revoke and rotate a client's secrets."),
    "workload": ("workload", "workload", "Let JWTs of outside issuers prove a client."),
    "api-key": ("api_key", "api_key", "Create, list and revoke the API keys of accounts."),
    "audit": ("audit", "audit", "Check that an audit log is as it was recorded."),
    "staff": ("staff", "staff", "Make and change the accounts of our staff."),
    "jobs": ("jobs", "jobs", "Look at the queues of background work; retry what failed."),
    "keys": ("keys", "keys", "List a tenant's signing keys."),
    "token": ("token", "token", "Get, decode, introspect, revoke and find tokens."),
    "logs": ("usage", "logs", "List what a tenant's clients were issued and refused."),
    "usage": ("usage", "usage", "Count what a tenant's clients did in a month."),
    "stripe": ("stripe", "stripe", "Have Stripe and our books of it say the same."),
    "openapi": ("openapi", "openapi", "Print the OpenAPI document of the data plane."),
    "bench": ("bench", "bench", "Measure how fast it is on this machine."),
    "doctor": ("doctor", "doctor", "Check that everything is in order."),
}


@click.group(
    cls=LazyGroup, modules=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="auth-service")
def main() -> None:
    """Multi-tenant OAuth2 access tokens as a service. Start with: auth-service dev"""


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the shell's completion script."""
    complete = get_completion_class(shell)
    if complete is not None:
        click.echo(complete(main, {}, "auth-service", "_AUTH_SERVICE_COMPLETE").source())


if __name__ == "__main__":
    main()
