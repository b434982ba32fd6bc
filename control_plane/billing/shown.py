"""The billing pages: one frame with tabs over the books of the account that is looked at."""

from typing import Any

from litestar import Response

from control_plane.audit.shown import AnyRequest, Means, Shower
from control_plane.billing.actions import Billing
from control_plane.billing.plans import EACH_OF, runs
from control_plane.billing.standing import BillingState
from control_plane.http.signed_in import account_of, signed_in_of
from shared.domain.plan import PLANS


class BillingShower(Shower):
    def __init__(self, means: Means, billing: Billing) -> None:
        super().__init__(means)
        self.billing = billing

    async def state(self, request: AnyRequest) -> BillingState:
        return await self.billing.billing_of(account_of(request), self.now())

    def show(
        self, request: AnyRequest, state: BillingState, tab: str, *, error: str = "", **values: Any
    ) -> Response[str]:
        """Show one of the pages; with an error it is 422."""
        return self.pages.show(
            request,
            f"billing/{tab}.html",
            status=422 if error else 200,
            tab=tab,
            state=state,
            sold=self.billing.is_set_up,
            plan=PLANS[state.plan],
            held=state.subscription if runs(state.subscription) else None,
            each_of=EACH_OF,
            plan_of=PLANS,
            may_change=signed_in_of(request).may("CHANGE_BILLING") and not state.by_contract,
            error=error,
            **values,
        )
