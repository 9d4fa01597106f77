"""Run every benchmark in a process of its own and print one table: `make bench`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from measure import Figure, table

HERE = Path(__file__).resolve().parent


def main() -> None:
    figures: list[Figure] = []
    for name in ("idle", "overhead", "rescore"):
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        command = [sys.executable, str(HERE / f"{name}.py"), "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=False)
        if done.returncode:
            sys.exit(done.returncode)
        figures += [Figure(**figure) for figure in json.loads(done.stdout)]
    print(table(figures))


if __name__ == "__main__":
    main()
