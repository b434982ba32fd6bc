"""The requests that both servers are sent, each with an id that says what is odd about it."""

from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote

import msgspec

FORM = "application/x-www-form-urlencoded"
_GRANT = "grant_type=client_credentials"
_TOKEN, _INTROSPECT, _REVOKE = "oauth/token", "oauth/introspect", "oauth/revoke"
_ENDPOINTS = {_TOKEN: _GRANT, _INTROSPECT: "token=x", _REVOKE: "token=x"}
_DOCUMENTS = {
    "jwks": ".well-known/jwks.json",
    "openid-configuration": ".well-known/openid-configuration",
}

Headers = tuple[tuple[str, str], ...]


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One request; its path is below the issuer."""

    id: str
    method: str = "POST"
    path: str = _TOKEN
    headers: Headers = ()
    body: bytes = b""


class Credentials(msgspec.Struct, frozen=True):
    client_id: str
    client_secret: str
    audience: str

    @property
    def basic(self) -> str:
        return basic(f"{self.client_id}:{self.client_secret}".encode())

    @property
    def post(self) -> str:
        return f"client_id={self.client_id}&client_secret={self.client_secret}"


def basic(pair: bytes) -> str:
    return f"Basic {b64encode(pair).decode()}"


def every_request(who: Credentials) -> list[Sent]:
    return [
        *_each_endpoint(who),
        *_forms(who),
        *_authentications(who),
        *_documents(),
    ]


def _each_endpoint(who: Credentials) -> Iterator[Sent]:
    """Say what does not depend on the endpoint: methods, content types, the shape of the form."""
    for path, body in _ENDPOINTS.items():
        name = path.removeprefix("oauth/")
        auth = ("Authorization", who.basic)
        form = (auth, ("Content-Type", FORM))
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
            yield Sent(id=f"{name}-{method}", method=method, path=path, headers=(auth,))
        for label, kind in _CONTENT_TYPES.items():
            headers = (auth, ("Content-Type", kind)) if kind else (auth,)
            yield Sent(id=f"{name}-type-{label}", path=path, headers=headers, body=body.encode())
        for label, odd in _BODIES.items():
            odd_body = odd.replace(b"BODY", body.encode())
            yield Sent(id=f"{name}-body-{label}", path=path, headers=form, body=odd_body)
        anonymous = (("Content-Type", FORM),)
        yield Sent(id=f"{name}-anonymous", path=path, headers=anonymous, body=body.encode())
        in_body = f"{body}&{who.post}".encode()
        yield Sent(id=f"{name}-post", path=path, headers=anonymous, body=in_body)
        yield Sent(id=f"{name}-query", path=f"{path}?{body}", headers=form)
        yield Sent(id=f"{name}-query-too", path=f"{path}?a=b", headers=form, body=body.encode())
        yield Sent(id=f"{name}-slash", path=f"{path}/", headers=form, body=body.encode())
        yield Sent(id=f"{name}-upper-path", path=path.upper(), headers=form, body=body.encode())
        packed = (*form, ("Content-Encoding", "gzip"))
        yield Sent(id=f"{name}-gzip", path=path, headers=packed, body=body.encode())


_CONTENT_TYPES = {
    "form": FORM,
    "upper": FORM.upper(),
    "utf-8": f"{FORM}; charset=UTF-8",
    "latin-1": f"{FORM}; charset=iso-8859-1",
    "json": "application/json",
    "text": "text/plain",
    "multipart": "multipart/form-data; boundary=x",
    "none": "",
    "nonsense": "nonsense",
}
_BODIES = {
    "empty": b"",
    "unknown-parameter": b"BODY&foo=bar",
    "unknown-twice": b"BODY&foo=1&foo=2",
    "twice": b"BODY&BODY",
    "empty-parts": b"&&BODY&&",
    "no-value": b"BODY&foo",
    "bad-escape": b"BODY&foo=%zz",
    "bad-utf-8": b"BODY&foo=%ff",
    "raw-utf-8": "BODY&foo=é".encode(),
    "nul": b"BODY&foo=%00",
    "brackets": b"BODY&foo[a]=1&foo[b]=2",
    "proto": b"BODY&__proto__=1",
    "70-parameters": b"BODY&" + b"&".join(b"p%d=1" % i for i in range(70)),
    "20-kB": b"BODY&foo=" + b"x" * 20_000,
    "60-kB": b"BODY&foo=" + b"x" * 60_000,
    "json": b'{"token":"x","grant_type":"client_credentials"}',
}


def _forms(who: Credentials) -> Iterator[Sent]:
    """Yield what a token request may hold, and what may be wrong with a token."""
    headers = (("Authorization", who.basic), ("Content-Type", FORM))
    api = quote(who.audience, safe="")
    token_forms = {
        "grant-unknown": "grant_type=telepathy",
        "grant-password": "grant_type=password&username=a&password=b",
        "grant-code": "grant_type=authorization_code&code=x",
        "grant-refresh": "grant_type=refresh_token&refresh_token=x",
        "grant-empty": "grant_type=",
        "grant-upper": "grant_type=CLIENT_CREDENTIALS",
        "grant-spaced": "grant_type=client_credentials+",
        "grant-named-upper": "GRANT_TYPE=client_credentials",
        "scope-read": f"{_GRANT}&scope=read",
        "scope-both": f"{_GRANT}&scope=read+write",
        "scope-swapped": f"{_GRANT}&scope=write%20read",
        "scope-same-twice": f"{_GRANT}&scope=read+read",
        "scope-unknown": f"{_GRANT}&scope=fly",
        "scope-one-unknown": f"{_GRANT}&scope=read+fly",
        "scope-openid": f"{_GRANT}&scope=openid",
        "scope-upper": f"{_GRANT}&scope=READ",
        "scope-empty": f"{_GRANT}&scope=",
        "scope-space": f"{_GRANT}&scope=+",
        "scope-two-spaces": f"{_GRANT}&scope=read++write",
        "scope-tab": f"{_GRANT}&scope=read%09write",
        "scope-newline": f"{_GRANT}&scope=read%0Awrite",
        "scope-quote": f"{_GRANT}&scope=%22read%22",
        "scope-comma": f"{_GRANT}&scope=read,write",
        "scope-accent": f"{_GRANT}&scope=%C3%A9",
        "scope-twice": f"{_GRANT}&scope=read&scope=write",
        "scope-long": f"{_GRANT}&scope={'x' * 4000}",
        "resource": f"{_GRANT}&resource={api}",
        "resource-and-scope": f"{_GRANT}&resource={api}&scope=read",
        "resource-same-twice": f"{_GRANT}&resource={api}&resource={api}",
        "resource-two": f"{_GRANT}&resource={api}&resource=https%3A%2F%2Fother.example",
        "resource-unknown": f"{_GRANT}&resource=https%3A%2F%2Fother.example",
        "resource-slash": f"{_GRANT}&resource={api}%2F",
        "resource-upper": f"{_GRANT}&resource={api.upper()}",
        "resource-fragment": f"{_GRANT}&resource={api}%23x",
        "resource-relative": f"{_GRANT}&resource=%2Fapi",
        "resource-text": f"{_GRANT}&resource=nonsense",
        "resource-empty": f"{_GRANT}&resource=",
        "audience": f"{_GRANT}&audience={api}",
        "audience-unknown": f"{_GRANT}&audience=https%3A%2F%2Fother.example",
    }
    for label, body in token_forms.items():
        yield Sent(id=f"token-{label}", headers=headers, body=body.encode())
    for path in (_INTROSPECT, _REVOKE):
        name = path.removeprefix("oauth/")
        for label, body in _TOKENS.items():
            yield Sent(id=f"{name}-{label}", path=path, headers=headers, body=body.encode())


_TOKENS = {
    "token-empty": "token=",
    "token-dots": "token=..",
    "token-unsigned": "token=eyJhbGciOiJub25lIn0.e30.",
    "token-long": f"token={'a' * 9000}",
    "token-unicode": "token=%F0%9F%98%80",
    "hint-access": "token=x&token_type_hint=access_token",
    "hint-refresh": "token=x&token_type_hint=refresh_token",
    "hint-unknown": "token=x&token_type_hint=nonsense",
    "hint-empty": "token=x&token_type_hint=",
}


def _authentications(who: Credentials) -> Iterator[Sent]:
    """Authenticate in every way that is not quite right."""
    client, secret = who.client_id, who.client_secret
    good, form = who.basic, (("Content-Type", FORM),)
    encoded = good.removeprefix("Basic ")
    authorizations = {
        "lower": f"basic {encoded}",
        "upper": f"BASIC {encoded}",
        "wrong-secret": basic(f"{client}:wrong".encode()),
        "unknown-client": basic(b"nobody:wrong"),
        "empty-secret": basic(f"{client}:".encode()),
        "empty-id": basic(f":{secret}".encode()),
        "empty-both": basic(b":"),
        "no-colon": basic(client.encode()),
        "secret-with-colon": basic(f"{client}:{secret}:x".encode()),
        "secret-upper": basic(f"{client}:{secret.upper()}".encode()),
        "id-escaped": basic(f"%{ord(client[0]):02x}{client[1:]}:{secret}".encode()),
        "bad-escape": basic(f"{client}:%zz".encode()),
        "nul": basic(f"{client}:{secret}\0".encode()),
        "not-utf-8": basic(b"\xff:\xff"),
        "not-base64": "Basic ???",
        "no-credentials": "Basic",
        "two-spaces": f"Basic  {encoded}",
        "trailing-word": f"{good} x",
        "bearer": "Bearer x",
        "digest": 'Digest username="x"',
        "nonsense": "nonsense",
        "long": basic(f"{client}:{'x' * 5000}".encode()),
    }
    for label, value in authorizations.items():
        headers = (*form, ("Authorization", value))
        yield Sent(id=f"basic-{label}", headers=headers, body=_GRANT.encode())
    bodies = {
        "wrong-secret": f"client_id={client}&client_secret=wrong",
        "unknown-client": "client_id=nobody&client_secret=wrong",
        "no-secret": f"client_id={client}",
        "no-id": f"client_secret={secret}",
        "empty-secret": f"client_id={client}&client_secret=",
        "id-twice": f"client_id={client}&{who.post}",
        "secret-twice": f"{who.post}&client_secret={secret}",
        "assertion": f"client_id={client}&client_assertion=x&client_assertion_type=y",
    }
    for label, value in bodies.items():
        yield Sent(id=f"post-{label}", headers=form, body=f"{_GRANT}&{value}".encode())
    both = {
        "same": who.post,
        "same-id": f"client_id={client}",
        "other-id": "client_id=nobody",
        "empty-id": "client_id=",
        "secret-only": f"client_secret={secret}",
    }
    for label, value in both.items():
        headers = (*form, ("Authorization", good))
        yield Sent(id=f"both-{label}", headers=headers, body=f"{_GRANT}&{value}".encode())


def _documents() -> Iterator[Sent]:
    for name, path in _DOCUMENTS.items():
        for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE"):
            yield Sent(id=f"{name}-{method}", method=method, path=path)
        yield Sent(id=f"{name}-query", method="GET", path=f"{path}?a=b")
        yield Sent(id=f"{name}-slash", method="GET", path=f"{path}/")
        yield Sent(id=f"{name}-html", method="GET", path=path, headers=(("Accept", "text/html"),))
    yield Sent(
        id="authorization-server", method="GET", path=".well-known/oauth-authorization-server"
    )
    yield Sent(id="nothing-here", method="GET", path="nothing")
