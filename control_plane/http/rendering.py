"""Pages: Jinja2 templates, whole or as the fragment that htmx asked for.

A template extends `layout`: the frame with everything in it, or nothing but its content. What a
header of htmx says chooses between the two and decides nothing else.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.types import Message, Scope

from control_plane.http.api_calls import api_call
from control_plane.http.icons import icon
from control_plane.http.money import dollars
from web import ROOT

_PAGE = {"Cache-Control": "no-store", "Vary": "HX-Request"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self' {forms}; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_HSTS = {"Strict-Transport-Security": "max-age=31536000"}


class Pages:
    """Renders templates of `web/templates`; one for each process."""

    def __init__(
        self,
        origin: str,
        forms_lead_to: Sequence[str] = (),
        *,
        frame: str = "layout/page.html",
        home: str = "/",
        sign_in: str = "/signin",
    ) -> None:
        """Beside `origin`, the app's own, a form may lead to these: where one pays. `frame` is
        what a whole page stands in, `home` the path where one starts, `sign_in` the one that asks
        who it is.
        """
        self.origin = origin
        self.home = home
        self.sign_in = sign_in
        self._frame = frame
        policy = {"Content-Security-Policy": _POLICY.format(forms=" ".join(forms_lead_to))}
        self._everywhere = _HEADERS | policy
        if origin.startswith("https:"):
            self._everywhere |= _HSTS
        self._headers = _PAGE | self._everywhere
        self._environment = Environment(
            loader=FileSystemLoader(ROOT / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["icon"] = icon
        self._environment.globals["home"] = home
        self._environment.globals["api_call"] = partial(api_call, origin)
        self._environment.filters["shell"] = shlex.quote  # a word of a command that is copied
        self._environment.filters["dollars"] = dollars
        self._environment.filters["json"] = json.dumps  # a value in one, not in the page

    @property
    def headers(self) -> Mapping[str, str]:
        """What an answer says that is made elsewhere and shows something of a person's."""
        return self._headers

    async def protect(self, message: Message, _: Scope) -> None:
        """Add the protecting headers to an answer without them: a file's, a probe's."""
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            for name, value in self._everywhere.items():
                headers.setdefault(name, value)

    def show(
        self,
        request: Request[Any, Any, Any],
        template: str,
        *,
        status: int = 200,
        cookies: list[Cookie] | None = None,
        **values: object,
    ) -> Response[str]:
        """Render the template, with `signed_in`, `csrf` and `path` of the request."""
        partial = request.headers.get("hx-request") == "true"
        text = self._environment.get_template(template).render(
            layout="layout/fragment.html" if partial else self._frame,
            signed_in=request.scope.get("signed_in"),
            csrf=request.scope.get("csrf", ""),
            path=request.url.path,
            **values,
        )
        return Response(
            text,
            status_code=status,
            media_type="text/html; charset=utf-8",
            headers=dict(self._headers),
            cookies=cookies,
        )

    def fragment(self, template: str, **values: object) -> str:
        """Render a piece of a page, for what is no answer of its own, such as an event."""
        return self._environment.get_template(template).render(**values)

    def go(
        self,
        request: Request[Any, Any, Any],
        path: str,
        cookies: list[Cookie] | None = None,
    ) -> Response[None]:
        """Send the browser to a path of ours, after a form."""
        target = own_path(path)
        headers = dict(self._headers)
        if request.headers.get("hx-request") == "true":
            return Response(
                None, status_code=200, headers=headers | {"HX-Redirect": target}, cookies=cookies
            )
        return Response(
            None, status_code=303, headers=headers | {"Location": target}, cookies=cookies
        )

    def leave(self, request: Request[Any, Any, Any], url: str) -> Response[None]:
        """Send the browser to a page of those who take the money, which they have named to us."""
        answer = self.go(request, "/")
        name = "HX-Redirect" if "HX-Redirect" in answer.headers else "Location"
        answer.headers[name] = url
        return answer


def own_path(path: str) -> str:
    """Give the path if it stays on this host, else `/`: what others write may lead anywhere."""
    plain = path.isascii() and path.isprintable() and "\\" not in path
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"
