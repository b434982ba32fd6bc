"""Idempotency-Key: what creates something is done once, and its answer given again."""

import asyncio

from sqlalchemy import text

from control_plane.management_api.repository import begin_answer, forget_answers
from shared.domain.ids import ClientId
from tests.control_plane.management_api.conftest import Program, Scene
from tests.control_plane.management_api.test_clients import refused


def _new(scene: Scene, name: str = "worker") -> dict[str, object]:
    return {"name": name, "apis": [scene.audience]}


async def _clients(program: Program, scene: Scene) -> int:
    return len((await program.get(f"{scene.path}/clients")).json()["items"])


async def test_a_request_sent_again_is_answered_the_same(program: Program, scene: Scene) -> None:
    clients, once = f"{scene.path}/clients", {"Idempotency-Key": "k-1"}
    first = await program.post(clients, json=_new(scene), headers=once)
    second = await program.post(clients, json=_new(scene), headers=once)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await _clients(program, scene) == 2
    other = await program.post(clients, json=_new(scene, "other"), headers=once)
    refused(other, 422, "idempotency_key_reused")


async def test_another_key_holder_may_send_the_same_text(program: Program, scene: Scene) -> None:
    once = {"Idempotency-Key": "k-2"}
    first = await program.post(f"{scene.path}/clients", json=_new(scene), headers=once)
    async with scene.program() as another:
        second = await another.post(f"{scene.path}/clients", json=_new(scene), headers=once)
    assert first.json()["client_id"] != second.json()["client_id"]


async def test_of_many_at_once_one_does_it(program: Program, scene: Scene) -> None:
    once = {"Idempotency-Key": "k-3"}
    answers = await asyncio.gather(
        *(program.post(f"{scene.path}/clients", json=_new(scene), headers=once) for _ in range(5))
    )
    made = {each.json()["client_id"] for each in answers if each.status_code == 201}
    assert len(made) == 1
    assert {each.status_code for each in answers} <= {201, 409}
    assert await _clients(program, scene) == 2


async def test_what_was_refused_may_be_corrected(program: Program, scene: Scene) -> None:
    once = {"Idempotency-Key": "k-4"}
    wrong = await program.post(f"{scene.path}/clients", json=_new(scene, " "), headers=once)
    refused(wrong, 422, "refused")
    right = await program.post(f"{scene.path}/clients", json=_new(scene), headers=once)
    assert right.status_code == 201


async def test_one_that_broke_off_is_never_done_again(scene: Scene) -> None:
    key = await scene.key()
    async with Program(scene.console, scene.token(key)) as program:
        once = {"Idempotency-Key": "k-5"}
        first = await program.post(f"{scene.path}/clients", json=_new(scene), headers=once)
        assert first.status_code == 201
        async with scene.database.control() as connection:
            cut = "UPDATE control.kept_answer SET answer = NULL WHERE client_id = :key"
            await connection.execute(text(cut), {"key": key})
        again = await program.post(f"{scene.path}/clients", json=_new(scene), headers=once)
        refused(again, 409, "unfinished")
        assert await _clients(program, scene) == 2


async def test_answers_rest_sealed_and_go_after_their_time(scene: Scene) -> None:
    key = await scene.key()
    async with Program(scene.console, scene.token(key)) as program:
        once = {"Idempotency-Key": "k-6"}
        answer = await program.post(f"{scene.path}/clients", json=_new(scene), headers=once)
    secret = answer.json()["client_secret"].encode()
    query = "SELECT answer, begun_at, now() FROM control.kept_answer WHERE client_id = :key"
    async with scene.database.control() as connection:
        (row,) = (await connection.execute(text(query), {"key": key})).all()
        assert secret not in row.answer
        assert await forget_answers(connection, row.begun_at, 1_000) >= 0
        assert not await begin_answer(connection, ClientId(key), "k-6", b"")
        await connection.execute(
            text("UPDATE control.kept_answer SET begun_at = '2020-01-01' WHERE client_id = :key"),
            {"key": key},
        )
        assert await forget_answers(connection, row.begun_at, 1_000) >= 1
        assert await begin_answer(connection, ClientId(key), "k-6", b"")


async def test_a_key_that_is_none_is_refused(program: Program, scene: Scene) -> None:
    for wrong in ("", "x" * 256):
        answer = await program.post(
            f"{scene.path}/clients", json=_new(scene), headers={"Idempotency-Key": wrong}
        )
        refused(answer, 400, "malformed")
