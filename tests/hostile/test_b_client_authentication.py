"""B1 to B13: who asks, and with which secret."""

import pytest

from tests.hostile.cases import (
    CANARY,
    ENDPOINTS,
    WAYS,
    Ask,
    Case,
    Change,
    ask,
    assert_house_rules,
    authenticate,
    basic,
    case,
)
from tests.hostile.conftest import Place, Sender

REFUSED = (401, "invalid_client")


def header(value: bytes | str) -> Change:
    octets = value.encode() if isinstance(value, str) else value
    return lambda made: made.add(b"Authorization", octets)


def post(text: str) -> Change:
    return lambda made: made.form(text)


def nothing(_: Ask) -> None:
    pass


UNPROVEN = [
    case("B1-none", nothing, *REFUSED),
    case("B1-bearer", header(f"Bearer {CANARY}"), *REFUSED),
    case("B1-digest", header(f'Digest username="{CANARY}"'), *REFUSED),
    case("B1-dpop", header("DPoP x"), *REFUSED),
    case("B1-negotiate", header("Negotiate"), *REFUSED),
    case("B1-basics", header(b"Basics " + basic("c", "s")[6:]), *REFUSED),
    case("B1-only-id", post("client_id=c_x"), *REFUSED),
    case("B1-only-secret", post(f"client_secret={CANARY}"), *REFUSED),
    case("B1-empty-secret", post("client_id=c_x&client_secret="), *REFUSED),
    case("B1-empty-id", post(f"client_id=&client_secret={CANARY}"), *REFUSED),
    case("B2-unknown-basic", header(basic(f"c_{CANARY}", "x")), *REFUSED),
    case("B2-unknown-post", post(f"client_id=c_{CANARY}&client_secret=x"), *REFUSED),
    case("B4-empty-pair", header(basic("", "")), *REFUSED),
    case("B4-empty-secret", header(basic("c_x", "")), *REFUSED),
    case("B4-extra-colon", header(basic("c_x", "a:b")), *REFUSED),
    *(
        case(f"B4-{name}", header(value))
        for name, value in {
            "no-credentials": b"Basic",
            "empty": b"Basic ",
            "not-base64": b"Basic !!!",
            "no-colon": b"Basic " + b"YWJj",
            "extra-part": basic("a", "b") + b" x",
            "extra-parameter": basic("a", "b") + b", realm=x",
            "no-padding": basic("a", "bc").rstrip(b"="),
            "too-much-padding": basic("a", "b") + b"==",
            "padding-within": b"Basic YT=pi",
            "stray-bits": b"Basic YTpiYz==",
            "base64url": b"Basic _-_-",
            "not-ascii": b"Basic \xc3\xa9",
            "quoted": b'Basic "' + basic("a", "b")[6:] + b'"',
        }.items()
    ),
    *(
        case(f"B3-{name}", header(value + basic("a", "b")[6:]))
        for name, value in {
            "two-spaces": b"Basic  ",
            "tab": b"Basic\t",
            "no-space": b"Basic,",
            "colon": b"Basic: ",
        }.items()
    ),
    *(
        case(f"B6-{name}", header(basic(user, secret)))
        for name, (user, secret) in {
            "escape": (b"c_%zz", b"x"),
            "short-escape": (b"c_x", b"%4"),
            "not-utf-8": (b"c_\xff", b"x"),
            "escaped-not-utf-8": (b"c_x", b"%ff"),
            "nul": (b"c_%00", b"x"),
            "raw-nul": (b"c_\x00", b"x"),
            "B10-nul-in-secret": (b"c_x", b"a%00b"),
        }.items()
    ),
    *(
        case(f"B10-{name}-{way}", change, *REFUSED)
        for name, value in {
            "10-KB-less": "x" * 5000,
            "201-characters": "x" * 201,
            "control": "%01%1b",
            "line-end": "c_x%0d%0aX: y",
            "homoglyph": "%D1%81_abc",
            "sql": "'%20OR%201=1--",
            "wildcard": "c_%25",
            "path": "../../x",
            "emoji": "%F0%9F%92%A9",
        }.items()
        for way, change in (
            ("basic", header(basic(value, "x"))),
            ("post", post(f"client_id={value}&client_secret=x")),
        )
    ),
    case("B10-nul-post", post("client_id=c_%00&client_secret=x")),
    case(
        "B9-two-headers",
        lambda made: made.headers.extend([(b"Authorization", basic("a", "b"))] * 2),
    ),
    case(
        "B9-two-schemes",
        lambda made: made.headers.extend(
            [(b"Authorization", b"Bearer x"), (b"authorization", basic("a", "b"))]
        ),
    ),
    case("B9-list", header(basic("a", "b") + b", " + basic("a", "b"))),
]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("wrong", UNPROVEN)
def test_who_proves_nothing_is_refused(
    place: Place, send: Sender, endpoint: str, wrong: Case
) -> None:
    made = ask(place.tenant, endpoint, way="none")
    wrong.change(made)
    assert_house_rules(send(made), wrong.status, wrong.error, place.tenant)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("way", WAYS)
