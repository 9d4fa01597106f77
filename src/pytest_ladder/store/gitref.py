"""A tree of git as it stood where a branch left its base: read, and never written to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from pytest_ladder.core.names import mend
from pytest_ladder.errors import InvalidRequest, message

OPTION = "--ladder-base"
SHORT = 10
"""Digits of a commit that are shown."""
SLOWEST = 600
"""Seconds after which git is given up: a partial clone may have to fetch what it is asked for."""
_QUIET = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
_POINTER = b"version https://git-lfs.github.com/spec/"
_FILES = ("100644", "100755", "100664")
"""Modes of files; links and submodules are passed over."""


def open_tree(ref: str, rootdir: Path) -> Tree:
    """Find the commit that a change is judged against: the merge base of a ref and HEAD.

    What was committed to the base branch since the branch left it is not held against the branch.

    Args:
        ref: A branch, a tag or a commit.
        rootdir: pytest's rootdir, anywhere in the working tree.

    Raises:
        InvalidRequest: No such ref, no common history, or git cannot be asked; the text says what to do.
    """
    if not ref.strip() or ref.startswith("-") or "\0" in ref:
        raise InvalidRequest(message(OPTION, "not a ref of git", got=ref, expected="a branch, a tag or a commit"))
    prefix = _prefix(rootdir)
    shallow = _git(rootdir, "rev-parse", "--is-shallow-repository").text == "true"
    commit = _commit(rootdir, ref, shallow)
    if not _git(rootdir, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").text:
        raise InvalidRequest(message(OPTION, "HEAD has no commit yet: there is nothing to compare", got=ref))
    found = _git(rootdir, "merge-base", commit, "HEAD").text
    if not found and shallow:
        told = "the clone is shallow and does not reach back to where this branch left the base"
        raise InvalidRequest(message(OPTION, told, got=ref, next_step=_unshallow(rootdir, ref)))
    if not found:
        raise InvalidRequest(message(OPTION, "the ref and HEAD have no common history", got=ref))
    top = Path(_asked(rootdir, "rev-parse", "--show-toplevel").text)
    return Tree(rootdir, top, prefix, ref, found.splitlines()[0])


def _unshallow(rootdir: Path, ref: str) -> str:
    """How a shallow clone gets the history that a comparison with a ref needs."""
    refspec = _refspec(rootdir, ref)
    also = "" if refspec else f", and give the ref as it is known there (`{OPTION}=origin/BRANCH`)"
    return (
        f"fetch it: `git fetch --unshallow {refspec or 'origin'}`{also}; or have CI clone all of it: `fetch-depth: 0` "
        "for actions/checkout, `GIT_DEPTH: 0` for GitLab"
    )


def _refspec(rootdir: Path, ref: str) -> str:
    """What to fetch for a branch of a remote, as `origin/main`; empty where the ref names none."""
    for remote in _git(rootdir, "remote").text.splitlines():
        branch = ref.removeprefix(f"{remote}/")
        if branch and branch != ref:
            return f"{remote} +refs/heads/{branch}:refs/remotes/{remote}/{branch}"
    return ""


@dataclass(frozen=True)
class Tree:
    """The files of one commit; paths are relative to the top of the repository, with `/`."""

    rootdir: Path
    top: Path
    """The top of the working tree."""
    prefix: str
    """The rootdir as seen from the top: empty, or ends with `/`."""
    ref: str
    """As the user gave it."""
    commit: str
    """The merge base."""
    _read: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def shown(self) -> str:
        """The commit as messages name it."""
        return f"{self.ref} ({self.commit[:SHORT]})"

    @cached_property
    def paths(self) -> Mapping[str, str]:
        """Path -> id of the content of every file in the commit."""
        listed = _asked(self.rootdir, "ls-tree", "-r", "-z", "--full-tree", self.commit).out.split(b"\0")
        rows = (line.partition(b"\t") for line in listed if line)
        return {os.fsdecode(path): meta.split()[2].decode() for meta, _, path in rows if meta[:6].decode() in _FILES}

    def below(self, folder: str) -> list[str]:
        """The files below a folder, sorted."""
        start = f"{folder}/" if folder else ""
        return sorted(path for path in self.paths if path.startswith(start))

    def files(self, name: str) -> list[Path]:
        """The files of that name in the working tree, wherever they lie below the rootdir; ignored ones left out."""
        pattern = f":(glob)**/{name}"
        listed = _asked(self.rootdir, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern).out
        found = {self.rootdir / os.fsdecode(path) for path in listed.split(b"\0") if path}
        return sorted(path for path in found if path.is_file())

    def of(self, path: Path) -> str:
        """Where a path of the working tree lies in the repository."""
        inner = os.path.relpath(path, self.rootdir).replace(os.sep, "/")
        return os.path.normpath(self.prefix + inner).replace(os.sep, "/")

    def read(self, path: str) -> bytes | None:
        """The content of a file as committed; None where the commit has no such file."""
        return self.read_all([path]).get(path)

    def read_all(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of files, those that the commit lacks left out."""
        wanted = [path for path in dict.fromkeys(paths) if path in self.paths]
        fresh = [path for path in wanted if path not in self._read]
        if fresh:
            asked = "".join(f"{self.paths[path]}\n" for path in fresh).encode()
            out = _asked(self.rootdir, "cat-file", "--batch", given=asked).out
            self._read.update(zip(fresh, _contents(out), strict=True))
        return {path: self._read[path] for path in wanted}

    def export(self, paths: Iterable[str], folder: Path) -> None:
        """Write files below a folder outside of the repository, so that they can be read as any others."""
        for path, data in self.read_all(paths).items():
            self._read.pop(path)  # recordings may be large, and are read once
            target = folder / PurePosixPath(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def is_pointer(data: bytes) -> bool:
    """Whether git holds a pointer of Git LFS in place of the content."""
    return data.startswith(_POINTER)


def _contents(out: bytes) -> Iterable[bytes]:
    """Part what `cat-file --batch` writes: a line with the size, the content, a line end."""
    at = 0
    while at < len(out):
        end = out.index(b"\n", at)
        head = out[at:end].split()
        if len(head) < 3:
            told = f"git cannot read an object of the base: {out[at:end].decode(errors='replace')}"
            raise InvalidRequest(message(OPTION, told, next_step="`git fsck` tells more"))
        size = int(head[2])
        yield out[end + 1 : end + 1 + size]
        at = end + size + 2


# --- git --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return os.fsdecode(self.out).rstrip("\n") if self.status == 0 else ""


def _git(cwd: Path, *arguments: str, given: bytes | None = None) -> _Said:
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments, none of which a ref can turn into an option
            ["git", *arguments],  # noqa: S607 - the user's own git
            cwd=cwd, env={**os.environ, **_QUIET}, input=given or b"", capture_output=True, check=False,
            timeout=SLOWEST,
        )  # fmt: skip
    except FileNotFoundError:
        step = "install git, or leave it out"
        raise InvalidRequest(message(OPTION, "git is not installed", next_step=step)) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InvalidRequest(message(OPTION, f"git cannot be run ({error})")) from None
    return _Said(done.returncode, done.stdout, done.stderr.decode(errors="replace").strip())


