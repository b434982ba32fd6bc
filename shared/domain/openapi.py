"""The OpenAPI 3.1 document of the data plane: written here, held against the routes by a test."""

from typing import Any, TypeAlias

Shape: TypeAlias = dict[str, Any]

_FORM = "application/x-www-form-urlencoded"
_TEXT: Shape = {"type": "string", "minLength": 1, "pattern": r"^[\x20-\x7e]+$"}
_FLAG_STATUS: Shape = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"enum": ["ok", "starting", "degraded"]}},
}
_ERROR: Shape = {
    "type": "object",
    "required": ["error", "error_description"],
    "properties": {
        "error": {"type": "string"},
        "error_description": {"type": "string"},
    },
}
_SLUG: Shape = {
    "name": "slug",
    "in": "path",
    "required": True,
    "description": "The tenant's name in its issuer URL.",
    "schema": {"type": "string"},
}
_POST_REFUSALS = {
    "400": "The request is malformed or asks for what is not granted.",
    "401": "The client did not prove itself.",
    "404": "There is no such issuer.",
    "405": "Only POST is allowed.",
    "413": "The body is too large.",
    "415": "The body is compressed.",
    "429": "Too many wrong secrets or, at the token endpoint, over a limit of the plan.",
    "431": "The headers are too large.",
    "503": "The database is out of reach: ask again.",
}
_WHOLE: Shape = {"type": "integer", "minimum": 1}
_RETRY_AFTER: Shape = {
    "Retry-After": {
        "description": "After how many seconds it is worth another try.",
        "required": True,
        "schema": _WHOLE,
    }
}
# absent where nothing limits; draft-ietf-httpapi-ratelimit-headers-11
_RATE_LIMITS: Shape = {
    "RateLimit-Policy": {
        "description": "The limits: q token requests in w seconds.",
        "schema": {"type": "string"},
        "example": '"rate";q=400;w=2, "month";q=1000000;w=2592000',
    },
    "RateLimit": {
        "description": "What is left of each, and in how many seconds all of it is there again.",
        "schema": {"type": "string"},
        "example": '"rate";r=399;t=1, "month";r=987654;t=86400',
    },
}
_ISSUER_DOCUMENTS = {
    "/t/{slug}/.well-known/jwks.json": "The key set, RFC 7517.",
    "/t/{slug}/.well-known/revocations": "What was revoked, for APIs that verify offline.",
    "/t/{slug}/.well-known/openid-configuration": "The metadata, where OpenID clients look.",
    "/t/{slug}/.well-known/oauth-authorization-server": "The metadata, RFC 8414.",
    "/.well-known/openid-configuration/t/{slug}": "The metadata, name inserted before the path.",
    "/.well-known/oauth-authorization-server/t/{slug}": "The metadata, RFC 8414 section 3.1.",
}


def openapi_document(version: str) -> Shape:
    """Give the document as JSON has it."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "auth-service data plane", "version": version},
        "paths": _endpoints() | _documents() | _probes(),
        "components": {
            "schemas": {"Error": _ERROR},
            "securitySchemes": {
                "client": {"type": "http", "scheme": "basic"},
                "management": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _endpoints() -> Shape:
    token = {"token": _TEXT, "token_type_hint": {"type": "string"}}
    grant = {
        "grant_type": {"const": "client_credentials"},
        "scope": _TEXT,
        "resource": {"type": "array", "items": _TEXT},
        "audience": _TEXT,
    }
    issued = _object("access_token", "token_type", "expires_in", "scope")
    one_of_three = {
        "jti": _TEXT,
        "client_id": _TEXT,
        "everything": {"const": "true"},
        "reason": {"type": "string"},
    }
    return {
        "/t/{slug}/admin/revoke": _admin_revoke(one_of_three),
        "/t/{slug}/oauth/token": _with_limits(
            _post("Issue a token, RFC 6749 section 4.4.", grant, issued)
        ),
        "/t/{slug}/oauth/introspect": _post("RFC 7662.", token, _object("active")),
        "/t/{slug}/oauth/revoke": _post("RFC 7009.", token, None),
    }


def _post(summary: str, properties: Shape, answer: Shape | None) -> Shape:
    """Describe an endpoint; the first of its parameters is the required one."""
    form = _form(properties, next(iter(properties)))
    found = _json("Done.", answer) if answer else {"description": "Done; the body is empty."}
    operation = {
        "summary": summary,
        "security": [{"client": []}],
        "requestBody": {"required": True, "content": {_FORM: {"schema": form}}},
        "responses": {"200": found} | _refusals(_POST_REFUSALS),
    }
    return {"parameters": [_SLUG], "post": operation}


def _with_limits(endpoint: Shape) -> Shape:
    answers: Shape = endpoint["post"]["responses"]
    answers["200"] |= {"headers": _RATE_LIMITS}
    answers["429"] |= {"headers": _RETRY_AFTER | _RATE_LIMITS}
    return endpoint


def _admin_revoke(parameters: Shape) -> Shape:
    """Describe the endpoint of whoever manages the tenant: a bearer token, or a signed request."""
    revoked = _json("Revoked.", _object("kind", "subject", "not_before", "expires_at"))
    refusals = _POST_REFUSALS | {"403": "The token lacks the scope revoke:tokens."}
    del refusals["429"]
    operation = {
        "summary": "Revoke a token, a client's tokens, or all: exactly one parameter.",
        "security": [{"management": []}, {}],
        "requestBody": {"required": True, "content": {_FORM: {"schema": _form(parameters)}}},
        "responses": {"200": revoked} | _refusals(refusals),
    }
    return {"parameters": [_SLUG], "post": operation}


def _form(properties: Shape, *required: str) -> Shape:
    return {"type": "object", "required": list(required), "properties": properties}


def _documents() -> Shape:
    refusals = _refusals({"404": "There is no such issuer.", "503": "Ask again."})
    return {
        path: {
            "parameters": [_SLUG],
            "get": {
                "summary": summary,
                "responses": {
                    "200": _json("The document.", {"type": "object"}),
                    "304": {"description": "The caller holds it."},
                }
                | refusals,
            },
        }
        for path, summary in _ISSUER_DOCUMENTS.items()
    }


def _probes() -> Shape:
    well, not_yet = _json("It is.", _FLAG_STATUS), _json("Not yet.", _FLAG_STATUS)
    live = {"get": {"summary": "Is the process alive?", "responses": {"200": well}}}
    ready = {"get": {"summary": "Can it serve?", "responses": {"200": well, "503": not_yet}}}
    metrics = {
        "summary": "The counters, as Prometheus reads them.",
        "responses": {"200": {"description": "Counters.", "content": {"text/plain": {}}}},
    }
    return {
        "/livez": live,
        "/health": live,
        "/readyz": ready,
        "/startupz": ready,
        "/metrics": {"get": metrics},
    }


def _refusals(texts: dict[str, str]) -> Shape:
    error = {"$ref": "#/components/schemas/Error"}
    refusals = {status: _json(text, error) for status, text in texts.items()}
    if "429" in refusals:
        refusals["429"] |= {"headers": _RETRY_AFTER}
    return refusals


def _json(description: str, schema: Shape) -> Shape:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _object(*required: str) -> Shape:
    return {"type": "object", "required": list(required)}