def test_b2_every_wrong_pair_gets_the_same_bytes(
    place: Place, send: Sender, endpoint: str, way: str
) -> None:
    client_id, secret = place.tenant.basic
    pairs = [
        ("c_unknown", secret),
        (client_id, "wrong"),
        (client_id, secret[:-1]),
        (client_id, secret + "x"),
        (client_id, secret.swapcase()),
        (client_id.upper(), secret),
        (place.other.client_id, secret),  # another client's
        (place.sibling.client.client_id, place.sibling.client.client_secret),  # another tenant's
        (secret, client_id),
    ]
    answers = []
    for pair in pairs:
        made = ask(place.tenant, endpoint, way="none")
        authenticate(made, way, *pair)
        answers.append(send(made))
        assert_house_rules(answers[-1], *REFUSED, place.tenant)
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("scheme", [b"basic", b"BASIC", b"bAsIc"], ids=lambda each: f"B3-{each}")
def test_b3_the_scheme_has_any_case(
    place: Place, send: Sender, endpoint: str, scheme: bytes
) -> None:
    made = ask(place.tenant, endpoint)
    made.put(b"Authorization", basic(*place.tenant.basic).replace(b"Basic", scheme))
    assert send(made).status == 200


def escaped(text: str) -> str:
    return "".join(f"%{ord(each):02x}" for each in text)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("part", ["id", "secret", "both"])
def test_b5_id_and_secret_may_be_percent_encoded(
    place: Place, send: Sender, endpoint: str, way: str, part: str
) -> None:
    client_id, secret = place.tenant.basic
    made = ask(place.tenant, endpoint, way="none")
    authenticate(
        made,
        way,
        client_id if part == "secret" else escaped(client_id),
        secret if part == "id" else escaped(secret),
    )
    assert send(made).status == 200


TWO_METHODS = [
    pytest.param("client_secret={secret}", id="B7-same-secret"),
    pytest.param("client_secret=x", id="B7-other-secret"),
    pytest.param("client_id={id}&client_secret={secret}", id="B7-pair"),
    pytest.param("client_id=c_other", id="B8-other-id"),
    pytest.param("client_id={id}x", id="B8-longer-id"),
    pytest.param("client_id={id}&client_id={id}", id="C3-id-twice"),
]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("added", TWO_METHODS)
def test_two_ways_at_once_are_refused(
    place: Place, send: Sender, endpoint: str, added: str
) -> None:
    client_id, secret = place.tenant.basic
    made = ask(place.tenant, endpoint)
    made.form(added.format(id=client_id, secret=secret))
    assert_house_rules(send(made), 400, "invalid_request", place.tenant)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("added", ["client_id={id}", "client_id=", "client_secret="])
def test_b8_the_same_id_in_the_body_is_fine(
    place: Place, send: Sender, endpoint: str, added: str
) -> None:
    made = ask(place.tenant, endpoint)
    made.form(added.format(id=place.tenant.client.client_id))
    assert send(made).status == 200
