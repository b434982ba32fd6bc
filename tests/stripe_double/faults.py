"""What goes wrong on purpose, as Stripe's own bad days go."""

from dataclasses import dataclass

from tests.stripe_double.wire import JSON

_WORDS = {
    429: ("invalid_request_error", "rate_limit", "Too many requests in a period of time."),
    500: ("api_error", "api_error", "An unknown error occurred."),
    503: ("api_error", "api_error", "Stripe is temporarily unavailable."),
}


@dataclass
class Fault:
    """One way to fail. With neither status nor `lost` the answer is right, but late."""

    status: int | None = None  # answered before anything is done
    seconds: float = 0.0  # until the answer
    lost: bool = False  # it is done, and the connection breaks before the answer
    path: str = "/v1/"  # of the calls that fail: how they begin
    method: str | None = None
    times: int | None = 1  # None: until it is taken away


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Give what this call suffers."""
        for each in self._faults:
            if path.startswith(each.path) and each.method in {None, method}:
                if each.times is not None:
                    each.times -= 1
                    if each.times == 0:
                        self._faults.remove(each)
                return each
        return None


def words_of(status: int) -> JSON:
    kind, code, message = _WORDS.get(status, _WORDS[500])
    return {"error": {"type": kind, "code": code, "message": message}}
