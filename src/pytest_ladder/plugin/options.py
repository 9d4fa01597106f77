"""The options of the group "ladder", as a table. Imported in every pytest run: standard library only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_ladder.session.settings import Settings

GROUP = "ladder"


@dataclass(frozen=True)
class Option:
    """One option, and the name of its twin in the ini file, where it has one."""

    flag: str
    help: str
    ini: str | None = None
    ini_type: str = "string"
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dest(self) -> str:
        """The attribute under which pytest keeps it."""
        return self.flag.removeprefix("--").replace("-", "_")


OPTIONS = (
    Option(
        "--ladder", "add the ladder tests to the run (`-m ladder` for these alone)", keywords={"action": "store_true"},
    ),
    Option(
        "--ladder-record", "new: reuse recorded answers, ask for the missing ones; none: read-only, never ask (the "
        "default where CI is set); all: ask again for everything", ini="ladder_record",
        keywords={"choices": ("new", "none", "all"), "default": None},
    ),
    Option(
        "--ladder-rung", "only this rung (repeatable)",
        keywords={"action": "append", "default": [], "metavar": "ID"},
    ),
    Option(
        "--ladder-climb", "needed: skip the rungs above the selected lever (default); all: measure them too",
        ini="ladder_climb", keywords={"choices": ("needed", "all"), "default": None},
    ),
    Option("--ladder-fine-tune", "ask for fine-tuning; the gate decides", keywords={"action": "store_true"}),
    Option(
        "--ladder-holdout", "also score the hold-out set; each look is counted in the log",
        keywords={"action": "store_true"},
    ),
    Option(
        "--ladder-base", "compare with where this branch left a git ref: a significant loss fails, and changes of the "
        "rules are told", keywords={"metavar": "REF", "default": None},
    ),
    Option(
        "--ladder-drift", "ask N recorded cases again and test the new answers against the recorded ones: has the "
        "provider changed the model?", keywords={"metavar": "N", "default": None},
    ),
    Option(
        "--ladder-selftest", "judge the verdicts themselves on the recordings: the smallest gain this eval set can "
        "show, and how often they would flip", keywords={"action": "store_true"},
    ),
    Option(
        "--ladder-concurrency", "answers in the making at a time (default 16)", ini="ladder_concurrency",
        keywords={"metavar": "N", "default": None},
    ),
    Option(
        "--ladder-timeout", "seconds for one answer (default 600)", ini="ladder_timeout",
        keywords={"metavar": "S", "default": None},
    ),
    Option(
        "--ladder-max-calls", "stop asking after N model calls; what is recorded stays", ini="ladder_max_calls",
        keywords={"metavar": "N", "default": None},
    ),
    Option(
        "--ladder-max-cost", "stop asking once so many USD are spent; what is recorded stays", ini="ladder_max_cost",
        keywords={"metavar": "USD", "default": None},
    ),
    Option(
        "--ladder-max-tokens", "stop asking once so many tokens are used; what is recorded stays",
        ini="ladder_max_tokens", keywords={"metavar": "N", "default": None},
    ),
    Option(
        "--ladder-max-time", "begin no answer after so many seconds; what is recorded stays", ini="ladder_max_time",
        keywords={"metavar": "S", "default": None},
    ),
    Option(
        "--ladder-report", "write a report, by extension: .html, .md, .json (repeatable)", ini="ladder_report",
        ini_type="linelist", keywords={"action": "append", "default": [], "metavar": "PATH"},
    ),
    Option(
        "--ladder-limit", "only the first N cases of each slice: a smoke run, never evidence",
        keywords={"metavar": "N", "default": None},
    ),
)  # fmt: skip


def add_options(parser: pytest.Parser) -> None:
    """Declare every option and its ini twin."""
    group = parser.getgroup(GROUP, "adaptation ladders for language models")
    for option in OPTIONS:
        group.addoption(option.flag, dest=option.dest, help=option.help, **option.keywords)
        if option.ini:
            default: Any = [] if option.ini_type == "linelist" else None
            twin = f"default for {option.flag}"
            parser.addini(option.ini, twin, type=option.ini_type, default=default)  # type: ignore[arg-type]


def read_settings(config: pytest.Config) -> Settings:
    """Read the options of a run.

    Raises:
        pytest.UsageError: a value cannot be used.
    """
    from pytest_ladder.session.settings import Climb, Record, Settings

    reports = [*config.getini("ladder_report"), *config.getoption("ladder_report")]
    settings = Settings(
        record=_choice(config, "ladder_record", Record, "none" if _in_ci() else "new"),
        climb=_choice(config, "ladder_climb", Climb, "needed"),
        rungs=tuple(config.getoption("ladder_rung")),
        fine_tune=config.getoption("ladder_fine_tune"),
        holdout=config.getoption("ladder_holdout"),
        concurrency=_number(config, "ladder_concurrency", int, 1) or 16,
        timeout_s=_number(config, "ladder_timeout", float, 0.001) or 600.0,
        max_calls=_number(config, "ladder_max_calls", int, 1),
        max_cost_usd=_number(config, "ladder_max_cost", float, 0.0),
        max_tokens=_number(config, "ladder_max_tokens", int, 1),
        max_time_s=_number(config, "ladder_max_time", float, 0.001),
        limit=_number(config, "ladder_limit", int, 1),
        drift=_number(config, "ladder_drift", int, 1),
        selftest=config.getoption("ladder_selftest"),
        base=config.getoption("ladder_base"),
        reports=tuple((config.invocation_params.dir / Path(path)).resolve() for path in reports),
        requests=bool(reports) or config.get_verbosity() > 0,
    )
    _check_drift(settings)
    return settings


def _check_drift(settings: Settings) -> None:
    """Drift is told from answers on record by asking: it takes a run that may ask, and that keeps what is on record."""
    if settings.drift is None or settings.record == "new":
        return
    why = "asks nothing" if settings.record == "none" else "replaces what is on record"
    raise pytest.UsageError(
        f"--ladder-drift: recorded cases are to be asked again, but this run {why}, got record={settings.record}"
        "; expected `--ladder-record=new`. Add it: the new answers are not kept."
    )


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no", "off")


def _value(config: pytest.Config, dest: str) -> tuple[str, Any]:
    flag = next(option for option in OPTIONS if option.dest == dest)
    given = config.getoption(dest)
    if given is not None:
        return flag.flag, given
    return f"{flag.ini} (ini)", (config.getini(flag.ini) or None) if flag.ini else None


def _choice(config: pytest.Config, dest: str, choices: Any, default: str) -> Any:
    where, value = _value(config, dest)
    try:
        return choices(value or default)
    except ValueError:
        known = ", ".join(choices)
        raise pytest.UsageError(f"{where}: not a known value, got {value!r}; expected one of {known}.") from None


def _number(config: pytest.Config, dest: str, kind: Any, least: float) -> Any:
    where, value = _value(config, dest)
    if value is None:
        return None
    try:
        number = kind(value)
    except ValueError:
        number = None
    if number is None or not least <= number < float("inf"):
        word = "a whole number" if kind is int else "a number"
        raise pytest.UsageError(f"{where}: out of range, got {value!r}; expected {word} of at least {least:g}.")
    return number
