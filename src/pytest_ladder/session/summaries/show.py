"""One case of a ladder, and how each rung came to its answer, by what is on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pytest_ladder.core.canonical import Json, short
from pytest_ladder.core.case_summary import CaseSummary, RungCase, ShownCase
from pytest_ladder.core.cases import Case
from pytest_ladder.core.names import closest, unknown
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.scorers.ranking import NOT_APPLICABLE
from pytest_ladder.errors import InvalidRequest, MissingRecording, message
from pytest_ladder.report.trace import call_text
from pytest_ladder.session.concluding.standing import Standing
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.measuring.misses import shown
from pytest_ladder.session.summaries.case_summary import case_summary, rung_cases
from pytest_ladder.session.summaries.documents import headings

NOT_HERE = "judged by committed scores; its answers are not here"


def show_case(run: LadderRun, case_id: str, rungs: Sequence[str] = ()) -> ShownCase:
    """One case with every rung that has answers to it on record, or with those that are named.

    Nothing is asked or written.

    Raises:
        InvalidRequest: a case or a rung that the ladder does not have.
        MissingRecording: none of these rungs has answers on record.
    """
    where = f"{run.ladder.where} ({run.ladder.name})"
    case = _case(run, where, case_id)
    standing = Standing(run, {}, {}, datetime.now(UTC).date())
    asked = _rungs(run, where, rungs)
    found = {rung.id: _of_rung(standing, rung, case.id) for rung in asked}
    known = {rung: made for rung, made in found.items() if isinstance(made, RungCase)}
    absent = {rung: why for rung, why in found.items() if isinstance(why, str)}
    if not known:
        told = "; ".join(f"{rung}: {why}" for rung, why in absent.items()) or "it has no rungs"
        raise MissingRecording(message(where, f"nothing is on record of the case {case.id!r}: {told}"))
    return _shown(run, case_summary(case, known, run.ladder.show == "text"), case, absent)


def _shown(run: LadderRun, summary: CaseSummary, case: Case, absent: Mapping[str, str]) -> ShownCase:
    bare = ShownCase(run.ladder.name, run.ladder.where, summary, run.ladder.show, absent=absent)
    if run.ladder.show != "text":
        return bare
    steps, tools = tuple(map(_step, case.steps)), tuple(map(_tool, case.tools))
    return replace(bare, steps=steps, tools=tools, documents=headings(run))


def _case(run: LadderRun, where: str, case_id: str) -> Case:
    case = run.whole.by_id.get(case_id)
    if case is not None:
        return case
    if run.holdout is not None and case_id in run.holdout.by_id:
        raise InvalidRequest(message(where, "a case of the hold-out set is not shown", got=case_id))
    near = closest(case_id, run.whole.by_id)
    raise InvalidRequest(message(
        where, "unknown case", got=case_id, expected=f"an id of the {len(run.whole)} in {run.whole.name}",
        next_step=f"did you mean {' or '.join(map(repr, near))}?" if near else None,
    ))  # fmt: skip


def _rungs(run: LadderRun, where: str, named: Sequence[str]) -> tuple[RungSpec, ...]:
    """The rungs that are named, in climbing order; all where none is."""
    known = [rung.id for rung in run.ladder.rungs]
    for name in named:
        if name not in known:
            raise InvalidRequest(unknown(where, "rung", name, known))
    return tuple(rung for rung in run.ladder.rungs if not named or rung.id in named)


def _of_rung(standing: Standing, rung: RungSpec, case_id: str) -> RungCase | str:
    """What a rung made of a case, with its scores by every metric; or why nothing is known of it."""
    result = standing.results.get(rung.id)
    if result is None:
        prints = short(standing.prints(rung).digest)
        return standing.altered(rung.id) or (
            f"its answers to today's eval set are not all on record for fingerprint {prints}; "
            f"`pytest --ladder --ladder-rung={rung.id}` asks for them"
        )
    case = next(case for case in result.evaluation.cases if case.case.id == case_id)
    if case.unasked:
        return "not asked: the verdict was certain without it"
    made = rung_cases(standing, result, [case])[case_id]
    scores = {**made.scores, **{metric: case.value(metric) for metric in case.scores}}
    apart = tuple(metric for metric, outcome in case.scores.items() if outcome == NOT_APPLICABLE)
    note = "; ".join(filter(None, [made.note, NOT_HERE if result.unverifiable else ""]))
    return replace(made, scores=scores, note=note, apart=apart)


def _step(step: Json) -> str:
    if isinstance(step, Mapping) and "input" in step:
        return " → ".join(shown(step[key]) for key in ("input", "expected") if step.get(key) is not None)
    return shown(step)


def _tool(tool: Json) -> str:
    if isinstance(tool, Mapping) and isinstance(tool.get("name"), str):
        return call_text(tool["name"], tool.get("arguments"))
    return shown(tool)
