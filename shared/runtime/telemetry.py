"""Metrics in Prometheus' format. No label names a tenant: their number is not bounded."""

from bisect import bisect_left

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from shared.runtime.config import workers_share_counters

_SECONDS = (0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class _Durations:
    """What a histogram has not been told yet: a request only adds to two numbers."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(_SECONDS) + 1)
        self.seconds = 0.0


class Telemetry:
    """The counters of one worker; `render` gives those of all workers of the server."""

    def __init__(self) -> None:
        self._durations: dict[tuple[str, int], _Durations] = {}
        self._registry = registry = CollectorRegistry()
        self._requests = Histogram(
            "http_server_request_duration_seconds",
            "Time from the request's head to the answer's last byte",
            ("endpoint", "status"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._refused = Counter(
            "oauth_requests_refused", "Refusals by error", ("error",), registry=registry
        )
        self._limited = Counter(
            "token_requests_limited",
            "Token requests over a limit: refused, or only observed",
            ("limit", "mode"),
            registry=registry,
        )
        self._limits_shared = Gauge(
            "limits_shared",
            "Workers that share limits through Redis now",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._redis_given_up = Counter(
            "redis_given_up", "Times that a worker gave Redis up", registry=registry
        )
        self._ledger_commit = Histogram(
            "ledger_commit_seconds", "One group commit", buckets=_SECONDS, registry=registry
        )
        self._ledger_records = Counter(
            "ledger_records", "Tokens recorded in the ledger", registry=registry
        )
        self._spooled = Gauge(
            "ledger_spooled_tokens",
            "Tokens that wait in the spool",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._spooled_since = Gauge(
            "ledger_spool_oldest_timestamp_seconds",
            "When the oldest token in the spool was issued, to the minute; 0 where it is empty",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._replayed = Counter(
            "ledger_replayed_tokens",
            "Tokens that came to the ledger by the spool",
            registry=registry,
        )
        self._issuers_held = Gauge(
            "issuers_held",
            "Issuers in memory",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._followed_at = Gauge(
            "snapshots_followed_timestamp_seconds",
            "When changes were last looked for, by the worker that is furthest behind",
            registry=registry,
            multiprocess_mode="livemin",
        )

    def observe(self, endpoint: str, status: int, error: str, seconds: float) -> None:
        durations = self._durations.get((endpoint, status))
        if durations is None:
            durations = self._durations[endpoint, status] = _Durations()
        durations.buckets[bisect_left(_SECONDS, seconds)] += 1
        durations.seconds += seconds
        if error:
            self._refused.labels(error).inc()

    def flush(self) -> None:
        """Tell the histogram of the requests since the last time.

        It has no way to be told of several at once but the one it uses itself when it counts.
        """
        held, self._durations = self._durations, {}
        for (endpoint, status), durations in held.items():
            histogram = self._requests.labels(endpoint, status)
            histogram._sum.inc(durations.seconds)  # noqa: SLF001 - see above; a test pins it
            for bucket, count in zip(histogram._buckets, durations.buckets, strict=True):  # noqa: SLF001
                bucket.inc(count)

    def observe_turned_away(self, error: str) -> None:
        """Count a request that nothing has looked at."""
        self._refused.labels(error).inc()

    def observe_limited(self, limit: str, observed: bool) -> None:  # noqa: FBT001 - a label
        self._limited.labels(limit, "observed" if observed else "enforced").inc()

    def observe_shared(self, usable: bool) -> None:  # noqa: FBT001 - the gauge's value
        self._limits_shared.set(usable)
        if not usable:
            self._redis_given_up.inc()

    def observe_commit(self, records: int, seconds: float) -> None:
        self._ledger_commit.observe(seconds)
        self._ledger_records.inc(records)

    def observe_spool(self, tokens: int, oldest: int, replayed: int) -> None:
        """`oldest`: seconds since the epoch, 0 where nothing waits; `replayed`: just now."""
        self._spooled.set(tokens)
        self._spooled_since.set(oldest)
        self._replayed.inc(replayed)

    def observe_look(self, issuers_held: int) -> None:
        self._issuers_held.set(issuers_held)
        self._followed_at.set_to_current_time()

    def render(self) -> bytes:
        self.flush()
        if not workers_share_counters():
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)
