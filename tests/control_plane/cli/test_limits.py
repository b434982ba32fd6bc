"""The commands for plans and limits."""

from typing import Any

import pytest

from tests.control_plane.cli.conftest import Cli, Stocked


@pytest.fixture
def account(cli: Cli) -> str:
    return str(cli.json("account", "create", "Acme")["id"])


def limits_of(cli: Cli, account: str) -> dict[str, Any]:
    limits: dict[str, Any] = cli.json("account", "show", account)["limits"]
    return limits


def test_a_new_account_is_in_the_sandbox_and_moves_to_another_plan(cli: Cli, account: str) -> None:
    assert cli.json("account", "show", account)["chosen"]["plan"] == "sandbox"
    assert limits_of(cli, account)["rate"] == {"per_second": 5, "burst": 10}
    moved = cli.json("account", "set-plan", account, "growth")
    assert moved == cli.json("account", "show", account)
    assert moved["limits"]["rate"] == {"per_second": 200, "burst": 400}
    assert moved["limits"]["month"]["included"] == 1_000_000
    assert "plan     growth\n" in cli.text("account", "show", account).stdout


def test_limits_by_contract_are_set_and_taken_away(cli: Cli, account: str) -> None:
    cli.json("account", "set-plan", account, "starter")
    change = ("--rate", "30", "--monthly-tokens", "500", "--observe", "--overage-cap", "2500")
    found = cli.json("account", "set-limits", account, *change)["limits"]
    assert found["rate"] == {"per_second": 30, "burst": 60}
    assert found["month"] == {"included": 500, "bought": 100_000, "allowed": 100_500}
    assert found["observed"] is True
    text = cli.text("account", "show", account).stdout
    assert "overage  up to 25.00 dollars a month\n" in text
    assert "limits   observe\n" in text
    found = cli.json("account", "set-limits", account, "--no-overage", "--enforce")["limits"]
    assert (found["month"]["allowed"], found["observed"]) == (550, False)
    found = cli.json("account", "set-limits", account, "--reset", "--rate", "9", "--burst", "9")
    assert found["limits"]["rate"] == {"per_second": 9, "burst": 9}
    assert found["limits"]["month"]["included"] == 100_000


def test_the_operator_has_no_limit_but_what_it_gives_itself(cli: Cli) -> None:
    assert "rate     no limit\n" in cli.text("account", "show", "operator").stdout


def test_what_cannot_be_is_refused(cli: Cli, account: str) -> None:
    change = ("account", "set-limits", account)
    assert "rate" in cli.refusal(*change, "--rate", "0")
    assert "rate" in cli.refusal(*change, "--rate", str(2**70))
    assert "--rate" in cli.refusal(*change, "--burst", "5")
    assert "tokens" in cli.refusal(*change, "--monthly-tokens", str(2**70))
    assert "overage" in cli.refusal(*change, "--overage-cap", "100")
    assert "overage" in cli.refusal(*change, "--overage-cap", str(2**40))
    assert "not both" in cli.usage_error(*change, "--overage-cap", "1", "--no-overage")
    assert "no such account" in cli.refusal("account", "show", "a_x")
    assert "no such account" in cli.refusal("account", "set-limits", "a_x", "--observe")
    assert "no such account" in cli.refusal("account", "set-plan", "a_x", "growth")
    assert "operator" in cli.refusal("account", "set-plan", account, "operator")
    assert "operator" in cli.refusal("account", "set-plan", "operator", "growth")
    assert "gold" in cli.usage_error("account", "set-plan", account, "gold")


def test_a_client_has_a_limit_of_its_own(cli: Cli, stocked: Stocked) -> None:
    of = ("--tenant", stocked.slug)
    made = cli.json("client", "create", *of, "--name", "small", "--rate", "3")["client_id"]

    def shown() -> tuple[int | None, int | None]:
        found = cli.json("client", "show", *of, made)["client"]
        return found["token_rate"], found["token_burst"]

    assert shown() == (3, 6)
    assert "limit    3/s, 6 at once\n" in cli.text("client", "show", *of, made).stdout
    cli.json("client", "update", *of, made, "--name", "renamed")
    assert shown() == (3, 6)
    cli.json("client", "update", *of, made, "--rate", "10", "--burst", "11")
    assert shown() == (10, 11)
    cli.json("client", "update", *of, made, "--no-rate")
    assert shown() == (None, None)
    assert "rate" in cli.refusal("client", "update", *of, made, "--rate", "0")
    assert "--rate" in cli.refusal("client", "create", *of, "--name", "n", "--burst", "1")
