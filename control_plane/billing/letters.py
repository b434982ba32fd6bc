"""What we write about payments to those of an account who look after its billing. Pure."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeAlias

from control_plane.billing.rules import Subscription
from control_plane.billing.seen import Status
from control_plane.mail.rules import Letter

Write: TypeAlias = Callable[[str, str], Letter]  # to, console_url

WARNED_BEFORE = timedelta(days=3)  # a trial or the time to pay ends
_ENDING = "You get this because you look after the billing of this account."
_SPENT = 100  # percent


def due_of(subscription: Subscription, now: datetime) -> Iterator[tuple[str, Write]]:
    """Give what is to be written about the subscription by now, each with a name of its own."""
    ends = subscription.trial_end
    if subscription.status is Status.TRIALING and ends and now >= ends - WARNED_BEFORE:
        yield f"trial {subscription.id}", _trial_ends(ends)
    until, since = subscription.grace_until, subscription.past_due_since
    if subscription.status is not Status.PAST_DUE or until is None or since is None:
        return
    about = f"{subscription.id} {since:%Y-%m-%dT%H:%M:%S}"
    yield f"payment {about}", _payment_failed(until)
    if now >= until:
        yield f"over {about}", _grace_over()
    elif now >= until - WARNED_BEFORE:
        yield f"grace {about}", _grace_ends(until)


def threshold(percent: int) -> Write:
    used = "all" if percent >= _SPENT else f"{percent} %"
    more = (
        "Further tokens are issued as far as your plan's grace or your overage reaches."
        if percent >= _SPENT
        else "Nothing changes yet. A greater plan or an overage makes room before the month ends."
    )
    return _letter(f"You have used {used} of this month's tokens", more, "See your usage")


def _payment_failed(until: datetime) -> Write:
    words = (
        "We could not take the payment for your subscription, and will try again."
        f" Your plan goes on until {until:%Y-%m-%d}. Please check your card."
    )
    return _letter("A payment has failed", words, "Check the payment")


def _grace_ends(until: datetime) -> Write:
    words = (
        f"On {until:%Y-%m-%d} your account goes to the limits of Sandbox, unless the open invoice"
        " is paid. Tokens are still issued then, within those limits."
    )
    return _letter("Your plan ends soon: an invoice is open", words, "Pay the invoice")


def _grace_over() -> Write:
    words = (
        "The invoice is still open, so your account now has the limits of Sandbox. Nothing of yours"
        " is deleted; once the invoice is paid your plan is back at once."
    )
    return _letter("Your account has the limits of Sandbox", words, "Pay the invoice")


def _trial_ends(ends: datetime) -> Write:
    words = (
        f"Your trial ends on {ends:%Y-%m-%d}. Without a plan your account then has the limits of"
        " Sandbox; nothing of yours is deleted."
    )
    return _letter("Your trial ends soon", words, "Choose a plan")


def _letter(subject: str, words: str, button: str) -> Write:
    def write(to: str, console_url: str) -> Letter:
        return Letter(
            to=to,
            kind="billing",
            subject=subject,
            words=(words,),
            button=button,
            link=f"{console_url}/billing",
            ending=_ENDING,
        )

    return write
