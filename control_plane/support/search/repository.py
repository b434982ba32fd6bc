"""Where a customer is, or a thing of theirs, looked up over all. As the support login."""

from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    case,
    collate,
    func,
    null,
    select,
    text,
    union,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.support.search.rules import MOST, Hit, Kind, Place
from shared.runtime.tables.billing import billing_customer
from shared.runtime.tables.control import account, tenant
from shared.runtime.tables.people import member, person
from shared.runtime.tables.support_search import client_place

_Found: TypeAlias = Select[tuple[str, str | None, str | None, str | None]]

_OF_REQUEST = text("SELECT tenant, refusal::text AS id FROM ledger.tenants_of_request(:asked)")
_OF_TOKEN = text("SELECT tenant FROM ledger.tenant_of_token(:asked)")


async def find_accounts(
    connection: AsyncConnection, typed: str, kinds: Sequence[Kind], *, offset: int, limit: int
) -> tuple[list[Hit], int]:
    """Give a page of accounts with their tenants, by slug, and how many there are.

    Of each kind the first thousand are looked at (rules.MOST).
    """
    parts = [_found_as(kind, typed) for kind in kinds if kind in _LOOK_UPS]
    if not parts:
        return [], 0
    found = union(*parts).subquery()
    page = (
        select(found, func.count().over().label("total"))
        .order_by(*_in_order(found))
        .offset(offset)
        .limit(limit)
        .subquery()
    )
    rows = await connection.execute(
        select(
            page.c.account_id,
            account.c.name.label("account_name"),
            account.c.plan,
            page.c.slug,
            tenant.c.environment,
            tenant.c.status,
            page.c.total,
        )
        .join(account, account.c.id == page.c.account_id)
        .outerjoin(tenant, tenant.c.id == page.c.tenant_id)
        .order_by(*_in_order(page))
    )
    hits = rows.mappings().all()
    return [msgspec.convert(row, Hit) for row in hits], hits[0]["total"] if hits else 0


async def places_of_client(connection: AsyncConnection, client_id: str) -> list[Place]:
    rows = await connection.execute(
        select(client_place.c.tenant_id, client_place.c.client_id).where(
            client_place.c.client_id == client_id
        )
    )
    return await _places(connection, Kind.CLIENT, [(row.tenant_id, row.client_id) for row in rows])


async def places_of_request(connection: AsyncConnection, request_id: str) -> list[Place]:
    """Find the refusals of this request: one, unless somebody chose the id."""
    rows = await connection.execute(_OF_REQUEST, {"asked": request_id})
    return await _places(connection, Kind.REQUEST, [(row.tenant, row.id) for row in rows])


async def places_of_token(connection: AsyncConnection, jti: UUID) -> list[Place]:
    rows = await connection.execute(_OF_TOKEN, {"asked": jti})
    return await _places(connection, Kind.TOKEN, [(row.tenant, str(jti)) for row in rows])


async def _places(
    connection: AsyncConnection, kind: Kind, found: list[tuple[str, str]]
) -> list[Place]:
    """Say whose the tenants are; one whose slug is let go has no page any more."""
    rows = await connection.execute(
        select(
            tenant.c.id,
            tenant.c.account_id,
            account.c.name.label("account_name"),
            account.c.plan,
            tenant.c.slug,
            tenant.c.environment,
            tenant.c.status,
        )
        .join(account, account.c.id == tenant.c.account_id)
        .where(tenant.c.id.in_([tenant_id for tenant_id, _ in found]), tenant.c.slug.is_not(None))
    )
    # SQLAlchemy's names are of a kind of str that msgspec does not take for a dict's keys
    by_id = {
        row["id"]: {str(name): value for name, value in row.items()} for row in rows.mappings()
    }
    return [
        msgspec.convert(by_id[tenant_id] | {"kind": kind, "id": each}, Place)
        for tenant_id, each in found
        if tenant_id in by_id
    ]


_LAST = "\U0010ffff"  # nothing is after it
_SLUG = collate(tenant.c.slug, "C")  # in the order of the index
_NAME = case((tenant.c.id.is_(None), account.c.name))  # in whose order those without a tenant are
_TENANT = (tenant.c.id.label("tenant_id"), _SLUG.label("slug"))


def _in_order(found: Subquery) -> tuple[ColumnElement[Any], ...]:
    return found.c.slug.asc().nulls_last(), found.c.name, found.c.account_id


def _found_as(kind: Kind, typed: str) -> _Found:
    """Select accounts and their tenants that are this by that kind."""
    look_up = _LOOK_UPS[kind]
    return look_up(typed).limit(MOST)


def _begins(column: ColumnElement[str], typed: str) -> ColumnElement[bool]:
    """By the index of the beginnings, which is in the order of the bytes.

    Two bounds and no LIKE: for a pattern it is not told a plan that is kept reads the whole index.
    """
    ordered, beginning = collate(column, "C"), typed.lower()
    return (ordered >= beginning) & (ordered < beginning + _LAST)


def _of_accounts(*conditions: ColumnElement[bool]) -> _Found:
    return (
        select(account.c.id.label("account_id"), *_TENANT, _NAME.label("name"))
        .select_from(account)
        .outerjoin(tenant, tenant.c.account_id == account.c.id)
        .where(*conditions)
    )


def _of_tenants(condition: ColumnElement[bool]) -> _Found:
    return select(tenant.c.account_id.label("account_id"), *_TENANT, null().label("name")).where(
        condition
    )


def _by_slug(typed: str) -> _Found:
    return _of_tenants(_begins(tenant.c.slug, typed)).order_by(_SLUG)


def _by_name(typed: str) -> _Found:
    name = func.lower(account.c.name)
    return _of_accounts(_begins(name, typed)).order_by(collate(name, "C"))


def _by_email(typed: str) -> _Found:
    return (
        _of_accounts(_begins(person.c.email, typed))
        .join(member, member.c.account_id == account.c.id)
        .join(person, person.c.id == member.c.person_id)
        .order_by(collate(person.c.email, "C"))
    )


def _by_customer(typed: str) -> _Found:
    return _of_accounts(billing_customer.c.customer_id == typed).join(
        billing_customer, billing_customer.c.account_id == account.c.id
    )


_LOOK_UPS = {
    Kind.SLUG: _by_slug,
    Kind.NAME: _by_name,
    Kind.EMAIL: _by_email,
    Kind.TENANT: lambda typed: _of_tenants(tenant.c.id == typed),
    Kind.ACCOUNT: lambda typed: _of_accounts(account.c.id == typed),
    Kind.CUSTOMER: _by_customer,
}
