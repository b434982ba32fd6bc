"""`token get|decode|introspect|revoke` against the running data plane, and what commands change."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable

import pytest

from tests.control_plane.cli.conftest import Cli, Stocked

_PATIENCE = 60.0  # seconds; a change is seen within one


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < end, "the data plane did not see it"
        time.sleep(0.02)


def get(cli: Cli, of: Stocked, *options: str) -> str:
    answer = cli.json("token", "get", *of.caller, *options, CLIENT_SECRET=of.client_secret)
    return str(answer["access_token"])


def is_active(cli: Cli, of: Stocked, token: str) -> bool:
    answer = cli.json("token", "introspect", *of.caller, token, CLIENT_SECRET=of.client_secret)
    return bool(answer["active"])


def test_a_token_is_fetched_decoded_introspected_and_revoked(cli: Cli, stocked: Stocked) -> None:
    answer = cli.json("token", "get", *stocked.caller, CLIENT_SECRET=stocked.client_secret)
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "read write")
    token = answer["access_token"]
    decoded = cli.json("token", "decode", token)
    assert decoded["header"]["typ"] == "at+jwt"
    assert decoded["claims"]["aud"] == stocked.audience
    assert decoded["claims"]["client_id"] == stocked.client_id
    assert is_active(cli, stocked, token)
    revoke = ("token", "revoke", *stocked.caller, token)
    assert cli.json(*revoke, CLIENT_SECRET=stocked.client_secret) == {"revoked": True}
    until(lambda: not is_active(cli, stocked, token))


def test_a_token_as_text_is_the_token_alone_and_is_read_from_standard_input(
    cli: Cli, stocked: Stocked
) -> None:
    secret = {"CLIENT_SECRET": stocked.client_secret}
    fetched = cli.text("token", "get", *stocked.caller, **secret)
    assert fetched.stdout.count(".") == 2
    assert "Next: auth-service token decode" in fetched.stderr
    decoded = cli.text("token", "decode", stdin=fetched.stdout)
    assert json.loads(decoded.stdout)["claims"]["scope"] == "read write"
    assert "not verified" in decoded.stderr
    told = cli.text("token", "introspect", *stocked.caller, stdin=fetched.stdout, **secret)
    assert json.loads(told.stdout)["active"] is True
    revoked = cli.text("token", "revoke", *stocked.caller, "-", stdin=fetched.stdout, **secret)
    assert revoked.stdout == "Revoked.\n"


def test_scope_and_audience_are_asked_for(cli: Cli, stocked: Stocked) -> None:
    token = get(cli, stocked, "--scope", "read", "--audience", stocked.audience)
    assert cli.json("token", "decode", token)["claims"]["scope"] == "read"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        pytest.param(("--scope", "nope"), "400 invalid_scope", id="6749-5.2-scope"),
        pytest.param(("--audience", "urn:none"), "400 invalid_target", id="8707-2-target"),
    ],
)
def test_the_issuers_refusal_is_said_in_one_line(
    cli: Cli, stocked: Stocked, options: tuple[str, ...], error: str
) -> None:
    secret = {"CLIENT_SECRET": stocked.client_secret}
    assert error in cli.refusal("token", "get", *stocked.caller, *options, **secret)


@pytest.mark.parametrize("verb", ["get", "introspect", "revoke"])
def test_a_wrong_secret_is_refused_and_not_repeated(cli: Cli, stocked: Stocked, verb: str) -> None:
    token = [] if verb == "get" else ["a.b.c"]
    said = cli.refusal("token", verb, *stocked.caller, *token, CLIENT_SECRET="as_cs_wrong")
    assert "401 invalid_client" in said
    assert "as_cs_wrong" not in said


def test_an_unknown_tenant_is_refused(cli: Cli) -> None:
    asked = ("token", "get", "--tenant", "no-such-tenant", "--client-id", "c")
    assert "404" in cli.refusal(*asked, CLIENT_SECRET="s")


@pytest.mark.parametrize("slug", ["a b", "../admin", "a\nb", "ä"])
def test_a_slug_that_is_none_is_refused_in_one_line(cli: Cli, slug: str) -> None:
    cli.refusal("token", "get", "--tenant", slug, "--client-id", "c", CLIENT_SECRET="s")


def test_without_a_client_it_is_asked_for(cli: Cli) -> None:
    assert "--client-id" in cli.usage_error("token", "get", "--tenant", "acme")


def test_without_a_secret_the_variable_is_named(cli: Cli, stocked: Stocked) -> None:
    assert "CLIENT_SECRET" in cli.usage_error("token", "get", *stocked.caller)


def test_an_issuer_that_does_not_answer_is_named(cli: Cli, stocked: Stocked) -> None:
    nowhere = {"PUBLIC_URL": "http://127.0.0.1:1", "CLIENT_SECRET": "s"}
    said = cli.refusal("token", "get", *stocked.caller, **nowhere)
    assert f"http://127.0.0.1:1/t/{stocked.slug} does not answer" in said


def test_an_answer_that_is_no_json_is_refused_in_one_line(
    cli: Cli, stocked: Stocked, stranger: str
) -> None:
    cli.refusal("token", "get", *stocked.caller, PUBLIC_URL=stranger, CLIENT_SECRET="s")


def part(contents: str) -> str:
    return urlsafe_b64encode(contents.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("not-a-token", id="one-part"),
        pytest.param("a.b", id="two-parts"),
        pytest.param("a.b.c.d", id="four-parts"),
        pytest.param("a.b.c", id="no-base64"),
        pytest.param("ключ.ключ.ключ", id="not-ascii"),
        pytest.param(f"{part('[')}.{part('{}')}.", id="no-json"),
        pytest.param(f"{part('{}')}.{part('[' * 100_000)}.", id="deep"),
    ],
)
def test_what_is_no_jwt_is_said_to_be_none(cli: Cli, token: str) -> None:
    assert cli.refusal("token", "decode", "-", stdin=token) == "Error: This is not a JWT."


def test_a_token_that_attacks_the_terminal_is_shown_escaped(cli: Cli) -> None:
    token = f"{part('{}')}.{part(json.dumps({'sub': chr(27) + '[2J' + chr(0xD800)}))}."
    shown = cli.text("token", "decode", "-", stdin=token).stdout
    assert chr(27) not in shown
    assert "\\u001b[2J" in shown
    assert "claims" in cli.json("token", "decode", "-", stdin=token)


def test_a_suspended_tenant_issues_nothing_until_it_is_resumed(cli: Cli, stocked: Stocked) -> None:
    secret = {"CLIENT_SECRET": stocked.client_secret}

    def issues() -> bool:
        return cli.run("token", "get", *stocked.caller, **secret).exit_code == 0

    assert issues()
    cli.json("tenant", "suspend", stocked.slug)
    until(lambda: not issues())
    cli.json("tenant", "resume", stocked.slug)
    until(issues)


def test_a_disabled_clients_tokens_are_dead_for_good(cli: Cli, stocked: Stocked) -> None:
    watcher = cli.json("client", "create", "--tenant", stocked.slug, "--name", "watcher")
    other = Stocked(slug=stocked.slug, audience=stocked.audience, **watcher)
    one = ("--tenant", stocked.slug, stocked.client_id)
    serves = cli.json(
        *("client", "create", "--tenant", stocked.slug, "--name", "api"),
        *("--serves", stocked.audience),
    )
    api = Stocked(slug=stocked.slug, audience=stocked.audience, **serves)
    token, others = get(cli, stocked), get(cli, other)
    assert is_active(cli, api, token)
    cli.json("client", "disable", *one)
    until(lambda: not is_active(cli, api, token))
    cli.json("client", "enable", *one)
    until(
        lambda: (
            cli.run("token", "get", *stocked.caller, CLIENT_SECRET=stocked.client_secret).exit_code
            == 0
        )
    )
    assert not is_active(cli, api, token)
    assert is_active(cli, api, others)


def test_both_secrets_work_through_a_rotation_and_the_old_one_not_without_overlap(
    cli: Cli, stocked: Stocked
) -> None:
    rotate = ("client", "rotate-secret", "--tenant", stocked.slug, stocked.client_id, "--overlap")

    def works(secret: str) -> bool:
        return cli.run("token", "get", *stocked.caller, CLIENT_SECRET=secret).exit_code == 0

    second = cli.json(*rotate, "600")["client_secret"]
    until(lambda: works(second))
    assert works(stocked.client_secret)
    cli.json("secret", "finish", "--tenant", stocked.slug, "--client", stocked.client_id)
    third = cli.json(*rotate, "0")["client_secret"]
    until(lambda: works(third))
    assert not works(stocked.client_secret)
    assert not works(second)
