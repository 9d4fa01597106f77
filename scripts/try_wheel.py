"""Build sdist and wheel, install the wheel in a new environment, and climb a new ladder there.

Nothing of the checkout is on the path of what runs: what a file list forgets is missed here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED_IN_SDIST = ("src/pytest_ladder/py.typed", "tests", "docs", "examples", "Makefile", "constraints.txt", "LICENSE")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ladder-wheel-") as name:
        folder = Path(name)
        wheel = build(folder / "dist")
        bin_folder = install(wheel, folder / "venv")
        work = folder / "work"
        work.mkdir()
        climb(bin_folder, work)
    print("the wheel installs, and a new ladder climbs, repeats and verifies")


def build(dist: Path) -> Path:
    run([sys.executable, "-m", "build", "--outdir", dist, ROOT], ROOT)
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    with tarfile.open(sdist) as archive:
        names = [Path(*Path(name).parts[1:]).as_posix() for name in archive.getnames()]
    missing = [want for want in NEEDED_IN_SDIST if not any(n == want or n.startswith(want + "/") for n in names)]
    if missing:
        sys.exit(f"{sdist.name}: the source archive lacks {', '.join(missing)}. Mend [tool.hatch.build.targets.sdist].")
    return wheel


def install(wheel: Path, environment: Path) -> Path:
    venv.create(environment, with_pip=True)
    bin_folder = environment / ("Scripts" if os.name == "nt" else "bin")
    pip = [bin_folder / "python", "-m", "pip", "--disable-pip-version-check", "install", "-qq"]
    run([*pip, "-c", ROOT / "constraints.txt", wheel], environment)
    return bin_folder


def climb(bin_folder: Path, work: Path) -> None:
    ladder, pytest = bin_folder / "ladder", [bin_folder / "python", "-m", "pytest", "-q"]
    run([ladder, "--version"], work)
    run([ladder, "init"], work)
    run([*pytest, "--ladder"], work)
    before = logs(work)
    if not before:
        sys.exit("`pytest --ladder` wrote no escalation.jsonl")
    run([*pytest, "--ladder"], work)
    if logs(work) != before:
        sys.exit("a second run on unchanged files changed the escalation log")
    run([*pytest, "--ladder", "--ladder-record=none"], work)
    run([ladder, "verify"], work)


def logs(work: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(work.rglob("escalation.jsonl"))}


def run(command: list[object], cwd: Path) -> None:
    words = [str(word) for word in command]
    print(f"$ {' '.join([Path(words[0]).name, *words[1:]])}".replace(str(ROOT), "."), flush=True)
    drop = ("CI", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    env = {key: value for key, value in os.environ.items() if key not in drop}
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        print(done.stdout or "", done.stderr or "", sep="\n")
        sys.exit(f"{' '.join([Path(words[0]).name, *words[1:]])}: exit status {done.returncode}")


if __name__ == "__main__":
    main()
