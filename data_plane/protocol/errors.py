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
  TokenMissing                401 token_missing              RFC 6750 section 3.1
  InvalidToken                401 invalid_token              RFC 6750 section 3.1
  InvalidSignature            401 invalid_signature          RFC 9421
  InsufficientScope           403 insufficient_scope         RFC 6750 section 3.1
  InvalidScope                400 invalid_scope
  InvalidDpopProof            400 invalid_dpop_proof         RFC 9449 section 5
  UseDpopNonce                400 use_dpop_nonce             RFC 9449 section 8
  InvalidTarget               400 invalid_target             RFC 8707 section 2
  UnauthorizedClient          400 unauthorized_client
  UnsupportedGrantType        400 unsupported_grant_type
  NotFound                    404 not_found
  TooManyRequests             429 too_many_requests          RFC 6585 section 4
  TemporarilyUnavailable      503 temporarily_unavailable
"""

from typing import ClassVar, Self


class OAuthError(Exception):
    """A refusal the protocol has a name for.

    The description is constant text in ASCII: nothing that was presented is in it.
    """

    code: ClassVar[str]
    status: ClassVar[int] = 400

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description

    def without_traceback(self) -> Self:
        """Let go of the frames that raised it, which often hold it in turn.

        Such rings are left to the garbage collector: some 20,000 objects at once, and all requests
        wait 40 ms meanwhile, the neighbours' too of a tenant that is over its limit.
        """
        self.__traceback__ = self.__context__ = self.__cause__ = None
        return self


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


class TokenMissing(OAuthError):
    """Neither a bearer token nor a signature: the challenge names no error then."""

    code = "token_missing"
    status = 401


class InvalidToken(OAuthError):
    code = "invalid_token"
    status = 401


class InvalidSignature(OAuthError):
    code = "invalid_signature"
    status = 401


class InsufficientScope(OAuthError):
    code = "insufficient_scope"
    status = 403


class InvalidScope(OAuthError):
    code = "invalid_scope"


class InvalidTarget(OAuthError):
    code = "invalid_target"


class InvalidDpopProof(OAuthError):
    code = "invalid_dpop_proof"


class UseDpopNonce(OAuthError):
    code = "use_dpop_nonce"

    def __init__(self, description: str, nonce: str) -> None:
        super().__init__(description)
        self.nonce = nonce  # for the next try


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


class TooManyRequests(OAuthError):
    code = "too_many_requests"
    status = 429

    def __init__(
        self, description: str, retry_after: int, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        """Take after how many seconds it is worth another try, and what tells of the limits."""
        super().__init__(description)
        self.retry_after = retry_after
        self.headers = headers
