"""Which call does what: method and path, the SDK's TypedDict of its fields, and the work."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import stripe.params as of
import stripe.params.billing as of_billing
import stripe.params.billing_portal as of_portal
import stripe.params.checkout as of_checkout

from tests.stripe_double import (
    calls,
    catalogue,
    changes,
    checkout,
    customers,
    invoices,
    portal,
    schedules,
    subscriptions,
)
from tests.stripe_double.listing import (
    Listing,
    matches_customer,
    matches_lookup_key,
    matches_status,
)
from tests.stripe_double.store import Store
from tests.stripe_double.wire import JSON

Work: TypeAlias = Callable[[Store, list[str], JSON], JSON | Listing]


class Route(NamedTuple):
    method: str
    path: re.Pattern[str]
    shape: Any  # None: no fields but `expand`
    work: Work


def _route(method: str, path: str, shape: Any, work: Work) -> Route:
    return Route(method, re.compile("/v1/" + path.replace("{}", "([^/]+)")), shape, work)


def _creates(path: str, shape: Any, make: Callable[[Store, JSON], JSON]) -> Route:
    return _route("POST", path, shape, lambda store, _, given: make(store, given))


def _on(kind: str, work: Callable[[Store, JSON, JSON], JSON | Listing]) -> Work:
    """Give the work the object that the path names first."""
    return lambda store, names, given: work(store, store.get(kind, names[0]), given)


def _shows(path: str, kind: str, shape: Any) -> Route:
    return _route("GET", path, shape, _on(kind, lambda _, found, __: found))


def _does(path: str, kind: str, shape: Any, act: Callable[[Store, JSON], JSON]) -> Route:
    """Have something done to what the path names; the parameters say no more."""
    return _route("POST", path, shape, _on(kind, lambda store, found, _: act(store, found)))


def _lists(path: str, kind: str, shape: Any, *matches: Any) -> Route:
    def work(store: Store, _: list[str], given: JSON) -> Listing:
        found = [each for each in store.all(kind) if all(match(each, given) for match in matches)]
        return Listing(found, given)

    return _route("GET", path, shape, work)


def _tax_id_of(store: Store, names: list[str]) -> JSON:
    return store.get("tax_id", names[1])


ROUTES = [
    _creates("customers", of.CustomerCreateParams, customers.make_customer),
    _lists("customers", "customer", of.CustomerListParams, matches_customer),
    _shows("customers/{}", "customer", of.CustomerRetrieveParams),
    _route(
        "POST", "customers/{}", of.CustomerUpdateParams, _on("customer", customers.change_customer)
    ),
    _route(
        "DELETE",
        "customers/{}",
        None,
        _on("customer", lambda s, c, _: customers.delete_customer(s, c)),
    ),
    _route(
        "POST",
        "customers/{}/tax_ids",
        of.CustomerTaxIdCreateParams,
        _on("customer", customers.make_tax_id),
    ),
    _route(
        "GET",
        "customers/{}/tax_ids",
        of.CustomerTaxIdListParams,
        _on("customer", lambda s, c, given: Listing(customers.tax_ids_of(s, c["id"]), given)),
    ),
    _route(
        "DELETE",
        "customers/{}/tax_ids/{}",
        None,
        lambda s, names, _: customers.delete_tax_id(s, _tax_id_of(s, names)),
    ),
    _route(
        "GET",
        "customers/{}/payment_methods",
        of.CustomerPaymentMethodListParams,
        _on("customer", lambda s, c, given: Listing(customers.methods_of(s, c["id"]), given)),
    ),
    _route("POST", "payment_methods", of.PaymentMethodCreateParams, calls.make_method),
    _shows("payment_methods/{}", "payment_method", None),
    _route("POST", "payment_methods/{}/attach", of.PaymentMethodAttachParams, calls.attach),
    _route(
        "POST",
        "payment_methods/{}/detach",
        None,
        _on("payment_method", lambda s, method, _: customers.detach(s, method)),
    ),
    _creates("products", of.ProductCreateParams, catalogue.make_product),
    _lists("products", "product", of.ProductListParams, matches_status),
    _shows("products/{}", "product", of.ProductRetrieveParams),
    _route("POST", "products/{}", of.ProductUpdateParams, _on("product", calls.update_product)),
    _creates("prices", of.PriceCreateParams, catalogue.make_price),
    _lists("prices", "price", of.PriceListParams, matches_status, matches_lookup_key),
    _shows("prices/{}", "price", of.PriceRetrieveParams),
    _route("POST", "prices/{}", of.PriceUpdateParams, _on("price", catalogue.change_price)),
    _creates("billing/meters", of_billing.MeterCreateParams, catalogue.make_meter),
    _lists("billing/meters", "billing.meter", of_billing.MeterListParams, matches_status),
    _shows("billing/meters/{}", "billing.meter", of_billing.MeterRetrieveParams),
    _route(
        "POST",
        "billing/meters/{}",
        of_billing.MeterUpdateParams,
        _on("billing.meter", calls.update_meter),
    ),
    _route(
        "POST",
        "billing/meters/{}/deactivate",
        None,
        _on("billing.meter", lambda s, m, _: catalogue.switch_meter(s, m, active=False)),
    ),
    _route(
        "POST",
        "billing/meters/{}/reactivate",
        None,
        _on("billing.meter", lambda s, m, _: catalogue.switch_meter(s, m, active=True)),
    ),
    _route(
        "GET",
        "billing/meters/{}/event_summaries",
        of_billing.MeterEventSummaryListParams,
        _on(
            "billing.meter", lambda s, m, given: Listing(catalogue.summaries_of(s, m, given), given)
        ),
    ),
    _creates("billing/meter_events", of_billing.MeterEventCreateParams, catalogue.count_usage),
    _creates("subscriptions", of.SubscriptionCreateParams, subscriptions.begin),
    _lists(
        "subscriptions", "subscription", of.SubscriptionListParams, matches_customer, matches_status
    ),
    _shows("subscriptions/{}", "subscription", of.SubscriptionRetrieveParams),
    _route(
        "POST",
        "subscriptions/{}",
        of.SubscriptionUpdateParams,
        _on("subscription", changes.change),
    ),
    _route(
        "DELETE", "subscriptions/{}", of.SubscriptionCancelParams, _on("subscription", calls.cancel)
    ),
    _creates("subscription_schedules", of.SubscriptionScheduleCreateParams, schedules.begin),
    _lists(
        "subscription_schedules",
        "subscription_schedule",
        of.SubscriptionScheduleListParams,
        matches_customer,
    ),
    _shows(
        "subscription_schedules/{}", "subscription_schedule", of.SubscriptionScheduleRetrieveParams
    ),
    _route(
        "POST",
        "subscription_schedules/{}",
        of.SubscriptionScheduleUpdateParams,
        _on("subscription_schedule", schedules.change),
    ),
    _does(
        "subscription_schedules/{}/release",
        "subscription_schedule",
        of.SubscriptionScheduleReleaseParams,
        schedules.release,
    ),
    _does(
        "subscription_schedules/{}/cancel",
        "subscription_schedule",
        of.SubscriptionScheduleCancelParams,
        schedules.cancel,
    ),
    _creates("invoices/create_preview", of.InvoiceCreatePreviewParams, portal.preview),
    _creates("invoices", of.InvoiceCreateParams, calls.make_invoice),
    _lists("invoices", "invoice", of.InvoiceListParams, matches_customer, matches_status),
    _shows("invoices/{}", "invoice", of.InvoiceRetrieveParams),
    _route("POST", "invoices/{}", of.InvoiceUpdateParams, _on("invoice", calls.update_invoice)),
    _route(
        "GET",
        "invoices/{}/lines",
        of.InvoiceLineItemListParams,
        _on("invoice", lambda _, each, given: Listing(each["lines"]["data"], given)),
    ),
    _does("invoices/{}/finalize", "invoice", of.InvoiceFinalizeInvoiceParams, invoices.finalize),
    _route("POST", "invoices/{}/pay", of.InvoicePayParams, _on("invoice", calls.pay)),
    _does("invoices/{}/void", "invoice", of.InvoiceVoidInvoiceParams, invoices.void),
    _does(
        "invoices/{}/mark_uncollectible",
        "invoice",
        of.InvoiceMarkUncollectibleParams,
        invoices.give_up,
    ),
    _creates("invoiceitems", of.InvoiceItemCreateParams, calls.make_invoice_item),
    _creates("checkout/sessions", of_checkout.SessionCreateParams, checkout.begin),
    _lists(
        "checkout/sessions",
        "checkout.session",
        of_checkout.SessionListParams,
        matches_customer,
        matches_status,
    ),
    _shows("checkout/sessions/{}", "checkout.session", of_checkout.SessionRetrieveParams),
    _route(
        "GET",
        "checkout/sessions/{}/line_items",
        of_checkout.SessionLineItemListParams,
        _on("checkout.session", lambda _, each, given: Listing(each["_lines"], given)),
    ),
    _does(
        "checkout/sessions/{}/expire",
        "checkout.session",
        of_checkout.SessionExpireParams,
        checkout.expire,
    ),
    _creates("billing_portal/sessions", of_portal.SessionCreateParams, portal.begin),
    _route("GET", "events", of.EventListParams, calls.events),
    _route("GET", "events/{}", of.EventRetrieveParams, calls.event),
]
