"""What a connection may send, how slowly, and what is said of more."""

MAXIMUM_HEAD = 32 * 1024  # bytes; the application answers for heads of more than half of it
MAXIMUM_UNREAD = 64 * 1024  # bytes of a body that wait for the application
MAXIMUM_IGNORED = 1024 * 1024  # bytes that may come behind the last answer
HEAD_PATIENCE = 10  # seconds a request's head may take
BODY_PATIENCE = 15  # seconds; the application's own is shorter, and says why it ends
IDLE = 75  # seconds before a request

MALFORMED = "the request is malformed"
TOO_LARGE = "the request's headers are too large"
TOO_SLOW = "the request did not arrive in time"
BUSY = "the service is busy"
