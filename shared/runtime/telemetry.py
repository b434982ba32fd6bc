"""Metrics in Prometheus' format. No label names a tenant: their number is not bounded."""

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


class Telemetry:
    """The counters of one worker; `render` gives those of all workers of the server."""

    def __init__(self) -> None:
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
        self._requests.labels(endpoint, status).observe(seconds)
        if error:
            self._refused.labels(error).inc()

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
        if not workers_share_counters():
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)
