"""Rows I1, I2, I5, I7, I8 and I12: what the console refuses, at every route there is."""

import re
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.routes import HTTPRoute

from control_plane.members.rules import Permission
from tests.control_plane.people.browsing import (
    ORIGIN,
    PASSWORD,
    Browser,
    Console,
    new_email,
    opened_console,
)
from tests.support import Installation

_SAFE = {"GET", "HEAD", "OPTIONS"}
_FORM = "application/x-www-form-urlencoded"
_ELSEWHERE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "/a\r\nSet-Cookie: x=1",
    "/\t/evil.example",
    "/é",
    "",
]
_PROTECTING = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'self' https://checkout.stripe.com"
    " https://billing.stripe.com;"
    " base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
}


@get("/probe/members", opt={"permission": Permission.CHANGE_MEMBERS})
async def _of_admins() -> str:
    return "yours"


@get("/probe/forgotten")
async def _says_nothing() -> str:
    return "open by omission"


@pytest.fixture
async def console(installation: Installation) -> AsyncIterator[Console]:
    async with opened_console(installation, _of_admins, _says_nothing) as opened:
        yield opened


def unsafe_routes(app: Litestar) -> Iterable[tuple[str, str]]:
    """Name each method and path that may change something; a parameter is filled in."""
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or route.path.startswith("/api/"):
            continue  # there no cookie counts: tests/control_plane/management_api
        path = re.sub(r"\{[^}]*\}", "1", route.path_format)
        for handler in route.route_handlers:
            if not handler.opt.get("outside"):
                yield from (
                    (method, path) for method in handler.http_methods if method not in _SAFE
                )


async def _everything(console: Console) -> list[Any]:
    """Give all that a form of the console could have changed: people, sessions, links, letters."""
    query = " UNION ALL ".join(
        f"SELECT '{table}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"  # noqa: S608 - our own names
        for table in (
            "control.person",
            "control.session",
            "control.member",
            "control.mailed_link",
            "control.passkey",
            "control.account",
            "control.issuer_snapshot",
            "jobs.procrastinate_jobs",
        )
    )
    return await console.rows(query)


async def _walk(
    console: Console, browser: Browser, headers: dict[str, str], body: str
) -> dict[str, int]:
    before = await _everything(console)
    answers = {}
    for method, path in unsafe_routes(console.app):
        answer = await browser.request(method, path, content=body, headers=headers)
        answers[f"{method} {path}"] = answer.status_code
    assert await _everything(console) == before
    return {route: status for route, status in answers.items() if status != 403}


async def test_i1_there_are_routes_to_walk(console: Console) -> None:
    walked = set(unsafe_routes(console.app))
    assert {("POST", "/signin"), ("POST", "/signout"), ("POST", "/reset/choose")} <= walked


@pytest.mark.parametrize("token", ["", "csrf=", "csrf=" + "0" * 64], ids=["none", "empty", "wrong"])
async def test_i1_no_unsafe_route_answers_without_its_token(console: Console, token: str) -> None:
    browser = await console.signed_up(new_email())
    assert await _walk(console, browser, {"Content-Type": _FORM}, token) == {}


async def test_i1_no_unsafe_route_answers_who_has_no_cookie(console: Console) -> None:
    visitor = console.browser()
    await visitor.see("/signin")
    stranger = console.browser()
    body = f"csrf={visitor.csrf}"
    assert await _walk(console, stranger, {"Content-Type": _FORM}, body) == {}


async def test_i1_no_unsafe_route_takes_the_token_of_another_session(console: Console) -> None:
    attacker = await console.signed_up(new_email())
    victim = await console.signed_up(new_email())
    body = f"csrf={attacker.csrf}"
    assert await _walk(console, victim, {"Content-Type": _FORM}, body) == {}
    with_header = {"Content-Type": _FORM, "X-CSRF-Token": attacker.csrf}
    assert await _walk(console, victim, with_header, "") == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
async def test_i1_no_unsafe_route_answers_another_site_even_with_the_token(
    console: Console, headers: dict[str, str]
) -> None:
    browser = await console.signed_up(new_email())
    body = f"csrf={browser.csrf}"
    assert await _walk(console, browser, {"Content-Type": _FORM} | headers, body) == {}


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", ""])
async def test_i1_no_unsafe_route_reads_a_token_from_another_kind_of_body(
    console: Console, content_type: str
) -> None:
    browser = await console.signed_up(new_email())
    body = f"csrf={browser.csrf}"
    assert await _walk(console, browser, {"Content-Type": content_type}, body) == {}


