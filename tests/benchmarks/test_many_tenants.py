"""The harness of many tenants works: figures are there and mean something. None is judged."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.benchmarks.many_tenants import Found

_PATIENCE = 540.0  # seconds


@pytest.mark.timeout(600)
def test_its_short_form_measures_one_tenant_and_twenty(tmp_path: Path) -> None:
    written = tmp_path / "tenants.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.many_tenants", "--short"],
        env={**os.environ, "BENCH_TENANTS_JSON": str(written)},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = msgspec.json.decode(written.read_bytes(), type=Found)
    assert [each.tenants for each in found.sizes] == [1, 20]
    assert [each.cold.count for each in found.sizes] == [1, 20]
    assert [each.warm.count for each in found.sizes] == [50, 50]
    for each in found.sizes:
        assert 0 < each.warm.p50 <= each.warm.p95 <= each.warm.p99 <= each.warm.max
        assert each.throughput.count > 0
        assert each.memory.worker_pss > 0
        assert each.memory.backends > 0
        assert each.following.changes == 2
    assert found.sizes[1].disk.catalogue > found.sizes[0].disk.catalogue
    assert {(each.id, each.unit) for each in found.targets} == {("P8", "x"), ("P8", "ms")}
    assert "worker RSS / PSS, MB" in done.stdout
