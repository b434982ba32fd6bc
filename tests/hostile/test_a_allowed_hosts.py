"""A4: the names that ALLOWED_HOSTS adds to PUBLIC_URL's, at a server of its own."""

from tests.conftest import run_server
from tests.faults.conftest import served_tenant
from tests.hostile.cases import ask, exchange
from tests.support import Installation

HOSTS = {
    b"auth.internal": 200,
    b"AUTH.internal:8080": 200,
    b"[::1]:8080": 200,
    b"127.0.0.1": 200,
    b"internal": 400,
    b"x.auth.internal": 400,
    b"auth.internal.evil.example": 400,
    b"auth.internal, 127.0.0.1": 400,
}


async def test_a4_a_form_is_answered_under_the_names_that_are_allowed_and_no_other(
    installation: Installation,
) -> None:
    with run_server(installation, workers=1, ALLOWED_HOSTS="Auth.Internal, [::1]") as server:
        async with served_tenant(server) as tenant:
            for host, status in HOSTS.items():
                made = ask(tenant, "token")
                made.put(b"Host", host)
                assert exchange(server.url, made.octets()).status == status, host
