"""F1, F6 with what exists: other spellings of a live tenant's path, SQL where a query is made.

A slug that nobody has is 404 in any case; only a live one shows that nothing is normalised.
"""

import pytest

from tests.hostile.cases import DOCUMENTS, ENDPOINTS, Ask, ask, assert_house_rules, read
from tests.hostile.conftest import Place, Sender

SPELLINGS = {
    "dots-before": "/t/..%2f{slug}",
    "up-and-down": "/t/../t/{slug}",
    "escaped-up-and-down": "/t/%2e%2e/t/{slug}",
    "dot-segment": "/./t/{slug}",
    "through-another": "/x/../t/{slug}",
    "double-slash": "//t/{slug}",
    "inner-double-slash": "/t//{slug}",
    "upper-case-slug": "/t/{upper}",
    "upper-case-prefix": "/T/{slug}",
    "escaped-letter": "/t/{escaped}",
    "twice-escaped": "/t/%25{escaped}",
    "escaped-slash": "/t%2f{slug}",
    "matrix": "/t/{slug};x=1",
    "trailing-nul": "/t/{slug}%00",
    "trailing-space": "/t/{slug}%20",
    "trailing-dot": "/t/{slug}.",
    "trailing-hyphen": "/t/{slug}-",
    "trailing-slash": "/t/{slug}/",
    "backslash": "/t\\{slug}",
    "soft-hyphen": "/t/{slug}%C2%AD",
    "user": "/t/x@{slug}",
}


def spelled(spelling: str, place: Place, rest: str) -> bytes:
    slug = place.tenant.slug
    escaped = f"%{ord(slug[0]):02x}{slug[1:]}"
    return (spelling.format(slug=slug, upper=slug.upper(), escaped=escaped) + rest).encode()


def assert_nowhere(send: Sender, made: Ask, place: Place) -> None:
    assert_house_rules(send(made), 404, "not_found", place.tenant)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=[f"F1-{name}" for name in SPELLINGS])
def test_another_spelling_of_a_live_path_is_no_endpoint(
    place: Place, send: Sender, endpoint: str, spelling: str
) -> None:
    made = ask(place.tenant, endpoint)
    made.target = spelled(spelling, place, f"/oauth/{endpoint}")
    assert_nowhere(send, made, place)


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=[f"F1-{name}" for name in SPELLINGS])
def test_another_spelling_of_a_live_path_has_no_document(
    place: Place, send: Sender, document: str, spelling: str
) -> None:
    made = read(place.tenant, document)
    made.target = spelled(spelling, place, f"/.well-known/{document}")
    assert_nowhere(send, made, place)


SQL = ("'; DROP TABLE client; --", "' OR '1'='1", "$1", "%s", "\\", '"', "c_%", "{schema}")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("text", SQL, ids=[f"F6-{number}" for number in range(len(SQL))])
def test_sql_in_a_client_id_finds_no_client(
    place: Place, send: Sender, endpoint: str, text: str
) -> None:
    made = ask(place.tenant, endpoint, "none")
    made.form("client_id=" + "".join(f"%{each:02x}" for each in text.encode()))
    made.form("client_secret=x")
    assert_house_rules(send(made), 401, "invalid_client", place.tenant)