async def test_i2_a_token_is_bound_to_the_session_and_not_to_a_cookie_that_is_planted(
    console: Console,
) -> None:
    """A sibling host plants its own visitor's cookie, whose token it knows."""
    attacker = console.browser()
    await attacker.see("/signin")
    victim = await console.signed_up(new_email())
    victim.plant("visitor", attacker.cookies["__Host-visitor"])
    assert await _walk(console, victim, {"Content-Type": _FORM}, f"csrf={attacker.csrf}") == {}


@pytest.mark.parametrize("target", _ELSEWHERE)
async def test_i5_signing_in_leads_to_no_other_site(console: Console, target: str) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    page = await browser.get("/signin", params={"next": target})
    assert page.headers["location"] == "/"
    visitor = console.browser()
    await visitor.see("/signin")
    answer = await visitor.fill("/signin", email=email, password=PASSWORD, next=target)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "x=1" not in answer.headers["set-cookie"]


async def test_i5_nor_does_what_htmx_is_told(console: Console) -> None:
    email = new_email()
    await console.signed_up(email)
    visitor = console.browser()
    await visitor.see("/signin")
    fields = {"csrf": visitor.csrf, "email": email, "password": PASSWORD, "next": "//evil.example"}
    answer = await visitor.post("/signin", data=fields, headers={"HX-Request": "true"})
    assert answer.headers["hx-redirect"] == "/"
    assert "hx-location" not in answer.headers


async def test_i5_a_page_of_ours_is_gone_back_to(console: Console) -> None:
    email = new_email()
    await console.signed_up(email)
    visitor = console.browser()
    answer = await visitor.get("/probe/members")
    assert answer.headers["location"] == "/signin?next=/probe/members"
    await visitor.see(answer.headers["location"])
    answer = await visitor.fill("/signin", email=email, password=PASSWORD, next="/probe/members")
    assert answer.headers["location"] == "/probe/members"


async def test_i7_headers_of_htmx_give_no_authority(console: Console) -> None:
    forged = {
        "HX-Request": "true",
        "HX-Boosted": "true",
        "HX-Target": "content",
        "HX-Current-URL": f"{ORIGIN}/probe/members",
    }
    stranger = console.browser()
    answer = await stranger.get("/probe/members", headers=forged)
    assert (answer.text, answer.headers["hx-redirect"]) == ("", "/signin?next=/probe/members")
    browser = await console.signed_up(new_email())
    assert await _walk(console, browser, {"Content-Type": _FORM} | forged, "") == {}


async def test_i7_a_fragment_is_never_kept_as_a_page(console: Console) -> None:
    answer = await console.browser().get("/signin", headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert (answer.headers["vary"], answer.headers["cache-control"]) == ("HX-Request", "no-store")


async def test_a_page_that_says_nothing_of_who_may_see_it_is_refused(console: Console) -> None:
    assert (await console.browser().get("/probe/forgotten")).status_code == 303
    browser = await console.signed_up(new_email())
    assert (await browser.get("/probe/forgotten")).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/signin", 200),
        ("GET", "/probe/members", 303),
        ("POST", "/signin", 403),
        ("GET", "/no-such-page", 404),
        ("PUT", "/signin", 405),
        ("GET", "/static/app.css", 200),
        ("GET", "/static/no-such-file", 404),
        ("GET", "/livez", 200),
    ],
)
async def test_i8_every_answer_has_the_protecting_headers_once(
    console: Console, method: str, path: str, status: int
) -> None:
    answer = await console.browser().request(method, path)
    assert answer.status_code == status
    for name, value in _PROTECTING.items():
        assert answer.headers.get_list(name) == [value], name


async def test_i8_a_body_too_large_is_refused_with_them(console: Console) -> None:
    browser = console.browser()
    await browser.see("/signin")
    answer = await browser.fill("/signin", email="a" * 100_000)
    assert answer.status_code == 413
    assert set(_PROTECTING) <= set(answer.headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example"},
        {"Forwarded": "host=evil.example;proto=http"},
        {"X-Original-Host": "evil.example", "X-Forwarded-Proto": "http"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/reset", "/signup", "/verify/again"])
async def test_i12_the_link_of_a_letter_comes_from_the_configuration(
    console: Console, path: str, headers: dict[str, str]
) -> None:
    email = new_email()
    browser = console.browser()
    await browser.see("/signup")
    await browser.fill("/signup", email=email, password=PASSWORD, account="Acme")
    fields = {"csrf": browser.csrf, "email": email, "password": PASSWORD, "account": "Acme"}
    await browser.post(path, data=fields, headers=headers)
    letters = await console.letters(email)
    assert len(letters) == 2
    assert all(each.link.startswith(f"{ORIGIN}/") for each in letters)
    assert "evil" not in repr([(each.words, each.link, each.ending) for each in letters])
