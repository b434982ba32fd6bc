"""`auth-service openapi`: the data plane's OpenAPI document."""

import json
from importlib.metadata import version

import click

from shared.domain.openapi import openapi_document


@click.command()
def openapi() -> None:
    """Print the data plane's OpenAPI 3.1 document."""
    click.echo(json.dumps(openapi_document(version("auth-service")), indent=2))
