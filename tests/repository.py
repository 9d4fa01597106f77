"""A git repository around a project: commits, branches and clones, whatever the machine's own settings of git are."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "A. Developer", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A. Developer",
    "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
}  # fmt: skip


@dataclass(frozen=True)
class Repository:
    """A repository with `main`, and whatever else a test makes of it."""

    top: Path

    @classmethod
    def make(cls, top: Path, ignore: str = "__pycache__/\n.pytest_cache/\nasked.txt\n") -> Repository:
        """Begin a repository and commit what is there."""
        found = cls(top)
        (top / ".gitignore").write_text(ignore, encoding="utf-8")
        found.git("init", "--quiet", "--initial-branch=main")
        found.commit("begin")
        return found

    @classmethod
    def clone(cls, source: Path, to: Path, *options: str) -> Repository:
        """Clone a repository over the transport, so that it may be shallow."""
        cls(source).git("clone", "--quiet", *options, source.as_uri(), str(to))
        return cls(to)

    def git(self, *arguments: str) -> str:
        """Run git; what it said."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.top, env={**os.environ, **ENVIRONMENT}, text=True, encoding="utf-8",
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, told: str = "change") -> str:
        """Commit all there is; the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", told)
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str = "work") -> None:
        """Begin a branch here."""
        self.git("switch", "--quiet", "--create", name)

    def switch(self, name: str) -> None:
        """Go to a branch."""
        self.git("switch", "--quiet", name)
