"""The metrics of a ladder that a model judges, or deepeval: built once, and the only ones that may ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from pytest_ladder.backends.model_check import check_model
from pytest_ladder.backends.models import is_function, settings_of
from pytest_ladder.core.answers import Call
from pytest_ladder.core.canonical import Json, digest
from pytest_ladder.core.judged import JUDGE, NO_USE, JudgeUsage, is_deepeval, is_judged
from pytest_ladder.core.judging import Scale
from pytest_ladder.core.scores import MetricSpec, Scorer
from pytest_ladder.engine.client import Client
from pytest_ladder.engine.meter import Meter
from pytest_ladder.errors import InvalidFile, InvalidRequest, MissingDependency, message
from pytest_ladder.rungs.prompting.template import PromptTemplate
from pytest_ladder.session.judges.scorer import VARIABLES, JudgeScorer, Strict, judge_options, model_options
from pytest_ladder.session.judges.talk import JudgeTalk, Permission
from pytest_ladder.session.settings import Record
from pytest_ladder.session.setup.ladder_parts import LadderParts
from pytest_ladder.store.content import file_digest
from pytest_ladder.store.digests import metric_files
from pytest_ladder.store.guard import guard_local, guard_shared
from pytest_ladder.store.judge_calls import JudgeCalls, judge_path
from pytest_ladder.store.modules import names_file
from pytest_ladder.store.paths import read_text, relative


class Judges:
    """The judged metrics of one ladder."""

    def __init__(self, files: LadderParts) -> None:
        """Begin with none built; `files` is read from later."""
        self._files = files
        self.meter = Meter()
        """Of the judges alone; the ladder's budget bounds it."""
        self.permission = Permission(again=files.settings.record is Record.ALL)
        self._scorers: dict[str, Scorer] = {}
        self._talks: dict[str, JudgeTalk] = {}

    def knows(self, metric: MetricSpec) -> bool:
        """Whether a metric is built here."""
        return metric.scorer == JUDGE or is_deepeval(metric)

    def scorer(self, metric: MetricSpec) -> Scorer:
        """The scorer of a metric, built at the first call; no model is opened for that.

        Raises:
            InvalidFile: an option cannot be used.
            MissingDependency: deepeval is asked for, and not installed.
        """
        if metric.name not in self._scorers:
            where = self._files.ladder.at("metrics", metric.name, "options")
            try:
                build = self._judge if metric.scorer == JUDGE else self._deepeval
                self._scorers[metric.name] = self._strict(metric, build(metric))
            except InvalidRequest as fault:
                raise InvalidFile(f"{where}: {fault}") from None
            except MissingDependency as fault:
                at = self._files.ladder.at("metrics", metric.name, "scorer")
                raise MissingDependency(f"{at}: {fault}") from None
        return self._scorers[metric.name]

    def _strict(self, metric: MetricSpec, scorer: Scorer) -> Scorer:
        where = self._files.ladder.at("metrics", metric.name, "options")
        return Strict(scorer, where, lambda: self.permission.asking) if is_judged(metric) else scorer

    def _judge(self, metric: MetricSpec) -> Scorer:
        options, of_model = judge_options(metric.options)
        path = self._files.assembler.path(options.prompt)
        shown = self._files.assembler.shown(options.prompt)
        template = PromptTemplate(read_text(path, shown), shown, VARIABLES)
        talk = self._talk(metric, options.model, of_model)
        return JudgeScorer(template, Scale(options.scale), talk, self._files.settings.concurrency)

    def _deepeval(self, metric: MetricSpec) -> Scorer:
        from pytest_ladder.backends.deepeval_scorer import build

        model = metric.options.get("model")
        of_model = model_options(metric.options, f"scorer {metric.scorer!r}")
        if not isinstance(model, str | None):
            fault = message(f"scorer {metric.scorer!r}", "wrong type of 'model'", got=model, expected="a text")
            raise InvalidRequest(fault)
        talk = self._talk(metric, model, of_model) if model is not None else None
        return build(metric.scorer, metric.options, talk, self._files.settings.concurrency)

    def _talk(self, metric: MetricSpec, model: str, options: Mapping[str, Json]) -> JudgeTalk:
        files, ladder = self._files, self._files.ladder
        where = ladder.at("metrics", metric.name, "options")
        path = judge_path(files.folder, metric.name, self.fingerprint(metric))
        asked = not files.settings.read_only and (self.permission.again or not path.exists())
        check_model(model, options, ladder.prices.get(model), files.folder, asked=asked)
        if asked and is_function(model) and not names_file(model):
            files.assembler.function(model, where)
        settings = {key: value for key, value in options.items() if key in settings_of(model)}
        client = Client(
            name=model,
            open_model=files.assembler.model_opener(settings, where),
            options={key: value for key, value in options.items() if key not in settings},
            seed=ladder.seed,
            meter=self.meter,
            recorded=lambda _: None,
            read_only=True,
            where=where,
            files=self._model_files(metric),
            pace=files.shared.pace(model),
            clean=lambda said: files.scrubber.secrets.clean(said),
        )
        guard = guard_local if files.local else guard_shared
        self._talks[metric.name] = JudgeTalk(
            client, JudgeCalls(path, files.shared.rootdir), self.permission, lambda call: files.scrubber.call(call),
            lambda said: files.scrubber.text(said), lambda: guard(files.folder), where, files.settings.timeout_s,
        )  # fmt: skip
        return self._talks[metric.name]

    def _model_files(self, metric: MetricSpec) -> str:
        found = self._digests(metric)
        return found.get("options.model", "")

    def _digests(self, metric: MetricSpec) -> dict[str, str]:
        rootdir = self._files.shared.rootdir
        paths = metric_files(metric, self._files.ladder, rootdir)
        return {key: file_digest(path, relative(path, rootdir)) for key, path in paths}

    def fingerprint(self, metric: MetricSpec) -> str:
        """Digest of all that changes what a judge says: its scorer, options, files and seed."""
        return digest({
            "scorer": metric.scorer, "options": dict(metric.options), "files": self._digests(metric),
            "seed": self._files.ladder.seed,
        })  # fmt: skip

    def fingerprints(self) -> dict[str, str]:
        """Metric -> digest of its judge, for those that have one."""
        return {metric.name: self.fingerprint(metric) for metric in self._files.ladder.metrics if is_judged(metric)}

    @property
    def pending(self) -> bool:
        """Whether a judge said something that the log does not know yet."""
        return any(talk.calls.pending for talk in self._talks.values())

    def settle(self) -> None:
        """Note that the log knows what the judges said."""
        for talk in self._talks.values():
            talk.calls.clear()

    # --- one rung ------------------------------------------------------------------------------------------------

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Let judges be asked for a while, unless the run is read-only; what they are needed for is counted anew."""
        for talk in self._talks.values():
            talk.begin()
        self.permission.asking = not self._files.settings.read_only
        try:
            yield
        finally:
            self.permission.asking = False

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """Let judges speak by the record alone for a while; a failure on record counts as nothing."""
        permission = self.permission
        before = permission.asking
        permission.asking, permission.retrying = False, True
        try:
            yield
        finally:
            permission.asking, permission.retrying = before, False

    @contextmanager
    def aside(self, *, anew: bool = False) -> Iterator[dict[str, Call]]:
        """Let judges be asked for a while without putting on record what they say.

        Args:
            anew: Whether they are asked again of what is on record.

        Yields:
            Request digest -> call, of what is asked meanwhile.
        """
        permission = self.permission
        before = replace(permission)
        made: dict[str, Call] = {}
        permission.asking, permission.aside, permission.anew = not self._files.settings.read_only, made, anew
        try:
            yield made
        finally:
            permission.asking, permission.aside, permission.anew = before.asking, before.aside, before.anew

    def talk(self, metric: str) -> JudgeTalk | None:
        """Who asks the judge of a metric; None where it has none."""
        return self._talks.get(metric)

    def usage(self) -> dict[str, JudgeUsage]:
        """Metric -> what its judge was needed for since the count began; those that were not needed left out."""
        told = {metric: talk.usage() for metric, talk in self._talks.items()}
        return {metric: usage for metric, usage in told.items() if usage != NO_USE}
