"""Structured logs: one JSON object a line on stderr.

What may be logged is named field by field at each call; a request's headers, body and query never
are, so that no secret and no token can get there. Text is JSON-escaped: a line stays a line.
"""

import json
import logging
import sys
import time
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode

# Libraries that log whole URLs or statements below this level.
_QUIET = ("sqlalchemy", "asyncio", "httpx", "httpcore")


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = self.formatException(record.exc_info)
        return one_line(line)


def one_line(line: dict[str, Any] | msgspec.Struct) -> str:
    """Encode in printable ASCII: nothing that is logged ends a line or steers a terminal."""
    try:
        text = _encode(line)
    except (TypeError, ValueError):  # half a surrogate, or an object that is no JSON
        text = b"\x7f"
    if text.isascii() and b"\x7f" not in text:
        return text.decode()
    if isinstance(line, msgspec.Struct):
        line = msgspec.structs.asdict(line)
    return json.dumps(line, default=repr).replace("\x7f", "\\u007f")


def configure_logs(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def fields(**values: Any) -> dict[str, dict[str, Any]]:
    """Name the fields of one line: `log.info("token issued", extra=fields(tenant=…))`."""
    return {"fields": values}
