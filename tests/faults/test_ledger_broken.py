"""A ledger that refuses records by mistake, as with a partition missing: nobody hangs on it."""

from pathlib import Path

import asyncpg
import httpx

from tests.conftest import run_server
from tests.faults.books import assert_recorded_once
from tests.faults.conftest import served_tenant
from tests.faults.load import claim_of
from tests.support import Installation, ask_token, introspect, issued_token

_SOON = 10.0  # seconds


async def run_as_owner(installation: Installation, statement: str) -> None:
    owner = await asyncpg.connect(installation.owner_url)
    await owner.execute(statement)
    await owner.close()


async def test_tokens_that_the_ledger_does_not_take_are_served_and_are_there_when_it_does(
    alone: Installation,
) -> None:
    with run_server(alone, workers=1) as server:
        async with served_tenant(server) as tenant, httpx.AsyncClient(timeout=_SOON) as http:
            await run_as_owner(alone, "ALTER TABLE ledger.issued RENAME TO mislaid")
            answers = [await ask_token(http, tenant) for _ in range(3)]
            await run_as_owner(alone, "ALTER TABLE ledger.mislaid RENAME TO issued")
            answers.append(await ask_token(http, tenant))
            assert [each.status_code for each in answers] == [httpx.codes.OK] * 4
            jtis = [claim_of(each.json()["access_token"], "jti") for each in answers]
            await assert_recorded_once(alone, jtis)


async def test_without_a_spool_what_the_ledger_does_not_take_is_refused(
    alone: Installation, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "file" / "spool")
    with run_server(alone, workers=1, SPOOL_DIR=nowhere) as server:
        async with served_tenant(server) as tenant, httpx.AsyncClient(timeout=_SOON) as http:
            await run_as_owner(alone, "ALTER TABLE ledger.issued RENAME TO mislaid")
            for _ in range(3):
                answer = await ask_token(http, tenant)
                assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
                assert answer.headers["retry-after"] == "1"
            await run_as_owner(alone, "ALTER TABLE ledger.mislaid RENAME TO issued")
            assert (await ask_token(http, tenant)).status_code == httpx.codes.OK


async def test_e10_a_revocation_that_cannot_be_kept_is_503_and_never_200(
    alone: Installation,
) -> None:
    with run_server(alone, workers=1) as server:
        async with served_tenant(server) as tenant, httpx.AsyncClient(timeout=_SOON) as http:
            token = await issued_token(http, tenant)
            await run_as_owner(alone, "ALTER TABLE ledger.revocation RENAME TO mislaid")
            url = f"{tenant.issuer}/oauth/revoke"
            answer = await http.post(url, data={"token": token}, auth=tenant.basic)
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
            assert answer.headers["retry-after"] == "1"
            await run_as_owner(alone, "ALTER TABLE ledger.mislaid RENAME TO revocation")
            assert (await introspect(http, tenant, token)).json()["active"] is True
            answer = await http.post(url, data={"token": token}, auth=tenant.basic)
            assert answer.status_code == httpx.codes.OK
            assert (await introspect(http, tenant, token)).json() == {"active": False}
