"""What of the log still stands: current entries, effort, and what was altered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path

from pytest_ladder.core.answers import Answer, Record, answers_digest
from pytest_ladder.core.canonical import short
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import DecisionEntry, Entry, RungEntry, Verdict, same
from pytest_ladder.core.looks import confirmed, is_look
from pytest_ladder.core.rungs import Kind
from pytest_ladder.store.recordings import recorded_inputs, recordings_path, versions
from pytest_ladder.store.scores_file import read_scores, scores_path

SHARED_INPUTS = 0.8
"""Share of today's inputs that a version must have answered to count as effort."""

Answers = Mapping[tuple[str, str, int], Record]
"""(case id, input digest, repeat) -> record, in the order of the file."""
Texts = Mapping[str, bytes]
"""Input digest -> digest of the text of the answer."""
Known = dict[tuple[object, ...], Texts]
"""A version as it is on record -> what it answers to today's inputs; nothing where it counts for nothing."""


def rung_entries(log: Iterable[Entry], rung_id: str) -> list[RungEntry]:
    """The log's entries of one rung, newest last."""
    return sorted((e for e in log if isinstance(e, RungEntry) and e.rung == rung_id), key=lambda e: (e.at, e.id))


def said(entries: Sequence[RungEntry], candidate: RungEntry) -> RungEntry | None:
    """The newest of a rung's entries that says what a candidate says."""
    return next((entry for entry in reversed(entries) if entry.says_the_same(candidate)), None)


def measured_at(entries: Sequence[RungEntry], candidate: RungEntry) -> str:
    """When a candidate's answers were last measured, where an entry tells: to grade them anew makes them no newer."""
    version = (candidate.fingerprint, candidate.answers)
    return max((entry.at for entry in entries if (entry.fingerprint, entry.answers) == version), default="")


def doubts(log: Sequence[Entry], confirming: str = "") -> tuple[str, ...]:
    """What cannot be true of a log to which entries were only ever added, one text each.

    An entry that another one builds on is missing, or a decision is not what its entries say: a line was removed, or
    changed and given a new id.

    Args:
        log: Of one ladder.
        confirming: Today's contract, where it asks the lever to hold on the hold-out set; empty where it does not.
    """
    known = {entry.id: entry for entry in log if isinstance(entry, RungEntry)}
    told = []
    for entry in log:
        named = entry.after if isinstance(entry, RungEntry) else entry.rests_on
        what = f"the entry of {entry.rung}" if isinstance(entry, RungEntry) else "the decision"
        if gone := [id_ for id_ in named if id_ not in known]:
            told.append(f"{what} ({short(entry.id)}) builds on {', '.join(map(short, gone))}, which the log lacks")
        elif isinstance(entry, DecisionEntry):
            met = _met([known[id_] for id_ in named])
            if [e.rung for e in met] != ([entry.selected] if entry.selected else []):
                told.append(f"{what} ({short(entry.id)}) for {entry.selected} is not what its entries say")
            elif met and met[0].contract == confirming and not _looked([known[id_] for id_ in named], met[0].rung):
                told.append(f"{what} ({short(entry.id)}) for {entry.selected} rests on no look at the hold-out set")
    return tuple(dict.fromkeys(told))


def _looked(entries: Sequence[RungEntry], rung_id: str) -> bool:
    return any(entry.rung == rung_id and is_look(entry) for entry in entries)


def _met(entries: Sequence[RungEntry]) -> list[RungEntry]:
    """Of the entries that a decision rests on, those of rungs that met the target, on the hold-out set if asked."""
    looks = {entry.rung: entry.verdict for entry in entries if is_look(entry)}
    own = [entry for entry in entries if not is_look(entry)]
    return [entry for entry in own if confirmed(entry.verdict, looks.get(entry.rung)) is Verdict.MET]


def outdated(entries: Sequence[RungEntry], version: tuple[str, str, str], today: RungEntry | None = None) -> str:
    """Why none of a rung's entries is of the version (evalset, contract, fingerprint); empty where there is none.

    Args:
        entries: The rung's, newest last.
        version: Today's.
        today: What the recordings say of the version; None where they are not complete.
    """
    if not entries:
        return ""
    names = ("the eval set", "the grading contract", "the rung itself")
    differing = [[n for n, a, b in zip(names, entry.version, version, strict=True) if a != b] for entry in entries]
    fewest = min(differing, key=len)
    if not fewest and today and any(e.answers == today.answers for e in entries if e.version == version):
        return "its figures are not those that the recorded answers give"
    if not fewest:
        return "its answers are not in the recordings"
    return f"{' and '.join(fewest)} changed since it was measured"


