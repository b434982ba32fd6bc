"""The pages that Stripe hosts: Checkout, the customer portal, invoices; and the double's own."""

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Protocol, TypeAlias
from urllib.parse import parse_qsl

from tests.stripe_double import changes, checkout, customers, invoices
from tests.stripe_double.store import Store
from tests.stripe_double.wire import JSON, StripeRefusal

Answered: TypeAlias = tuple[int, dict[str, str], bytes]

_FRAME = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>
:root{{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}}
body{{max-width:34rem;margin:2rem auto;padding:0 1rem}}
form{{display:inline-block;margin:0 .5rem .5rem 0}}
button,input{{font:inherit;padding:.5rem 1rem;border-radius:.4rem;border:1px solid #8888}}
input{{display:block;width:100%;box-sizing:border-box;margin-bottom:.75rem}}
.main{{background:#4b45c6;color:#fff;border-color:#4b45c6}}
.told{{border-left:.25rem solid #c0362c;padding:.5rem 1rem}}
table{{width:100%;border-collapse:collapse}}td,th{{text-align:left;padding:.25rem .5rem .25rem 0}}
small{{opacity:.75}}</style></head><body><main>
<p><small>Stripe double: no money moves here.</small></p><h1>{title}</h1>{told}{body}
</main></body></html>"""


class Advance(Protocol):
    def __call__(self, *, days: float = 0, seconds: int = 0) -> None: ...


class Pages:
    def __init__(self, store: Store, advance: Advance) -> None:
        self._store = store
        self._advance = advance
        self._places: dict[str, tuple[str, Callable[[JSON, JSON | None], Answered]]] = {
            "/c/pay": ("checkout.session", self._checkout),
            "/p/session": ("billing_portal.session", self._portal),
            "/invoices": ("invoice", self._invoice),
            "/invoices/pdf": ("invoice", _pdf),
        }

    def answer(self, method: str, path: str, body: str) -> Answered:
        form = dict(parse_qsl(body, keep_blank_values=True)) if method == "POST" else None
        if path == "/":
            return self._own(form)
        place, _, name = path.rpartition("/")
        kind, page = self._places.get(place, ("", _pdf))
        try:
            return page(self._store.get(kind, name), form)
        except StripeRefusal as error:
            return _page("Not here", escape(str(error)), status=404)

    def _checkout(self, session: JSON, form: JSON | None) -> Answered:
        told = ""
        if form is not None:
            card = form.pop("card")
            try:
                done = checkout.complete(self._store, session, card or None, form)
            except StripeRefusal as error:
                told = str(error)
            else:
                url = done["success_url"].replace("{CHECKOUT_SESSION_ID}", done["id"])
                return 303, {"location": url}, b""
        if session["status"] != "open":
            return _page("This Checkout Session is over", "", status=410)
        return _page("Checkout", self._buying(session), told=told)

    def _buying(self, session: JSON) -> str:
        lines = "".join(
            f"<tr><td>{escape(each['description'])}</td><td>{_money(each['amount_total'])}</td></tr>"
            for each in session["_lines"]
        )
        total = _money(session["amount_total"])
        asked = (
            '<label>Tax ID <input name="tax_id"></label>'
            if session["tax_id_collection"]["enabled"]
            else ""
        )
        email = (
            ""
            if session["customer"]
            else (
                '<label>E-mail <input name="email" type="email" required'
                f' value="{escape(session["customer_email"] or "")}"></label>'
            )
        )
        ways = [
            ("Pay", "visa"),
            ("Pay with a card that will fail", "chargeCustomerFail"),
            ("Decline", "chargeDeclined"),
            ("3-D Secure", "threeDSecure2Required"),
        ]
        if session["payment_method_collection"] == "if_required" and not session["amount_total"]:
            ways.insert(0, ("Start without a card", ""))
        buttons = "".join(
            f'<button name="card" value="{card}"{" class=main" if not at else ""}>{way}</button> '
            for at, (way, card) in enumerate(ways)
        )
        back = session["cancel_url"]
        leave = f'<p><a href="{escape(back)}">Back without buying</a></p>' if back else ""
        return (
            f"<table>{lines}<tr><th>Due today</th><th>{total}</th></tr></table>"
            f'<form method="post">{email}{asked}{buttons}</form>{leave}'
        )

    def _portal(self, session: JSON, form: JSON | None) -> Answered:
        customer = self._store.get("customer", session["customer"])
        told = ""
        if form is not None:
            try:
                self._do_in_portal(customer, form)
                return 303, {"location": f"/p/session/{session['id']}"}, b""
            except StripeRefusal as error:
                told = str(error)
        return _page("Billing", self._billing(session, customer), told=told)

    def _do_in_portal(self, customer: JSON, form: JSON) -> None:
        match form:
            case {"card": card}:
                customers.use_card(self._store, customer, card)
            case {"cancel": name}:
                self._change(customer, name, ends=True)
            case {"reactivate": name}:
                self._change(customer, name, ends=False)
            case {"pay": name}:
                invoices.pay_now(self._store, self._store.get("invoice", name), None)
            case _:
                pass

    def _change(self, customer: JSON, name: str, *, ends: bool) -> None:
        subscription = self._store.get("subscription", name)
        if subscription["customer"] == customer["id"]:
            changes.change(self._store, subscription, {"cancel_at_period_end": ends})

    def _billing(self, session: JSON, customer: JSON) -> str:
        store = self._store
        method = customers.method_for(store, customer["id"], None)
        card = f"Card ending in {method['card']['last4']}" if method else "No card"
        parts = [f"<h2>Payment method</h2><p>{card}</p>"]
        parts += [
            _button("card", "visa", "Use a good card"),
            _button("card", "chargeCustomerFail", "Use a card that will fail"),
        ]
        for each in store.all("subscription"):
            if each["customer"] == customer["id"] and each["ended_at"] is None:
                parts.append(_subscription_part(store, each))
        parts.append("<h2>Invoices</h2><table>")
        for each in store.all("invoice"):
            if each["customer"] == customer["id"] and each["status"] != "draft":
                parts.append(_invoice_row(each))
        back = session["return_url"]
        parts.append("</table>" + (f'<p><a href="{escape(back)}">Return</a></p>' if back else ""))
        return "".join(parts)

    def _invoice(self, invoice: JSON, form: JSON | None) -> Answered:
        told = ""
        if form is not None:
            customer = self._store.get("customer", invoice["customer"])
            try:
                method = customers.attach(self._store, "pm_card_visa", customer)
                invoices.pay_now(self._store, invoice, method)
            except StripeRefusal as error:
                told = str(error)
        lines = "".join(
            f"<tr><td>{escape(each['description'])}</td><td>{_money(each['amount'])}</td></tr>"
            for each in invoice["lines"]["data"]
        )
        body = (
            f"<p>{invoice['status']}, {_day(invoice['created'])}</p><table>{lines}"
            f"<tr><th>Due</th><th>{_money(invoice['amount_due'])}</th></tr></table>"
            f'<p><a href="{invoice["invoice_pdf"]}">PDF</a></p>'
        )
        if invoice["status"] == "open":
            body += _button("pay", invoice["id"], "Pay")
        return _page(f"Invoice {invoice['number']}", body, told=told)

    def _own(self, form: JSON | None) -> Answered:
        if form is not None:
            self._advance(days=float(form["days"]))
            return 303, {"location": "/"}, b""
        store = self._store
        moves = [("1 hour", 1 / 24), ("1 day", 1), ("3 days", 3), ("14 days", 14), ("31 days", 31)]
        parts = [f"<p>Its clock says {_day(store.clock.now())}. Move it by:</p>"]
        parts += [_button("days", str(days), name) for name, days in moves]
        rows = "".join(
            f"<tr><td>{_day(each['created'])}</td><td>{each['type']}</td></tr>"
            for each in store.events[:-31:-1]
        )
        return _page("Stripe double", "".join(parts) + f"<h2>Events</h2><table>{rows}</table>")


def _subscription_part(store: Store, subscription: JSON) -> str:
    names = ", ".join(
        escape(store.get("product", each["price"]["product"])["name"])
        for each in subscription["items"]["data"]
    )
    until = _day(max(each["current_period_end"] for each in subscription["items"]["data"]))
    ends = subscription["cancel_at_period_end"]
    button = (
        _button("reactivate", subscription["id"], "Don't cancel")
        if ends
        else _button("cancel", subscription["id"], "Cancel at the end of the period")
    )
    word = "ends" if ends else "renews"
    return f"<h2>{names}</h2><p>{subscription['status']}; {word} {until}</p>{button}"


def _invoice_row(invoice: JSON) -> str:
    pay = _button("pay", invoice["id"], "Pay now") if invoice["status"] == "open" else ""
    return (
        f'<tr><td><a href="{invoice["hosted_invoice_url"]}">{invoice["number"]}</a></td>'
        f"<td>{invoice['status']}</td><td>{_money(invoice['amount_due'])}</td><td>{pay}</td></tr>"
    )


def _button(name: str, value: str, text: str) -> str:
    return f'<form method="post"><button name="{name}" value="{value}">{text}</button></form>'


def _money(cents: int) -> str:
    return f"${cents / 100:,.2f}"


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"


def _page(title: str, body: str, *, told: str = "", status: int = 200) -> Answered:
    shown = f'<p class="told" role="alert">{escape(told)}</p>' if told else ""
    text = _FRAME.format(title=escape(title), told=shown, body=body)
    return status, {"content-type": "text/html; charset=utf-8"}, text.encode()


def _pdf(invoice: JSON, _: JSON | None) -> Answered:
    """Give the least that a reader of PDF opens: one page, one line."""
    line = f"Invoice {invoice['number']}: {_money(invoice['amount_due'])}, {invoice['status']}"
    stream = f"BT /F1 18 Tf 72 720 Td ({line}) Tj ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources 5 0 R>>",
        f"<</Length {len(stream)}>>\nstream\n{stream}\nendstream",
        "<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>",
    ]
    text, places = "%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(text))
        text += f"{number} 0 obj\n{each}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    text += f"xref\n0 6\n0000000000 65535 f \n{table}trailer\n<</Size 6/Root 1 0 R>>\n"
    text += f"startxref\n{text.index('xref')}\n%%EOF\n"
    return 200, {"content-type": "application/pdf"}, text.encode()