def _asked(cwd: Path, *arguments: str, given: bytes | None = None) -> _Said:
    """What git answers to a question that it must be able to answer."""
    said = _git(cwd, *arguments, given=given)
    if said.status:
        raise InvalidRequest(message(OPTION, f"git {arguments[0]} failed: {_first(said.err)}"))
    return said


def _first(err: str) -> str:
    line = err.splitlines()[0] if err else "it did not say why"
    return line.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")


def _prefix(rootdir: Path) -> str:
    """The rootdir as seen from the top of the repository."""
    said = _git(rootdir, "rev-parse", "--show-prefix")
    if said.status == 0:
        inside = _git(rootdir, "rev-parse", "--is-inside-work-tree").text
        if inside == "true":
            return said.text
    told = _first(said.err) if said.err else "this is no working tree of git"
    if "dubious ownership" in told:
        step = f"`git config --global --add safe.directory {rootdir}`"
        raise InvalidRequest(message(OPTION, f"git does not trust this folder ({told})", next_step=step))
    raise InvalidRequest(
        message(OPTION, f"the rootdir is not in a git repository ({told})", next_step=f"leave {OPTION} out")
    )


def _commit(rootdir: Path, ref: str, shallow: bool) -> str:
    found = _git(rootdir, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").text
    if found:
        return found
    if shallow:
        told = "no such ref in this clone, which is shallow"
        raise InvalidRequest(message(OPTION, told, got=ref, next_step=_unshallow(rootdir, ref)))
    raise InvalidRequest(
        message(OPTION, "no such ref", got=ref, expected="a branch, a tag or a commit", next_step=_near(rootdir, ref))
    )


def _near(rootdir: Path, ref: str) -> str | None:
    known = _refs(rootdir)
    if f"origin/{ref}" in known:
        return f"did you mean 'origin/{ref}'?"
    near = mend(ref, known)
    if refspec := _refspec(rootdir, ref):
        fetch = f"fetch it: `git fetch {refspec}`"
        return f"{near} Or {fetch}" if near else fetch
    if near or not known:
        return near
    return f"known are {', '.join(known[:8])}{' and others' if len(known) > 8 else ''}"


def _refs(rootdir: Path) -> Sequence[str]:
    listed = _git(rootdir, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes", "refs/tags")
    return listed.text.splitlines()