def backed(entry: RungEntry, answers: Answers, evalset: EvalSet) -> bool:
    """Whether the recordings hold the very answers that an entry digests.

    Today's cases, the whole file, and the first answers of the file (an eval set that has grown since) are tried.
    """
    today = {case.input_digest for case in evalset}
    subset = [record for (_, digest, repeat), record in answers.items() if digest in today and repeat < entry.repeats]
    first = list(islice(answers.values(), entry.cases * entry.repeats - entry.errors))
    needed = first[: entry.answered * entry.repeats]  # of a rung that ended early, and was asked on later
    every = list(answers.values())
    return any(answers_digest(records) == entry.answers for records in (subset, every, first, needed))


def grown(entries: Sequence[RungEntry], answers: Answers, evalset: EvalSet) -> bool:
    """Whether a version that ended early was asked more cases since: by a smoke run, or on another branch.

    No verdict hangs on those, and nothing that an entry digests was changed.
    """
    early = [entry for entry in entries if entry.answered < entry.cases]
    return any(len(answers) > entry.answered * entry.repeats and backed(entry, answers, evalset) for entry in early)


def unbacked(log: Sequence[Entry], folder: Path, evalsets: Sequence[EvalSet], rootdir: Path) -> tuple[RungEntry, ...]:
    """The entries whose answers are not in the recordings: written by hand, or of answers that were asked again since.

    Raises:
        InvalidFile: a line of the recordings is no answer.
    """
    entries = _numbered(log)
    found = _with_answers(entries, folder, rootdir)
    bare = {place for place, e, answers in found if not any(backed(e, answers, evalset) for evalset in evalsets)}
    return tuple(entry for place, entry in entries if place in bare)


def effort(
    log: Sequence[Entry], folder: Path, evalset: EvalSet, rootdir: Path, *, local: bool = False,
    certain: Callable[[RungEntry, Answers], bool] = lambda *_: False, known: Known | None = None,
) -> dict[Kind, int]:  # fmt: skip
    """Count, for each kind, the different versions that were measured on today's inputs.

    A version counts if its entry's answers are in the recordings and cover at least 80 % of today's inputs, or are
    shown to make its verdict certain; versions with identical answers count once. Where recordings are kept out of
    git and are not here, the keyed digests of the scores file stand in for the answers.

    Args:
        log: Of one ladder.
        folder: The ladder's.
        evalset: Today's.
        rootdir: Paths in messages are relative to it.
        local: Whether recordings stay out of git.
        certain: Grades a version's answers anew and tells whether no other answer can change its verdict. Asked of
            versions that cover fewer inputs; what an entry claims counts for nothing.
        known: What was found by an earlier look, and what this one finds: files that are as they were then are not
            read again.

    Raises:
        InvalidFile: a line of the recordings is no answer.
    """
    known = {} if known is None else known
    inputs = len({case.input_digest for case in evalset})
    entries = {place: (entry, _as_it_is(entry, folder, evalset)) for place, entry in _numbered(log)}
    found = {place: known[key] for place, (_, key) in entries.items() if key in known}
    unread = [(place, entry) for place, (entry, _) in entries.items() if place not in found]
    for place, entry, answers in _with_answers(unread, folder, rootdir):
        scored = {} if answers or not local else _scored(entry, folder, rootdir)
        today = _todays(answers or scored, evalset)
        stands = bool(today) and (bool(scored) or backed(entry, answers, evalset))
        enough = len(today) >= SHARED_INPUTS * inputs
        found[place] = _texts(today) if stands and (enough or certain(entry, answers)) else {}
        if enough or not stands:  # what is certain may be another thing once its judge was asked
            known[entries[place][1]] = found[place]
    counts: dict[Kind, list[Texts]] = {}
    for place, (entry, _) in entries.items():
        if found[place]:
            counts.setdefault(entry.rung_kind, []).append(found[place])
    return {kind: _different(texts) for kind, texts in counts.items()}


def _numbered(log: Iterable[Entry]) -> list[tuple[int, RungEntry]]:
    return [(place, entry) for place, entry in enumerate(log) if isinstance(entry, RungEntry)]


def _as_it_is(entry: RungEntry, folder: Path, evalset: EvalSet) -> tuple[object, ...]:
    """What the count of a version hangs on: today's inputs, its files, and what its entry says of its answers."""
    files = (
        recordings_path(folder, entry.rung, entry.fingerprint),
        scores_path(folder, entry.rung, entry.fingerprint),
    )
    states = [(file, (at := file.stat()).st_mtime_ns, at.st_size) for file in files if file.is_file()]
    said = entry.answers, entry.cases, entry.answered, entry.repeats, entry.errors
    return evalset.digest, entry.rung, entry.fingerprint, *said, *states


