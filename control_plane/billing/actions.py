"""What an account's people do about its plan and payments.

Everything is bought at Stripe, whose pages take the money; then the books are brought up to date,
which gives the plan. A change that is asked for twice, by two or after a crash, is made once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from control_plane.accounts.actions import change_limits, publish_limits, show_account
from control_plane.accounts.rules import LimitsChange
from control_plane.audit.actions import record_of_account
from control_plane.audit.rules import Actor, Noted
from control_plane.billing import changes, repository
from control_plane.billing.books import Books
from control_plane.billing.changes import key_of
from control_plane.billing.metering import agree, count
from control_plane.billing.repository import CustomerRow
from control_plane.billing.rules import TRIAL_PLAN, BillingRefused, Invoice, Subscription, current
from control_plane.billing.seen import Status
from control_plane.billing.standing import BillingState, find_standing
from control_plane.billing.stripe_gateway import StripeGateway
from control_plane.billing.terms import (
    BillingDetails,
    Change,
    Draft,
    details_of,
    draft_of,
    goes_up,
    later,
)
from shared.domain.plan import PAID, Interval, PlanName
from shared.runtime.database import Database


class Billing:
    """One for each process. `stripe` is None where nothing is sold.

    All but `billing_of` and `list_invoices` raise BillingRefused where nothing is sold, and what
    the gateway raises: StripeAway, StripeRefused (a card that is declined, say). The account's
    people are told by the message.
    """

    def __init__(self, database: Database, stripe: StripeGateway | None, console_url: str) -> None:
        self._database = database
        self._stripe = stripe
        self._console_url = console_url

    @property
    def is_set_up(self) -> bool:
        """Tell whether plans are sold here."""
        return self._stripe is not None

    async def billing_of(self, account_id: str, now: datetime) -> BillingState:
        """Raises UnknownAccount."""
        return await find_standing(self._database, account_id, now)

    async def list_invoices(self, account_id: str) -> list[Invoice]:
        """List the latest hundred, the newest first; drafts are none yet."""
        async with self._database.control() as connection:
            found = await repository.invoices_of(connection, account_id)
        return [each for each in found if each.status != "draft"]

    async def begin_checkout(
        self, account_id: str, plan: PlanName, interval: Interval, by: Actor, now: datetime
    ) -> str:
        """Give the URL of Stripe's page for a first purchase, or in the place of a trial.

        It comes back to /billing?checkout=done or …=canceled.
        """
        _check_sold(plan)
        stripe = self._sold()
        await self._buyable(account_id, now)
        await self._ensure_customer(stripe, account_id, by)
        await self.refresh(account_id, now)  # who has paid a moment ago does not pay twice
        held = (await self._buyable(account_id, now)).subscription
        if held is not None and not held.is_over and held.status is not Status.TRIALING:
            raise BillingRefused("there is a subscription already: change its plan instead")
        customer = await self._customer(account_id)
        given = await changes.checkout_of(stripe, customer, plan, interval, self._console_url)
        session = await stripe.begin_checkout(given, key_of("checkout", customer))
        async with self._database.control() as connection:
            await repository.add_checkout(connection, session.id, account_id, now)
            after = {"plan": plan, "interval": interval}
            noted = Noted("billing.begin_checkout", f"account {account_id}", after=after)
            await record_of_account(connection, account_id, by, noted)
        return session.url

    async def start_trial(self, account_id: str, by: Actor, now: datetime) -> None:
        """Begin a trial without a card, once an account: then it is Sandbox, or what is bought."""
        stripe = self._sold()
        if not (await self._buyable(account_id, now)).may_start_trial:
            raise BillingRefused("the account has had its trial")
        customer = await self._ensure_customer(stripe, account_id, by)
        given = await changes.trial_of(stripe, customer)
        await stripe.begin_subscription(given, f"trial-{account_id}")
        async with self._database.control() as connection:
            await repository.set_trialed(connection, account_id, now)
        await self._done(account_id, by, "start_trial", {"plan": TRIAL_PLAN}, now)

    async def preview_change(
        self, account_id: str, plan: PlanName, interval: Interval, now: datetime
    ) -> Change:
        """Say what another plan would cost, and when it would begin."""
        _check_sold(plan)
        stripe = self._sold()
        held = (await self._buyable(account_id, now)).subscription
        if held is None or held.is_over or held.status is Status.TRIALING:
            return Change(at_once=True, takes_effect=now, due_now=0, needs_checkout=True)
        if not goes_up(held, plan, interval):
            return later(held, now)
        customer = await self._customer(account_id)
        seen = await changes.find_seen(stripe, customer, held.id)
        details = await changes.upgrade_of(stripe, seen, plan, interval)
        given = {"customer": customer.customer_id, "subscription": held.id}
        found = await stripe.preview({**given, "subscription_details": details})
        due = int(found["amount_due"])
        return Change(at_once=True, takes_effect=now, due_now=due, needs_checkout=False)

    async def change_plan(
        self, account_id: str, plan: PlanName, interval: Interval, by: Actor, now: datetime
    ) -> Change:
        """Change a running subscription: an upgrade at once, and paid at once; else at its end.

        Asked for the plan that it has, it forgets another that was to come. Raises StripeRefused
        where the payment fails: the plan is then what it was.
        """
        _check_sold(plan)
        stripe, customer, held = await self._running(account_id)
        if held.status is Status.TRIALING:
            raise BillingRefused("a trial has no card yet: buy the plan first")
        seen = await changes.find_seen(stripe, customer, held.id)
        key = key_of("change", customer)
        is_same = (plan, interval) == (held.plan, held.interval)
        at_once = goes_up(held, plan, interval)
        if at_once or is_same:
            await changes.release(stripe, seen, key)
        if at_once:
            given = await changes.upgrade_of(stripe, seen, plan, interval)
            paid = {"payment_behavior": "error_if_incomplete", "cancel_at_period_end": False}
            await stripe.change_subscription(held.id, {**given, **paid}, key)
        elif not is_same:
            await changes.schedule(stripe, seen, plan, interval, key)
        after = {"plan": plan, "interval": interval, "at_once": at_once}
        await self._done(account_id, by, "change_plan", after, now)
        if at_once:
            return Change(at_once=True, takes_effect=now, due_now=0, needs_checkout=False)
        return later(held, now)

    async def cancel(self, account_id: str, by: Actor, now: datetime) -> None:
        """Have the subscription end with its period; until then `reactivate` takes it back."""
        await self._set_cancel(account_id, by, now, cancel=True)

    async def reactivate(self, account_id: str, by: Actor, now: datetime) -> None:
        """Have it go on as it is: neither ended nor changed with its period."""
        await self._set_cancel(account_id, by, now, cancel=False)

    async def open_portal(self, account_id: str) -> str:
        """Give the URL of Stripe's page for cards, addresses and invoices; back to /billing."""
        stripe = self._sold()
        customer = await self._customer(account_id)
        return await stripe.open_portal(customer.customer_id, f"{self._console_url}/billing")

    async def set_overage(self, account_id: str, cap: int | None, by: Actor, now: datetime) -> None:
        """Buy tokens over the plan, up to so many US cents a month; None: buy none.

        What was used before is not billed. Raises InvalidLimit or BillingRefused.
        """
        held = (await self._buyable(account_id, now)).subscription
        if cap is not None and (held is None or held.is_over):
            raise BillingRefused("tokens over a plan are bought with a subscription that runs")
        async with self._database.control() as connection:
            await repository.lock_customer(connection, account_id)
            await count(connection, account_id, now)
            await change_limits(connection, account_id, LimitsChange(overage_cap=cap or 0), by)
            await agree(connection, account_id, now)
        await publish_limits(self._database, account_id)

    async def draft_invoice(self, account_id: str) -> Draft | None:
        """Ask Stripe what the running period comes to by now; None where no invoice follows."""
        stripe = self._sold()
        async with self._database.control() as connection:
            held = current(await repository.subscriptions_of(connection, account_id))
        if held is None or held.is_over or held.cancel_at_period_end:
            return None
        customer = await self._customer(account_id)
        given = {"customer": customer.customer_id, "subscription": held.id}
        found = await stripe.preview(given)
        return draft_of(found)

    async def details_of(self, account_id: str) -> BillingDetails:
        """Ask Stripe for the customer's billing e-mail and tax ids."""
        stripe = self._sold()
        found = await stripe.customer((await self._customer(account_id)).customer_id)
        return details_of(found)

    async def set_email(self, account_id: str, email: str, by: Actor) -> None:
        """Have invoices go to this address. Raises StripeRefused where it is none."""
        stripe = self._sold()
        customer = await self._customer(account_id)
        await stripe.set_customer(customer.customer_id, {"email": email})
        await self._record(account_id, by, "set_email", {"email": email})

    async def refresh(self, account_id: str, now: datetime) -> None:
        """Bring the books up to date: after a visit to one of Stripe's pages, say."""
        await Books(self._database, self._sold(), self._console_url).refresh(account_id, now)

    def _sold(self) -> StripeGateway:
        if self._stripe is None:
            raise BillingRefused("billing is not set up: nothing is sold here")
        return self._stripe

    async def _buyable(self, account_id: str, now: datetime) -> BillingState:
        state = await self.billing_of(account_id, now)
        if state.by_contract:
            raise BillingRefused("the account's plan is by contract: write to us to change it")
        return state

    async def _customer(self, account_id: str) -> CustomerRow:
        async with self._database.control() as connection:
            found = await repository.find_customer(connection, account_id)
        if found is None:
            raise BillingRefused("the account has never bought anything")
        return found

    async def _ensure_customer(
        self, stripe: StripeGateway, account_id: str, by: Actor
    ) -> CustomerRow:
        """Give who the account is at Stripe. A second try after a crash makes no second one."""
        async with self._database.control() as connection:
            found = await repository.find_customer(connection, account_id)
        if found is not None:
            return found
        account = await show_account(self._database, account_id)
        given: dict[str, Any] = {"name": account.name, "metadata": {"account": account_id}}
        if by.email:
            given["email"] = by.email
        made = await stripe.add_customer(given, f"customer-{account_id}")
        async with self._database.control() as connection:
            await repository.add_customer(connection, account_id, made)
        return await self._customer(account_id)

    async def _running(self, account_id: str) -> tuple[StripeGateway, CustomerRow, Subscription]:
        stripe = self._sold()
        customer = await self._customer(account_id)
        async with self._database.control() as connection:
            held = current(await repository.subscriptions_of(connection, account_id))
        if held is None or held.is_over:
            raise BillingRefused("there is no subscription that runs")
        return stripe, customer, held

    async def _set_cancel(self, account_id: str, by: Actor, now: datetime, *, cancel: bool) -> None:
        verb = "cancel" if cancel else "reactivate"
        stripe, customer, held = await self._running(account_id)
        key = key_of(verb, customer)
        await changes.release(stripe, await changes.find_seen(stripe, customer, held.id), key)
        await stripe.change_subscription(held.id, {"cancel_at_period_end": cancel}, key)
        await self._done(account_id, by, verb, {"cancel_at_period_end": cancel}, now)

    async def _done(
        self, account_id: str, by: Actor, verb: str, after: Mapping[str, Any], now: datetime
    ) -> None:
        await self._record(account_id, by, verb, after)
        await self.refresh(account_id, now)

    async def _record(
        self, account_id: str, by: Actor, verb: str, after: Mapping[str, Any]
    ) -> None:
        noted = Noted(f"billing.{verb}", f"account {account_id}", after=after)
        async with self._database.control() as connection:
            await record_of_account(connection, account_id, by, noted)


def _check_sold(plan: PlanName) -> None:
    if plan not in PAID:
        raise BillingRefused("this plan is not sold; to leave a plan, cancel the subscription")
