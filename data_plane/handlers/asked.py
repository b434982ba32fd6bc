"""A request to one endpoint of an issuer: what each endpoint is given, and how it is read."""

from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias

import msgspec
from litestar.types import Receive

from data_plane.handlers.answer import Answer
from data_plane.handlers.assertion import client_of_assertion
from data_plane.handlers.given import Given
from data_plane.handlers.patience import Patience
from data_plane.protocol.client_assertion import PresentedAssertion
from data_plane.protocol.client_authentication import (
    PresentedSecret,
    authenticate,
    check_one_way,
    digest_of_guess,
    read_client_authentication,
)
from data_plane.protocol.errors import (
    InvalidClient,
    MalformedMessage,
    MethodNotAllowed,
    RequestTooLarge,
)
from data_plane.protocol.proved import ProvedClient
from data_plane.protocol.request_gate import (
    MAXIMUM_BODY,
    Form,
    RequestHead,
    check_form_head,
    read_form,
)
from data_plane.protocol.served_issuer import ServedIssuer
from shared.domain.client import Client
from shared.domain.client_address import site_of
from shared.domain.ids import TenantId
from shared.domain.outbound_url import Address
from shared.domain.snapshot import TenantStatus


class Asked(msgspec.Struct, kw_only=True):
    """The raw request, the issuer that its path names and, once it is known, the client."""

    method: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    head: RequestHead
    hosts: Collection[str]  # whose forms are answered: the server's own names
    receive: Receive
    patience: Patience
    address: Address  # the caller's
    issuer: ServedIssuer
    client_id: str = ""  # of a client of the issuer's that is named, proved or not

    def header(self, name: bytes) -> bytes | None:
        return next((value for each, value in self.headers if each == name), None)


Endpoint: TypeAlias = Callable[[Asked, Given], Awaitable[Answer]]


async def read_post(asked: Asked) -> Form:
    """Read the form of a POST; everything that is wrong with it is refused here."""
    return read_form(await read_post_body(asked))


async def read_post_body(asked: Asked) -> bytes:
    """Read the same without the form, for whoever needs the body as it came."""
    if asked.method != "POST":
        raise MethodNotAllowed(b"POST")
    check_form_head(asked.head, asked.query, asked.hosts)
    with asked.patience:
        return await _body(asked.receive)


async def authenticated_client(asked: Asked, form: Form, given: Given) -> Client:
    """Find the client and have it prove itself; a tenant that is not active has none."""
    authorization = asked.head.authorization
    if authorization is None:
        return (await prove(asked, form, given)).client
    presented = given.keyed_hash(authorization)
    proved = recall(presented, asked, given)
    if proved is None:
        proved = await prove(asked, form, given)
        remember(presented, proved, asked)
    else:
        check_one_way(proved.client.client_id, form)
    return proved.client


def recall(presented: bytes, asked: Asked, given: Given) -> ProvedClient | None:
    """Recognise credentials that were proved before, from a site that guesses at none."""
    now = given.clock()
    proved = asked.issuer.proved.get(presented, now)
    if proved is not None:
        asked.client_id = proved.client.client_id
        note_use(proved, asked.issuer.tenant_id, asked.address, given, now)
    return proved


def note_use(
    proved: ProvedClient, tenant: TenantId, address: Address, given: Given, now: int
) -> None:
    """Note that proved credentials are used again. Raises TooManyRequests where a site guesses."""
    if given.wrong_secrets:
        guesser = tenant, proved.client.client_id, site_of(address)
        given.wrong_secrets.check_here(guesser, known=True, now=now)
    given.secret_uses.note(tenant, proved.digest, address, now)


def remember(presented: bytes, proved: ProvedClient, asked: Asked) -> None:
    """Keep what a secret has proved; an assertion has to be checked each time."""
    if proved.digest:
        asked.issuer.proved.remember(presented, proved)


async def prove(asked: Asked, form: Form, given: Given) -> ProvedClient:
    """Have the client prove itself by what the request presents. Raises InvalidClient."""
    presented = read_client_authentication(asked.head.authorization, form)
    if asked.issuer.status is not TenantStatus.ACTIVE:
        raise InvalidClient("client authentication failed")
    if isinstance(presented, PresentedAssertion):
        client = await client_of_assertion(presented, asked.issuer, given)
        asked.client_id = client.client_id
        return ProvedClient(client=client, digest=b"")
    return await _by_secret(asked, presented, given)


async def _by_secret(asked: Asked, presented: PresentedSecret, given: Given) -> ProvedClient:
    """Have it prove itself by a secret; a site that guesses is refused before it can be right."""
    tenant, now = asked.issuer.tenant_id, given.clock()
    held = await given.clients.get(asked.issuer, presented.client_id)
    asked.client_id = "" if held is None else held.client_id
    guesser, known = (tenant, presented.client_id, site_of(asked.address)), held is not None
    await given.wrong_secrets.check(guesser, known=known, now=now)
    try:
        proved = authenticate(held, presented, given.peppers, now=now)
    except InvalidClient:
        guess = digest_of_guess(presented, given.peppers)
        await given.wrong_secrets.count(guesser, guess, known=known, now=now)
        raise
    given.secret_uses.note(tenant, proved.digest, asked.address, now)
    return proved


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