def _with_answers(
    entries: Iterable[tuple[int, RungEntry]], folder: Path, rootdir: Path
) -> Iterator[tuple[int, RungEntry, Answers]]:
    """Each entry with the answers of its version, version by version: those of one are held at a time."""
    by_file: dict[Path, list[tuple[int, RungEntry]]] = {}
    for place, entry in entries:
        by_file.setdefault(recordings_path(folder, entry.rung, entry.fingerprint), []).append((place, entry))
    for path, rows in by_file.items():
        answers = recorded_inputs(path, rootdir) if path.stem in versions(folder, path.parent.name) else {}
        for place, entry in rows:
            yield place, entry, answers


def _scored(entry: RungEntry, folder: Path, rootdir: Path) -> Answers:
    """The keyed digests of a version's answers, as answers without texts."""
    return {
        (scored.case, scored.input_digest, scored.repeat): Record(
            scored.case, scored.input_digest, scored.repeat, entry.fingerprint, Answer(scored.answer)
        )
        for scored in read_scores(folder, entry.rung, entry.fingerprint, rootdir)
    }


def _todays(answers: Answers, evalset: EvalSet) -> dict[str, Record]:
    today = {case.input_digest for case in evalset}
    return {digest: record for (_, digest, repeat), record in answers.items() if digest in today and repeat == 0}


def _texts(answers: Mapping[str, Record]) -> Texts:
    return {given: sha256(record.answer.text.encode()).digest() for given, record in answers.items()}


def _different(versions: Iterable[Texts]) -> int:
    """How many versions differ from one another in some answer to an input that both were asked."""
    counted: list[Texts] = []
    for texts in sorted(versions, key=len, reverse=True):
        if all(any(texts[key] != other[key] for key in texts.keys() & other.keys()) for other in counted):
            counted.append(texts)
    return len(counted)


def reworded(entries: Sequence[RungEntry], candidate: RungEntry, judged: Iterable[str]) -> str:
    """Which judge's recorded words were changed by hand under a standing entry; empty where none were.

    By the same contract the same answers, with no judge asked, have the scores that some entry says.

    Args:
        entries: The rung's.
        candidate: What the recordings say.
        judged: The metrics that a model judges.
    """
    version = (candidate.evalset, candidate.contract, candidate.fingerprint, candidate.answers, candidate.repeats)
    alike = [e for e in entries if (e.evalset, e.contract, e.fingerprint, e.answers, e.repeats) == version]
    for metric in judged if alike and not any(entry.errors for entry in alike) else ():
        if not any(same(_means(entry, metric), _means(candidate, metric)) for entry in alike):
            return f"the scores that the judge of {metric} gave are not those in the log"
    return ""


def _means(entry: RungEntry, metric: str) -> dict[str, list[float | None]]:
    return {name: [figure.mean, figure.n, figure.unscored] for name, figure in entry.scores.get(metric, {}).items()}


def mend(rung_id: str) -> str:
    """What to do where the recordings of a rung were changed by hand."""
    return f"Restore the files from git, or ask again with `--ladder-record=all --ladder-rung={rung_id}`."


def altered(entries: Sequence[RungEntry], candidate: RungEntry) -> str:
    """What of the recordings was changed by hand under a standing entry; empty where nothing was.

    Under the same eval set and fingerprint, with nothing asked, the answers, the models, and the costs and times that
    have a limit must be what some entry says. An answer that was asked again may well have taken another time: that
    alone is no news, and where no limit is declared no verdict hangs on it. An entry with errors vouches for nothing:
    the next run asks again.

    Args:
        entries: The rung's.
        candidate: What the recordings say of a rung all of whose cases are answered.
    """
    standing = [
        e for e in entries if (e.evalset, e.fingerprint) == (candidate.evalset, candidate.fingerprint) and not e.errors
    ]
    if not standing:
        return ""
    alike = [e for e in standing if e.answers == candidate.answers and e.repeats == candidate.repeats]
    if not alike:
        if all(e.repeats != candidate.repeats for e in standing):
            return ""
        return "the recorded answers are not those that the log digests"
    for limit, what in (("cost_per_case", "costs"), ("latency_p95", "times")):
        mine, said = candidate.limits.get(limit), [e.limits[limit] for e in alike if e.limits.get(limit) is not None]
        if mine is not None and said and not any(same(mine, value) for value in said):
            return f"the {what} of the recorded answers are not those in the log"
    if candidate.model_returned not in [e.model_returned for e in alike]:
        return "the models of the recorded answers are not those in the log"
    return ""
