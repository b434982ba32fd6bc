"""Rows B7, B11 and B14 to B20 of the catalogue, with D1 to D13 for what a client signs.

Each at the token, the introspection and the revocation endpoint.
"""

import httpx
import pytest

from tests.assertions import SigningClient, form_of, signing_client_of
from tests.hostile.assertion_cases import CASES, MALFORMED, REFUSED, TAKEN, Case
from tests.support import Server, basic_header

FORMS = {
    "token": {"grant_type": "client_credentials"},
    "introspect": {"token": "any"},
    "revoke": {"token": "any"},
}


@pytest.fixture(scope="module")
def signing(server: Server) -> SigningClient:
    return signing_client_of(server)


@pytest.fixture(params=FORMS)
def endpoint(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def ask(
    http: httpx.AsyncClient, client: SigningClient, endpoint: str, form: dict[str, str]
) -> httpx.Response:
    url = f"{client.tenant.issuer}/oauth/{endpoint}"
    return await http.post(url, data=FORMS[endpoint] | form)


async def assert_refused(
    http: httpx.AsyncClient,
    client: SigningClient,
    endpoint: str,
    form: dict[str, str],
    expected: tuple[int, str],
) -> None:
    """The exact answer, nothing echoed, and the next good request is served."""
    answer = await ask(http, client, endpoint, form)
    assert (answer.status_code, answer.json()["error"]) == expected, answer.text
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.isascii()
    challenge = answer.headers.get("www-authenticate")
    expected_challenge = f'Basic realm="{client.tenant.issuer}"'
    assert challenge == (expected_challenge if expected == REFUSED else None)
    served = await ask(http, client, endpoint, form_of(client.assertion()))
    assert served.status_code == httpx.codes.OK, served.text


@pytest.mark.parametrize(("case", "expected"), CASES.values(), ids=CASES.keys())
async def test_it_is_refused_exactly(
    http: httpx.AsyncClient,
    signing: SigningClient,
    endpoint: str,
    case: Case,
    expected: tuple[int, str],
) -> None:
    await assert_refused(http, signing, endpoint, case(signing), expected)


async def test_b7_with_basic(
    http: httpx.AsyncClient, signing: SigningClient, endpoint: str
) -> None:
    url = f"{signing.tenant.issuer}/oauth/{endpoint}"
    form = FORMS[endpoint] | form_of(signing.assertion())
    answer = await http.post(url, data=form, headers=basic_header("c_1", "s"))
    assert (answer.status_code, answer.json()["error"]) == MALFORMED


@pytest.mark.parametrize("case", TAKEN.values(), ids=TAKEN.keys())
async def test_it_is_taken(
    http: httpx.AsyncClient, signing: SigningClient, endpoint: str, case: Case
) -> None:
    answer = await ask(http, signing, endpoint, case(signing))
    assert answer.status_code == httpx.codes.OK, answer.text
