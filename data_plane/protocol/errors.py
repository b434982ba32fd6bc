"""Every refusal that has a name on the wire.

OAuthError                    RFC 6749 section 5.2
  InvalidRequest              400 invalid_request
  MalformedMessage            400 invalid_request             RFC 9112 section 6
  MethodNotAllowed            405 invalid_request
  RequestTooSlow              408 invalid_request
  RequestTooLarge             413 invalid_request
  EncodedBody                 415 invalid_request
  HeadersTooLarge             431 invalid_request
  InvalidClient               401 invalid_client
  InvalidScope                400 invalid_scope
  InvalidTarget               400 invalid_target             RFC 8707 section 2
  UnauthorizedClient          400 unauthorized_client
  UnsupportedGrantType        400 unsupported_grant_type
  NotFound                    404 not_found
  TemporarilyUnavailable      503 temporarily_unavailable
"""

from typing import ClassVar


class OAuthError(Exception):
    """A refusal the protocol has a name for.

    The description is constant text in ASCII: nothing that was presented is in it.
    """

    code: ClassVar[str]
    status: ClassVar[int] = 400

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description


class InvalidRequest(OAuthError):
    code = "invalid_request"


class MethodNotAllowed(OAuthError):
    code = "invalid_request"
    status = 405

    def __init__(self, allowed: bytes) -> None:
        """Take the methods that are allowed, as the header `Allow` names them."""
        super().__init__("the method is not allowed here")
        self.allowed = allowed


class MalformedMessage(OAuthError):
    """What follows on the connection cannot be trusted to be a request (RFC 9112 section 6.3)."""

    code = "invalid_request"


class RequestTooSlow(OAuthError):
    code = "invalid_request"
    status = 408


class RequestTooLarge(OAuthError):
    code = "invalid_request"
    status = 413


class EncodedBody(OAuthError):
    code = "invalid_request"
    status = 415


class HeadersTooLarge(OAuthError):
    code = "invalid_request"
    status = 431


class InvalidClient(OAuthError):
    code = "invalid_client"
    status = 401


class InvalidScope(OAuthError):
    code = "invalid_scope"


class InvalidTarget(OAuthError):
    code = "invalid_target"


class UnauthorizedClient(OAuthError):
    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    code = "unsupported_grant_type"


class NotFound(OAuthError):
    code = "not_found"
    status = 404


class TemporarilyUnavailable(OAuthError):
    code = "temporarily_unavailable"
    status = 503
