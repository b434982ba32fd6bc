"""Which rules a client may hold together. Pure."""

import msgspec

from shared.domain.client import AuthMethod
from shared.domain.ids import ClientId
from shared.domain.workload import InvalidWorkload, WorkloadRule, check_workload_rule

_MAXIMUM_RULES = 10  # each is tried with every JWT of its issuer


class HeldWorkloads(msgspec.Struct, frozen=True, kw_only=True):
    """A client's rules, and whether it may use them."""

    client_id: ClientId
    enabled: bool
    auth_method: AuthMethod
    workloads: tuple[WorkloadRule, ...]


def with_rule(held: HeldWorkloads, rule: WorkloadRule) -> tuple[WorkloadRule, ...]:
    """Give the client's rules with this one. Raises InvalidWorkload."""
    check_workload_rule(rule)
    if held.auth_method is not AuthMethod.WORKLOAD_IDENTITY:
        raise InvalidWorkload(
            f"the client proves itself by {held.auth_method}: rules are for a client whose "
            f"auth method is {AuthMethod.WORKLOAD_IDENTITY}"
        )
    if any(each.name == rule.name for each in held.workloads):
        raise InvalidWorkload("the client has a rule of this name")
    if len(held.workloads) >= _MAXIMUM_RULES:
        raise InvalidWorkload(f"a client has at most {_MAXIMUM_RULES} rules")
    return (*held.workloads, rule)


def without_rule(held: HeldWorkloads, name: str) -> tuple[WorkloadRule, ...] | None:
    """Give the client's other rules; None where it has no rule of the name."""
    others = tuple(each for each in held.workloads if each.name != name)
    return None if len(others) == len(held.workloads) else others
