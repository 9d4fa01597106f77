"""What runs pay that never ask for a ladder: pytest on an empty suite with and without the plugin."""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

from measure import Figure, main, run


def measure(pairs: int) -> list[Figure]:
    others = [f"-pno:{point.name}" for point in entry_points(group="pytest11") if point.name != "ladder"]
    with_plugin = [sys.executable, "-m", "pytest", "-q", *others]
    without = [*with_plugin, "-pno:ladder"]
    with tempfile.TemporaryDirectory(prefix="ladder-bench-") as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        for command in (with_plugin, without):
            run(command, folder, ok=(5,))  # the first run writes bytecode
        differences, bare = [], []
        orders = itertools.cycle([(with_plugin, without), (without, with_plugin)])
        for _, order in zip(range(pairs), orders, strict=False):
            cost = {len(command): run(command, folder, ok=(5,)).cpu_s for command in order}
            differences.append((cost[len(with_plugin)] - cost[len(without)]) * 1000)
            bare.append(cost[len(without)] * 1000)
    return [
        Figure("idle", "pytest on an empty suite, without the plugin: CPU", statistics.median(bare), "ms"),
        Figure("idle", f"more with it, median of {pairs} pairs: CPU", statistics.median(differences), "ms"),
    ]


if __name__ == "__main__":
    assert __doc__
    main(__doc__, {"pairs": 40}, measure)
