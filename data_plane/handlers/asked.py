"""A request to one endpoint of an issuer: what each endpoint is given, and how it is read."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias

import msgspec
from litestar.types import Receive

from data_plane.handlers.answer import Answer
from data_plane.handlers.assertion import client_of_assertion
from data_plane.ports import Given
from data_plane.protocol.client_address import site_of
from data_plane.protocol.client_assertion import PresentedAssertion
from data_plane.protocol.client_authentication import (
    PresentedSecret,
    authenticate,
    digest_of_guess,
    read_client_authentication,
)
from data_plane.protocol.errors import (
    InvalidClient,
    MalformedMessage,
    MethodNotAllowed,
    RequestTooLarge,
    RequestTooSlow,
)
from data_plane.protocol.request_gate import (
    MAXIMUM_BODY,
    Form,
    RequestHead,
    check_form_head,
    read_form,
)
from data_plane.protocol.served_issuer import ServedIssuer
from shared.domain.client import Client
from shared.domain.outbound_url import Address
from shared.domain.snapshot import TenantStatus

_PATIENCE = 10.0  # seconds that a body may take to arrive


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The raw request, and the issuer that its path names."""

    method: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    head: RequestHead
    hosts: Collection[str]  # whose forms are answered: the server's own names
    receive: Receive
    address: Address  # the caller's
    issuer: ServedIssuer

    def header(self, name: bytes) -> bytes | None:
        return next((value for each, value in self.headers if each == name), None)


Endpoint: TypeAlias = Callable[[Asked, Given], Awaitable[Answer]]


async def read_post(asked: Asked) -> tuple[RequestHead, Form]:
    """Read the form of a POST; everything that is wrong with it is refused here."""
    head, body = await read_post_body(asked)
    return head, read_form(body)


async def read_post_body(asked: Asked) -> tuple[RequestHead, bytes]:
    """Read the same without the form, for whoever needs the body as it came."""
    if asked.method != "POST":
        raise MethodNotAllowed(b"POST")
    check_form_head(asked.head, asked.query, asked.hosts)
    try:
        async with asyncio.timeout(_PATIENCE):
            body = await _body(asked.receive)
    except TimeoutError:
        raise RequestTooSlow("the body did not arrive in time") from None
    return asked.head, body


async def authenticated_client(asked: Asked, head: RequestHead, form: Form, given: Given) -> Client:
    """Find the client and have it prove itself; a tenant that is not active has none."""
    presented = read_client_authentication(head.authorization, form)
    if asked.issuer.status is not TenantStatus.ACTIVE:
        raise InvalidClient("client authentication failed")
    if isinstance(presented, PresentedAssertion):
        return await client_of_assertion(presented, asked.issuer, given)
    return await _by_secret(asked, presented, given)


async def _by_secret(asked: Asked, presented: PresentedSecret, given: Given) -> Client:
    """Have it prove itself by a secret; a site that guesses is refused before it can be right."""
    tenant, now = asked.issuer.tenant_id, given.clock()
    held = await given.clients.get(asked.issuer, presented.client_id)
    guesser, known = (tenant, presented.client_id, site_of(asked.address)), held is not None
    given.wrong_secrets.check(guesser, known=known, now=now)
    try:
        proved = authenticate(held, presented, given.peppers, now=now)
    except InvalidClient:
        guess = digest_of_guess(presented, given.peppers)
        given.wrong_secrets.count(guesser, guess, known=known, now=now)
        raise
    given.secret_uses.note(tenant, proved.digest, str(asked.address), now)
    return proved.client


async def _body(receive: Receive) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise MalformedMessage("the body is malformed or incomplete")
        body += message.get("body", b"")
        if len(body) > MAXIMUM_BODY:
            raise RequestTooLarge("the body is too large")
        more = message.get("more_body", False)
    return body
