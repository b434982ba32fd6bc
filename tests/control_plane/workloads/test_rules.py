"""Which rules a client may hold together."""

from typing import Any

import msgspec
import pytest

from control_plane.workloads.rules import HeldWorkloads, with_rule, without_rule
from shared.domain.client import AuthMethod
from shared.domain.ids import ClientId
from shared.domain.workload import InvalidWorkload, WorkloadRule

_RULE = WorkloadRule(name="ci", issuer="https://outside.example", claims={"sub": "job"})
_NONE = HeldWorkloads(
    client_id=ClientId("c_a"),
    enabled=True,
    auth_method=AuthMethod.WORKLOAD_IDENTITY,
    workloads=(),
)


def rules(count: int) -> tuple[WorkloadRule, ...]:
    return tuple(msgspec.structs.replace(_RULE, name=f"r{n}") for n in range(count))


def holding(**changes: Any) -> HeldWorkloads:
    return msgspec.structs.replace(_NONE, **changes)


def test_a_rule_is_added_after_the_others() -> None:
    held = rules(9)
    assert with_rule(holding(workloads=held), _RULE) == (*held, _RULE)


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(holding(workloads=rules(10)), id="ten-rules"),
        pytest.param(holding(workloads=(_RULE,)), id="same-name"),
        pytest.param(holding(auth_method=AuthMethod.CLIENT_SECRET), id="secret"),
        pytest.param(holding(auth_method=AuthMethod.PRIVATE_KEY_JWT), id="key"),
    ],
)
def test_a_client_that_may_not_have_it_is_refused(held: HeldWorkloads) -> None:
    with pytest.raises(InvalidWorkload):
        with_rule(held, _RULE)


def test_a_rule_for_everybody_is_refused() -> None:
    with pytest.raises(InvalidWorkload):
        with_rule(_NONE, msgspec.structs.replace(_RULE, claims={"sub": "**"}))


def test_a_rule_is_taken_away_by_its_name() -> None:
    held = rules(3)
    assert without_rule(holding(workloads=held), "r1") == (held[0], held[2])
    assert without_rule(holding(workloads=held), "R1") is None
