"""The short form of `make bench`: it fails when the harness is broken, never on a slow machine."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from control_plane.benchmark.results import Results
from control_plane.benchmark.targets import NODE, at_most
from tests.benchmarks.bench import PEERS, chosen, targets_of_tenants
from tests.benchmarks.peers import Absent
from tests.benchmarks.tools import require, run

_ROOT = Path(__file__).parents[2]
_PATIENCE = 540  # seconds; a minute where nobody else is at work
_ALGORITHMS = {"ES256", "EdDSA", "RS256"}


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What the short form found and left."""

    table: str
    results: Results
    charts: set[str]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    found = tmp_path_factory.mktemp("bench")
    variables = {
        "BENCH_SHORT": "1",
        "BENCH_JSON": str(found / "bench.json"),
        "BENCH_SVG": str(found / "charts"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench"],
        cwd=_ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Ran(
        table=done.stdout,
        results=msgspec.json.decode((found / "bench.json").read_bytes(), type=Results),
        charts={each.name for each in (found / "charts").iterdir()},
    )


@pytest.mark.timeout(600)
def test_the_short_form_measures_all_that_is_promised(ran: Ran) -> None:
    found = ran.results
    assert list(dict.fromkeys(each.id for each in found.targets)) == [
        f"P{number}" for number in range(1, 12)
    ]
    ours = found.ours
    assert set(ours.tokens) == set(ours.of_bare) == set(found.limit.signatures) == _ALGORITHMS
    # a run that was not flawless would have ended it: these are right answers, each recorded
    assert all(each.count > 0 and each.rate > 0 for each in ours.tokens.values())
    assert all(each.count > 0 and each.rate > 0 for each in ours.others.values())
    assert found.limit.http > 0
    assert ours.memory.ledger_bytes_per_token > 0
    assert min(*ours.starts.data_plane, ours.starts.dev_first, ours.starts.dev_later) > 0
    assert found.machine.cores >= 1
    assert {"auth-service", "httptools", "postgresql"} <= set(found.versions)
    assert all(f"\n{each.id} " in ran.table for each in found.targets)


@pytest.mark.timeout(600)
def test_the_short_form_has_node_beside_ours_or_says_why_not(ran: Ran) -> None:
    (node,) = ran.results.peers
    assert node.name == NODE
    if node.reason:
        pytest.skip(node.reason)
    assert set(node.algorithms) == _ALGORITHMS
    for pair in node.algorithms.values():
        assert pair.theirs.count > 0
        assert pair.ratio > 0
    measured = [each.measured for each in ran.results.targets if each.id == "P1"]
    assert measured == [max(node.algorithms[each].ratio for each in ("ES256", "EdDSA"))]
    assert {"tokens-es256.svg", "latency.svg", "limit.svg"} <= ran.charts


def test_the_short_form_leaves_out_what_is_long_to_set_up() -> None:
    assert [each.name for each in chosen(None, short=True)] == [NODE]
    assert {each.name for each in chosen(None, short=False)} == {
        *(NODE, "Keycloak", "Ory Hydra", "Authlib + Flask", "FastAPI + PyJWT")
    }
    assert [each.name for each in chosen("Keycloak,Ory Hydra", short=True)] == [
        each.name for each in PEERS if each.name in {"Keycloak", "Ory Hydra"}
    ]


def test_the_run_of_many_tenants_is_read(tmp_path: Path) -> None:
    target = at_most("P8", 1.1, 1.2, "x", "token p95 at 10,000 tenants")
    path = tmp_path / "tenants.json"
    path.write_bytes(msgspec.json.encode({"targets": [target], "more": {"a": 1}}))
    assert targets_of_tenants(str(path)) == [target]
    assert targets_of_tenants(None) == []


def test_a_tool_that_is_not_there_leaves_a_peer_out_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(Absent, match="not installed here: no-such-tool"):
        require("no-such-tool")
    with pytest.raises(Absent, match="ended with 3: it went wrong"):
        run("sh", "-c", "echo it went wrong >&2; exit 3", directory=tmp_path)
    with pytest.raises(Absent, match="no-such-tool"):
        run("no-such-tool", directory=tmp_path)
