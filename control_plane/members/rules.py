"""The five roles, and what each may do: the matrix that the code asks and the page shows. Pure."""

from enum import StrEnum

from shared.domain.refused import Refused


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    BILLING = "billing"
    READ_ONLY = "read_only"


class Permission(StrEnum):
    """Each with the words in which the page names it."""

    SEE_TENANTS = "See tenants, clients, APIs and keys"
    CHANGE_CLIENTS = "Change clients and APIs"
    SEE_LOGS = "See logs and usage"
    CHANGE_SECRETS = "Make and end client secrets"
    CHANGE_KEYS = "Rotate and revoke signing keys"
    CHANGE_TENANTS = "Create, suspend and delete tenants"
    SEE_AUDIT = "See and export the audit log"
    CHANGE_MEMBERS = "Invite and remove members, change roles"
    CHANGE_API_KEYS = "Make and revoke API keys"
    SEE_BILLING = "See plan and invoices"
    CHANGE_BILLING = "Change plan and payment"
    DELETE_ACCOUNT = "Delete the account"


_ALL = frozenset(Permission)
_SEE = frozenset({Permission.SEE_TENANTS, Permission.SEE_LOGS})
_DEVELOP = _SEE | {
    Permission.CHANGE_CLIENTS,
    Permission.CHANGE_SECRETS,
    Permission.SEE_AUDIT,
}

MATRIX: dict[Role, frozenset[Permission]] = {
    Role.OWNER: _ALL,
    Role.ADMIN: _ALL - {Permission.DELETE_ACCOUNT, Permission.CHANGE_BILLING},
    Role.DEVELOPER: _DEVELOP,
    Role.BILLING: frozenset({Permission.SEE_BILLING, Permission.CHANGE_BILLING}),
    Role.READ_ONLY: _SEE | {Permission.SEE_AUDIT},
}

ROLE_NAMES = {
    Role.OWNER: "Owner",
    Role.ADMIN: "Admin",
    Role.DEVELOPER: "Developer",
    Role.BILLING: "Billing",
    Role.READ_ONLY: "Read-only",
}


class RoleRefused(Refused):
    """The role cannot be given or taken so; the message says why."""


def may(role: Role, permission: Permission) -> bool:
    return permission in MATRIX[role]


def check_role_change(acting: Role, held: Role, to: Role | None, owners: int) -> None:
    """Check a change of someone's role, or (to None) a removal. Raises RoleRefused."""
    if not may(acting, Permission.CHANGE_MEMBERS):
        raise RoleRefused("your role does not change members")
    if Role.OWNER in {held, to} and acting is not Role.OWNER:
        raise RoleRefused("only an owner makes or unmakes owners")
    if held is Role.OWNER and to is not Role.OWNER and owners == 1:
        raise RoleRefused("the last owner cannot go: make someone else an owner first")
