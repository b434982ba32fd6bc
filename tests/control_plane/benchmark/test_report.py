"""The table for people, and the charts."""

from xml.etree import ElementTree as ET

import msgspec
import pytest
from msgspec.structs import replace

from control_plane.benchmark.charts import charts_of
from control_plane.benchmark.report import table_of
from control_plane.benchmark.results import Peer, Results
from tests.control_plane.benchmark.found import node, results

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def found() -> Results:
    return results(
        node(4.2, 4.0, 2.4),
        Peer(name="Keycloak", version="26", how="one core", reason="not installed here: mvn"),
    )


def test_the_table_has_every_target_with_its_verdict(found: Results) -> None:
    lines = table_of(found).splitlines()
    for target in found.targets:
        verdict = {True: "met", False: "MISSED", None: "-"}[target.met]
        assert any(
            line.startswith(f"{target.id} ") and verdict in line and target.note in line
            for line in lines
        ), target


def test_the_table_has_every_figure_and_names_who_could_not_be_measured(found: Results) -> None:
    table = table_of(found)
    rows = [line.split() for line in table.splitlines()]
    fresh = "tokens ES256, new connections 2,000 1.00 3.00 12.00 500"
    peer = "node-oidc-provider 9 ES256 1,500 1.00 3.00 12.00 6,300 4.20 4.20 140"
    assert fresh.split() in rows
    assert peer.split() in rows
    assert "Keycloak 26: not installed here: mvn" in table


def test_the_table_says_when_the_cores_are_shared(found: Results) -> None:
    assert "server on core 0, generator and PostgreSQL on core 1" in table_of(found)
    alone = replace(found, machine=replace(found.machine, other_core=0))
    assert "share the cores" in table_of(alone)


def test_the_table_tells_of_runs_that_were_void(found: Results) -> None:
    tokens = found.ours.tokens | {"ES256": replace(found.ours.tokens["ES256"], void=2)}
    assert "503" not in table_of(found)
    told = table_of(replace(found, ours=replace(found.ours, tokens=tokens)))
    assert "runs with answers of 503, repeated: tokens ES256 (2)" in told


def test_results_survive_json(found: Results) -> None:
    assert msgspec.json.decode(msgspec.json.encode(found), type=Results) == found


def test_there_is_a_chart_for_each_algorithm_the_limit_and_the_latency(found: Results) -> None:
    assert set(charts_of(found)) == {
        *("latency.svg", "limit.svg"),
        *("tokens-es256.svg", "tokens-eddsa.svg", "tokens-rs256.svg"),
    }


def test_a_chart_is_an_image_that_says_what_it_shows(found: Results) -> None:
    for svg in charts_of(found).values():
        image = ET.fromstring(svg)  # noqa: S314 - our own text
        assert image.tag == f"{_SVG}svg"
        assert image.get("role") == "img"
        shown = [each.text or "" for each in image.iter(f"{_SVG}text")]
        label = image.get("aria-label") or ""
        assert shown[0] in label
        assert "A <processor> & more" in shown[-1]


def test_a_chart_can_be_read_in_light_and_dark(found: Results) -> None:
    for svg in charts_of(found).values():
        assert "prefers-color-scheme: dark" in svg


def test_bars_are_as_long_as_their_figures(found: Results) -> None:
    image = ET.fromstring(charts_of(found)["tokens-es256.svg"])  # noqa: S314 - our own text
    ours, theirs = (float(each.get("width") or 0) for each in image.iter(f"{_SVG}rect"))
    assert ours / theirs == pytest.approx(5_000 / 1_500, rel=0.01)
