"""Ladder tests as items: one for each rung, in climbing order."""

from __future__ import annotations

import difflib
from collections.abc import Generator
from pathlib import Path

import pytest

from pytest_ladder.core.rungs import Kind
from pytest_ladder.errors import LadderError
from pytest_ladder.plugin.context import Context, RungParam
from pytest_ladder.session.concluding.climb import Climb

ORDER_FIXTURE = "rung"


class LadderCollectError(pytest.Collector.CollectError):
    """A ladder's files cannot be used; the session ends with exit status 4."""


class Items:
    """Collects, selects and orders."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.tests: dict[Path, str] = {}
        """ladder.toml -> the one test of it."""
        self.names: dict[str, Path] = {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Parametrize a ladder test by the rungs of its ladder."""
        try:
            path = self.context.path_of(metafunc)
            if path is not None:
                self._parametrize(metafunc, path)
        except LadderError as error:
            raise LadderCollectError(str(error)) from None

    def _parametrize(self, metafunc: pytest.Metafunc, path: Path) -> None:
        run = self.context.run(path)
        where = run.ladder.where
        other = self.names.setdefault(run.ladder.name, path)
        if other != path:
            raise LadderCollectError(
                f"{where}: the name {run.ladder.name!r} is taken by {self.context.run(other).ladder.where}; expected "
                "one of its own. Rename one of them."
            )
        if ORDER_FIXTURE not in metafunc.fixturenames:
            return
        node = metafunc.definition.nodeid
        first = self.tests.setdefault(path, node)
        if first != node:
            raise LadderCollectError(
                f"{where}: two tests ask for its rungs, {first} and {node}; expected one. Use the fixtures `ladder`, "
                "`evalset` and `llm` in the others."
            )
        ids = [rung.id for rung in run.ladder.rungs]
        params = [RungParam(path, rung_id) for rung_id in ids]
        metafunc.parametrize(ORDER_FIXTURE, params, ids=ids, indirect=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_pycollect_makeitem(self) -> Generator[None, object, object]:
        """Refuse a ladder test with parameters of its own, whoever gave them: the rungs would run several times."""
        made = yield
        for item in made if isinstance(made, list) else ():
            param = param_of(item)
            others = sorted(set(item.callspec.params) - {ORDER_FIXTURE}) if param else []
            if param and others:
                raise LadderCollectError(
                    f"{self.context.run(param.path).ladder.where}: {item.nodeid.partition('[')[0]} has other "
                    f"parameters, {', '.join(others)}; expected none beside the rungs. Write them as cases or slices."
                )
        return made

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Mark the collection errors that a ladder's files caused, for the exit status."""
        report = yield
        call = getattr(report, "call", None)
        if call is not None and call.excinfo is not None and isinstance(call.excinfo.value, LadderCollectError):
            report.ladder_fault = True  # type: ignore[attr-defined]
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out the rungs that were not asked for, and put the others of each ladder in climbing order."""
        fault = self._unknown_rung(items)
        if fault and not self.context.worker:
            raise pytest.UsageError(fault)
        if fault:  # a worker's UsageError would end the session as an internal error
            self.context.fault = fault
            items[:] = []
        self._select(config, items)
        items[:] = ordered(items)
        for path, rungs in _by_ladder(items).items():
            self._open(path, rungs, items)

    def _unknown_rung(self, items: list[pytest.Item]) -> str:
        known = {param.rung for item in items if (param := param_of(item))}
        for rung in self.context.settings.rungs if known else ():
            if rung not in known:
                near = difflib.get_close_matches(rung, known, 1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                return f"--ladder-rung: no such rung, got {rung!r}; expected one of {', '.join(sorted(known))}.{hint}"
        return ""

    def _select(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        wanted = self.context.settings.rungs
        out = [item for item in items if wanted and (param := param_of(item)) and param.rung not in wanted]
        if out:
            config.hook.pytest_deselected(items=out)
            gone = set(map(id, out))
            items[:] = [item for item in items if id(item) not in gone]

    def _open(self, path: Path, rungs: list[str], items: list[pytest.Item]) -> None:
        run = self.context.run(path)
        only_tuning = all(run.ladder.rung(rung).kind is Kind.FINE_TUNE for rung in rungs)
        uses_tuned = any(
            "tuned_model" in getattr(item, "fixturenames", ()) and self.context.path_of(item) == path for item in items
        )
        requested = self.context.settings.fine_tune or only_tuning or uses_tuned
        self.context.climbs[path] = Climb(run, rungs, requested)


def param_of(item: pytest.Item) -> RungParam | None:
    """Which rung an item tests; None for any other item."""
    callspec = getattr(item, "callspec", None)
    param = callspec.params.get(ORDER_FIXTURE) if callspec else None
    return param if isinstance(param, RungParam) else None


def _by_ladder(items: list[pytest.Item]) -> dict[Path, list[str]]:
    found: dict[Path, list[str]] = {}
    for item in items:
        if param := param_of(item):
            found.setdefault(param.path, []).append(param.rung)
    return found


def ordered(items: list[pytest.Item]) -> list[pytest.Item]:
    """The items with the rungs of each ladder together, in the order of the ladder, where its first one stood."""
    ladders: dict[Path, list[tuple[int, pytest.Item]]] = {}
    places: list[pytest.Item | Path] = []
    for item in items:
        param = param_of(item)
        if param is None:
            places.append(item)
            continue
        if param.path not in ladders:
            places.append(param.path)
        ladders.setdefault(param.path, []).append((_index(item), item))
    result: list[pytest.Item] = []
    for place in places:
        if isinstance(place, Path):
            result += [item for _, item in sorted(ladders[place], key=lambda pair: pair[0])]
        else:
            result.append(place)
    return result


def _index(item: pytest.Item) -> int:
    callspec = item.callspec  # type: ignore[attr-defined]
    return int(callspec.indices[ORDER_FIXTURE])
