"""The promises P1 to P11, judged."""

import pytest

from control_plane.benchmark.results import Limit, Peer, Target
from control_plane.benchmark.targets import at_most, judge
from tests.control_plane.benchmark.found import ALGORITHMS, node, ours

_LIMIT = Limit(signatures=dict.fromkeys(ALGORITHMS, 30_000.0), http=20_000.0)


def judged(*peers: Peer, cores: int = 2) -> dict[str, list[Target]]:
    """Give the entries of each promise."""
    found: dict[str, list[Target]] = {}
    for each in judge(ours(), _LIMIT, list(peers), [], cores=cores):
        found.setdefault(each.id, []).append(each)
    return found


def test_every_promise_has_an_entry_in_order() -> None:
    assert list(judged()) == [f"P{number}" for number in range(1, 12)]


@pytest.mark.parametrize(
    ("es256", "eddsa", "met"),
    [
        pytest.param(4.1, 3.0, True, id="by-es256"),
        pytest.param(3.0, 4.1, True, id="by-eddsa"),
        pytest.param(3.9, 3.8, False, id="by-neither"),
    ],
)
def test_p1_is_met_by_either_algorithm_and_tells_both(
    es256: float, eddsa: float, *, met: bool
) -> None:
    (entry,) = judged(node(es256, eddsa, 9.0))["P1"]
    assert entry.met is met
    assert entry.measured == pytest.approx(max(es256, eddsa))
    assert f"ES256: {es256:.2f} x" in entry.note
    assert f"EdDSA: {eddsa:.2f} x" in entry.note


def test_p2_wants_the_ratio_and_the_part_of_the_limit() -> None:
    ratio, part = judged(node(4.0, 4.0, 2.2))["P2"]
    assert (ratio.met, ratio.target) == (False, 2.3)
    assert (part.met, part.measured, part.unit) == (True, 65.0, "%")


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    found = judged()
    unknown = [*found["P1"], found["P2"][0], *found["P8"]]
    assert [(each.measured, each.met) for each in unknown] == [(None, None)] * 3
    assert all("not measured in this run" in each.note for each in unknown)


def test_a_peer_that_did_not_start_leaves_its_promise_open() -> None:
    absent = Peer(name="node-oidc-provider", version="", how="", reason="npm is not here")
    assert judged(absent)["P1"][0].met is None


def test_p8_comes_from_its_own_run() -> None:
    tenants = [at_most("P8", 1.1, 1.2, "x", "token p95")]
    found = judge(ours(), _LIMIT, [], tenants, cores=2)
    assert [each for each in found if each.id == "P8"] == tenants


def test_a_start_is_judged_by_its_median() -> None:
    data_plane, first, later = judged()["P7"]
    assert (data_plane.measured, data_plane.met) == (1.0, True)
    assert (first.met, later.met) == (True, False)


@pytest.mark.parametrize(("cores", "met"), [(2, None), (4, False)])
def test_the_measured_second_worker_is_judged_where_there_is_room(
    cores: int,
    met: bool | None,  # noqa: FBT001 - a case of the test
) -> None:
    computed, measured = judged(cores=cores)["P9"]
    assert (computed.met, computed.measured) == (True, 1.8)
    assert (measured.met, measured.measured) == (met, 1.4)


def test_both_kinds_of_connection_are_told() -> None:
    (entry,) = judged()["P11"]
    assert "2,000/s on new connections, 5,000/s kept alive" in entry.note
