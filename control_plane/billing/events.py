"""What an event of Stripe's says: whose it is, and no more, for Stripe is asked anew. Pure."""

import msgspec

OF_CUSTOMERS = ("checkout.session.", "customer.", "invoice.", "subscription_schedule.")
CHECKOUT = "checkout.session."


class About(msgspec.Struct, frozen=True):
    """The object that it is about."""

    id: str = ""  # a preview of an invoice has none
    object: str = ""
    customer: str | None = None

    @property
    def customer_id(self) -> str | None:
        return self.id if self.object == "customer" else self.customer


class _Held(msgspec.Struct, frozen=True):
    object: About


class _Event(msgspec.Struct, frozen=True):
    data: _Held


def about(body: str) -> About:
    """Read it; of another shape than we know it is about nobody."""
    try:
        return msgspec.json.decode(body, type=_Event).data.object
    except msgspec.ValidationError:
        return About()
