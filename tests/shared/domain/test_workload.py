"""Which claims match a rule and why not, and which rules are refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.client_jwk import ClientJwk
from shared.domain.workload import (
    GITHUB,
    GITLAB,
    GOOGLE,
    InvalidWorkload,
    Match,
    Mismatch,
    WorkloadRule,
    check_workload_rule,
    match_workload,
)

_OURS = "https://auth.example/t/acme"
_OUTSIDE = "https://outside.example"
_RULE = WorkloadRule(name="ci", issuer=_OUTSIDE, claims={"sub": "job:*"})
_CLAIMS = {"iss": _OUTSIDE, "aud": _OURS, "sub": "job:7"}


def rule(**changes: Any) -> WorkloadRule:
    return msgspec.structs.replace(_RULE, **changes)


def reason(of: WorkloadRule, claims: dict[str, Any]) -> str:
    outcome = match_workload(of, claims, _OURS)
    assert isinstance(outcome, Mismatch)
    assert outcome.rule == of.name
    return outcome.reason


def matches(pattern: str, value: object) -> bool:
    outcome = match_workload(rule(claims={"x": pattern}), _CLAIMS | {"x": value}, _OURS)
    return isinstance(outcome, Match)


def test_a_jwt_of_the_issuer_with_the_audience_and_the_claims_matches() -> None:
    assert match_workload(_RULE, _CLAIMS, _OURS) == Match("ci")


@pytest.mark.parametrize(
    "issuer", [None, f"{_OUTSIDE}/", _OUTSIDE.upper(), "https://evil.example", [_OUTSIDE], 1]
)
def test_another_issuer_does_not_match(issuer: object) -> None:
    assert "issuer" in reason(_RULE, _CLAIMS | {"iss": issuer})


@pytest.mark.parametrize(
    ("asked", "presented", "expected"),
    [
        (None, _OURS, True),
        (None, ["https://a.example", _OURS], True),
        (None, f"{_OURS}/oauth/token", False),
        (None, "https://auth.example/t/other", False),
        (None, [], False),
        (None, None, False),
        (None, [[_OURS]], False),
        (None, {_OURS: 1}, False),
        ("api://x", "api://x", True),
        ("api://x", ["api://x"], True),
        ("api://x", _OURS, False),
    ],
)
def test_the_audience_is_the_rules_or_else_our_own(
    asked: str | None, presented: object, *, expected: bool
) -> None:
    outcome = match_workload(rule(audience=asked), _CLAIMS | {"aud": presented}, _OURS)
    assert isinstance(outcome, Match) is expected


def test_a_jwt_without_an_audience_does_not_match() -> None:
    assert "audience is absent" in reason(_RULE, {"iss": _OUTSIDE, "sub": "job:7"})


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("true", True, True),
        ("true", "true", True),
        ("1", True, False),
        ("false", False, True),
        ("0", False, False),
        ("12", 12, True),
        ("-3", -3, True),
        ("12", 12.0, False),
        ("12*", 123, True),
        ("**", None, False),
        ("**", {}, False),
        ("**", [], False),
        ("**", 1.5, False),
        pytest.param("**", 10**5000, False, id="endless"),
        ("admin", ["user", "admin"], True),
        ("admin", ["user", "administrator"], False),
        ("7", ["a", 7], True),
        ("**", [["nested"]], False),
        ("**", [None, {}], False),
    ],
)
def test_what_is_no_text_matches_by_its_json_text(
    pattern: str, value: object, *, expected: bool
) -> None:
    assert matches(pattern, value) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/kubernetes.io/namespace", True),
        ("/kubernetes.io/pod/name", False),
        ("/kubernetes.io/namespace/deeper", False),
        ("/kubernetes.io", False),
        ("/sub", False),
        ("kubernetes.io/namespace", False),
        ("kubernetes.io", False),
        ("https://example.com/team", True),
        ("/https:~1~1example.com~1team", True),
        ("/~0tilde/~01", True),
        ("/list/0", False),
    ],
)
def test_a_nested_claim_is_named_by_a_json_pointer(name: str, *, expected: bool) -> None:
    claims = _CLAIMS | {
        "sub": "other",
        "kubernetes.io": {"namespace": "ci"},
        "https://example.com/team": "ci",
        "~tilde": {"~1": "ci"},
        "list": ["ci"],
    }
    assert isinstance(match_workload(rule(claims={name: "ci"}), claims, _OURS), Match) is expected


def test_every_pattern_has_to_match() -> None:
    both = rule(claims={"sub": "job:*", "ref": "main"})
    assert match_workload(both, _CLAIMS | {"ref": "main"}, _OURS) == Match("ci")
    assert "ref is 'dev'" in reason(both, _CLAIMS | {"ref": "dev"})
    assert "ref is absent" in reason(both, _CLAIMS)


def test_a_rule_without_patterns_matches_nobody() -> None:
    assert reason(rule(claims={}), _CLAIMS) == "the rule has no patterns"


def test_a_reason_names_what_failed_first() -> None:
    assert reason(_RULE, {}).startswith("the issuer is absent")
    assert reason(_RULE, {"iss": _OUTSIDE}).startswith("the audience is absent")
    assert reason(_RULE, _CLAIMS | {"sub": "cron:1"}) == (
        "the claim sub is 'cron:1', and the pattern is job:*"
    )
    assert "'a' or 'b'" in reason(_RULE, _CLAIMS | {"sub": ["a", "b"]})
    assert "no text, number or boolean" in reason(_RULE, _CLAIMS | {"sub": {}})


def test_a_reason_is_short_and_steers_no_terminal() -> None:
    hostile = ["\x1b[2J" + "é\ud800" * 50_000] * 50_000
    told = reason(_RULE, _CLAIMS | {"sub": hostile})
    assert told.isascii()
    assert told.isprintable()
    assert len(told) < 5000


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(claims=st.dictionaries(st.sampled_from(["iss", "aud", "sub", "a"]), _JSON))
def test_any_claims_get_an_answer(claims: dict[str, Any]) -> None:
    assert isinstance(match_workload(_RULE, claims, _OURS), Mismatch)
    nested = rule(claims={"/a/b": "x"})
    match_workload(nested, claims | {"iss": _OUTSIDE, "aud": _OURS}, _OURS)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"issuer": "http://127.0.0.1:8080"}, id="loopback"),
        pytest.param({"issuer": "http://localhost"}, id="localhost"),
        pytest.param({"issuer": "http://[::1]:1/x"}, id="loopback-6"),
        pytest.param({"issuer": "https://sts.windows.net/x/"}, id="slash"),
        pytest.param({"claims": {"sub": "x" * 256}}, id="long-pattern"),
        pytest.param({"claims": {f"c{n}": "x" for n in range(10)}}, id="ten-claims"),
        pytest.param({"claims": {"sub": "job", "ref": "**"}}, id="one-pins"),
        pytest.param({"issuer": GITHUB, "claims": {"repository_id": "1"}}, id="github-id"),
        pytest.param({"issuer": GITHUB, "claims": {"repository": "octo/*"}}, id="github-owner"),
        pytest.param({"issuer": GITLAB, "claims": {"project_path": "g/**"}}, id="gitlab-group"),
        pytest.param({"issuer": GOOGLE, "claims": {"sub": "1"}}, id="google"),
    ],
)
def test_a_rule_that_says_who_is_taken(changes: dict[str, Any]) -> None:
    check_workload_rule(rule(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"name": ""}, id="no-name"),
        pytest.param({"name": "a\nb"}, id="name-of-two-lines"),
        pytest.param({"issuer": ""}, id="no-issuer"),
        pytest.param({"issuer": "outside.example"}, id="no-scheme"),
        pytest.param({"issuer": "http://outside.example"}, id="http"),
        pytest.param({"issuer": "http://127.0.0.1.evil.example"}, id="like-loopback"),
        pytest.param({"issuer": "http://localhost@evil.example"}, id="user-part"),
        pytest.param({"issuer": "http://localhost\\@evil.example"}, id="backslash"),
        pytest.param({"issuer": "https://"}, id="no-host"),
        pytest.param({"issuer": "https://[::1"}, id="broken-host"),
        pytest.param({"issuer": "https://a.example?x"}, id="query"),
        pytest.param({"issuer": "https://a.example#x"}, id="fragment"),
        pytest.param({"issuer": "https://a.example/\n"}, id="newline"),
        pytest.param({"issuer": "https://é.example"}, id="not-ascii"),
        pytest.param({"issuer": "HTTPS://a.example"}, id="upper-case"),
        pytest.param({"issuer": "https://a.example/" + "x" * 512}, id="long-issuer"),
        pytest.param({"audience": ""}, id="empty-audience"),
        pytest.param({"audience": "x" * 257}, id="long-audience"),
        pytest.param({"claims": {}}, id="no-claims"),
        pytest.param({"claims": {f"c{n}": "x" for n in range(11)}}, id="eleven-claims"),
        pytest.param({"claims": {"sub": ""}}, id="empty-pattern"),
        pytest.param({"claims": {"": "x"}}, id="empty-claim"),
        pytest.param({"claims": {"sub": "x" * 257}}, id="long-pattern"),
        pytest.param({"claims": {"x" * 257: "x"}}, id="long-claim"),
        pytest.param({"claims": {"sub": "a\x00b"}}, id="control-character"),
        pytest.param({"claims": {"sub": "a\ud800"}}, id="surrogate"),
        pytest.param({"claims": {"/a~2": "x"}}, id="no-pointer"),
        pytest.param({"claims": {"sub": "**"}}, id="everybody"),
        pytest.param({"claims": {"sub": "*"}}, id="every-segment"),
        pytest.param({"claims": {"sub": "*/*:**"}}, id="only-separators"),
        pytest.param({"claims": {"sub": "**", "ref": "*"}}, id="all-stars"),
        *(
            pytest.param({"claims": {name: "x", "sub": "y"}}, id=name.replace("/", "pointer-"))
            for name in ("iss", "aud", "exp", "nbf", "iat", "jti", "/iss")
        ),
        pytest.param({"jwks": tuple(ClientJwk(kty="EC") for _ in range(21))}, id="many-keys"),
        pytest.param({"issuer": GITHUB, "claims": {"ref": "refs/heads/main"}}, id="github-ref"),
        pytest.param({"issuer": GITHUB, "claims": {"sub": "repo:octo/app:**"}}, id="github-sub"),
        pytest.param({"issuer": GITHUB, "claims": {"repository": "*/app"}}, id="github-any-owner"),
        pytest.param({"issuer": GITHUB, "claims": {"repository": "octo*/app"}}, id="github-prefix"),
        pytest.param({"issuer": GITHUB, "claims": {"repository_owner": "o*"}}, id="github-owners"),
        pytest.param({"issuer": GITLAB, "claims": {"ref": "main"}}, id="gitlab-ref"),
        pytest.param({"issuer": GOOGLE, "claims": {"email": "*@evil.example"}}, id="google-any"),
    ],
)
def test_a_rule_that_is_malformed_or_trusts_the_world_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidWorkload):
        check_workload_rule(rule(**changes))


def test_a_rule_is_kept_as_json_without_what_is_not_there() -> None:
    kept = msgspec.json.encode(_RULE)
    assert kept == b'{"name":"ci","issuer":"https://outside.example","claims":{"sub":"job:*"}}'
    assert msgspec.json.decode(kept, type=WorkloadRule) == _RULE
