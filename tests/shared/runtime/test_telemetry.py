"""Counts that gather in the worker reach the scrape whole, bucket by bucket."""

from prometheus_client.parser import text_string_to_metric_families

from shared.runtime.telemetry import Telemetry


def samples(telemetry: Telemetry) -> dict[tuple[str, str], float]:
    """Give (name, le) -> value of the request histogram."""
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for family in text_string_to_metric_families(telemetry.render().decode())
        for sample in family.samples
        if sample.name.startswith("http_server_request_duration_seconds")
        and not sample.name.endswith("_created")
    }


def test_gathered_durations_are_those_that_were_observed() -> None:
    telemetry = Telemetry()
    name = "http_server_request_duration_seconds"
    for seconds in (0.0001, 0.0004, 0.0004, 0.002, 99.0):
        telemetry.observe("oauth/token", 200, "", seconds)
    found = samples(telemetry)
    assert found[f"{name}_bucket", "0.00025"] == 1
    assert found[f"{name}_bucket", "0.0005"] == 3
    assert found[f"{name}_bucket", "0.001"] == 3
    assert found[f"{name}_bucket", "0.002"] == 4
    assert found[f"{name}_bucket", "2.5"] == 4
    assert found[f"{name}_bucket", "+Inf"] == found[f"{name}_count", ""] == 5
    assert round(found[f"{name}_sum", ""], 4) == 99.0029


def test_each_request_is_counted_once_however_often_it_is_told() -> None:
    telemetry = Telemetry()
    telemetry.observe("oauth/token", 200, "", 0.001)
    telemetry.flush()
    telemetry.flush()
    telemetry.observe("oauth/token", 200, "", 0.001)
    assert samples(telemetry)["http_server_request_duration_seconds_count", ""] == 2
    assert samples(telemetry)["http_server_request_duration_seconds_count", ""] == 2
