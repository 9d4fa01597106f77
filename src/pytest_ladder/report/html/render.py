"""A run as one HTML file that opens offline: no network, no other file, nothing in it that a case could run."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pytest_ladder.core.differences import Comparison
from pytest_ladder.core.summary import LadderSummary, RungRow, RunSummary
from pytest_ladder.report import base, numbers
from pytest_ladder.report.columns import FROM_LOG, Columns, columns_of
from pytest_ladder.report.comparison import columns_of_comparison, flips_of, gain_words
from pytest_ladder.report.figures import STATE_WORDS, rule_words, versions_words
from pytest_ladder.report.html.climb import left_out, panels
from pytest_ladder.report.html.evidence import proofs
from pytest_ladder.report.html.extras import folds
from pytest_ladder.report.html.heat import heats
from pytest_ladder.report.html.payload import cases_of, most_signs, payload, script_json
from pytest_ladder.report.html.steps import MOST_BYTES as MOST_STEP_BYTES
from pytest_ladder.report.html.texts import visible
from pytest_ladder.report.html.tradeoff import charts
from pytest_ladder.report.text import cut, one_line
from pytest_ladder.report.texts import failure_words, gate_title

_PAGE = "page"
_STATIC_CASES = 20
"""Failing cases that are shown where no script runs."""
_MOST_FLIPS = 100


def render_html(summary: RunSummary) -> str:
    """Write a run as an HTML page; the same records give the same bytes.

    Every text is escaped by the template. The only markup from elsewhere is this package's own style and script, named
    by their digests in the page's policy, and the cases as data, in which no sign is one to HTML.
    """
    style, script = _own("report.css"), _own("report.js")
    most, room = most_signs(summary.ladders), MOST_STEP_BYTES // max(1, len(summary.ladders))
    page = _environment().get_template("report.html.j2").render(
        summary=summary, style=Markup(style), script=Markup(script),  # noqa: S704 - the package's own files
        policy=_policy(style, script),
        ladders=[_view(ladder, most, room, at) for at, ladder in enumerate(summary.ladders)],
    )  # fmt: skip
    return page.rstrip() + "\n"


@cache
def _environment() -> Environment:
    loader = PackageLoader("pytest_ladder.report.html", _PAGE)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "line": one_line, "visible": visible, "short": lambda text, most: cut(one_line(text), most),
        "count": numbers.count, "percent": numbers.percent, "score": numbers.score, "failures": failure_words,
        "gain": gain_words, "sentence": _sentence,
    }  # fmt: skip
    environment.globals |= {"plural": numbers.plural, "state_words": STATE_WORDS, "from_log": FROM_LOG}
    return environment


@cache
def _own(name: str) -> str:
    return resources.files("pytest_ladder.report.html").joinpath(_PAGE, name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """What the page may load and run: its own style and script, by digest, and nothing else."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _sentence(text: str) -> str:
    flat = one_line(text)
    return flat[:1].upper() + flat[1:]


def _view(ladder: LadderSummary, most: int, room: int, at: int) -> dict[str, Any]:
    """All that the template needs of one ladder, ready to be written."""
    cases = cases_of(ladder)
    columns = columns_of(ladder, unicode=True)
    return {
        "at": f"l{at}", "of": ladder, "gate": gate_title(ladder), "rule": rule_words(ladder),
        "tried": versions_words(ladder), "table": _first(columns),
        "usage": [columns.rung, *columns.limits, *columns.usage], "panels": panels(ladder),
        "left_out": left_out(ladder), "heats": heats(ladder), "charts": charts(ladder),
        "proofs": proofs(ladder), "gains": _gains(ladder), "folds": folds(ladder), "base": _base(ladder),
        "cases": cases, "static": cases[:_STATIC_CASES], "most": most,
        "data": Markup(script_json(payload(ladder, most, room))),  # noqa: S704 - no sign in it is one to HTML
        "decision": ladder.details.decision if ladder.details else None,
    }  # fmt: skip


def _first(columns: Columns) -> list[Any]:
    return [columns.rung, columns.state, *columns.figures]


def _gains(ladder: LadderSummary) -> list[dict[str, Any]]:
    """A fold for each rung that is held against a cheaper one, with a table for each metric."""
    return [
        {
            "title": f"{row.id} against {row.gain.over}", "words": gain_words(row.gain),
            "metrics": [_compared(row, row.gain.over, name, found) for name, found in row.gain.metrics.items()],
        }
        for row in ladder.rows
        if row.gain is not None
    ]  # fmt: skip


def _compared(row: RungRow, over: str, metric: str, found: Comparison) -> dict[str, Any]:
    columns = columns_of_comparison(found, (over, row.id), unicode=True, effect=True)
    table = [*_first(columns), *columns.usage]
    return {"name": metric, "table": table, "flips": list(flips_of(found, _MOST_FLIPS))}


def _base(ladder: LadderSummary) -> dict[str, Any] | None:
    if ladder.base is None:
        return None
    return {"heading": base.heading(ladder.base), "lines": list(base.lines(ladder.base))}
