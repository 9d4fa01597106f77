"""Ways to get a fine-tune through without evidence: each is refused.

Edits of the log and of the recordings are in test_tampering.py; what passes and is told, in test_attacks_told.py; what
nothing inside pytest can stop, in test_attacks_outside.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fault.test_tampering import found, labels
from tests.project import OURS, Project, case, jsonl, prompt, sealed

Act = Callable[[Project], None]


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose evidence justifies nothing: one prompt, and no failure is known to be of form."""
    project = Project.make(tmp_path_factory.mktemp("poor"))
    ran = project.spawn()
    assert ran.status == 1, ran.text
    return project.root


@pytest.fixture
def project(pytester: pytest.Pytester, poor: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("CI", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(poor, pytester.path, dirs_exist_ok=True)
    return Project(pytester.path, inner=pytester)


def assert_nothing_got_through(project: Project) -> None:
    assert project.entries("fine_tune") == []
    assert not project.recordings("fine_tune")
    assert [entry["selected"] for entry in project.decisions() if entry["selected"] == "fine_tune"] == []


def test_the_evidence_at_hand_justifies_nothing(project: Project):
    ran = project.run("--ladder-fine-tune")

    assert ran.status == 1
    assert found(r"fine-tuning refused: effort, diagnosis", ran.text)
    assert_nothing_got_through(project)


# --- files -----------------------------------------------------------------------------------------------------------


def wrote(name: str, text: str) -> Act:
    return lambda project: project.write(name, text) and None


def edited(name: str, old: str, new: str) -> Act:
    return lambda project: project.edit(name, old, new)


def gate(*lines: str) -> Act:
    """Lines for the table [gate], in the place of `required` where they give it."""
    required = "" if any(line.startswith("required") for line in lines) else 'required = ["prompt", "few_shot"]\n'
    return edited(
        "ladder.toml", '[gate]\nrequired = ["prompt", "few_shot"]\n', f"[gate]\n{required}" + "\n".join(lines)
    )


def head(*lines: str) -> Act:
    return edited("ladder.toml", "[gate]\n", "\n".join(lines) + "\n\n[gate]\n")


def both(*acts: Act) -> Act:
    def act(project: Project) -> None:
        for one in acts:
            one(project)

    return act


def tail(*lines: str) -> Act:
    return lambda project: project.write("ladder.toml", project.read("ladder.toml") + "\n".join(lines) + "\n") and None


def cases(keep: Callable[[int], bool], **parts: object) -> Act:
    return wrote("cases.jsonl", jsonl([case(n, **parts) for n in range(60) if keep(n)]))


def waiver(kind: str = "distillation", ladder: str = "support", expires: str = "2099-01-01") -> str:
    first = f'[[waiver]]\nladder = "{ladder}"\nkind = "{kind}"\nreason = "so"\n'
    return f'{first}approved_by = "mallory"\nexpires = {expires}\n'


def hard_cases_expect_what_few_shot_says(project: Project) -> None:
    said = {line["case"]: line["answer"]["text"] for line in project.answers("few_shot")}
    project.write("cases.jsonl", jsonl([case(n, expected=said[f"c{n:02}"]) for n in range(60)]))


def renamed_with_its_recordings(project: Project) -> None:
    project.edit("ladder.toml", "[rungs.prompt]\n", '[rungs.prompt_2]\nkind = "prompt"\n')
    folder = project.folder / "recordings"
    (folder / "prompt").rename(folder / "prompt_2")


def renamed_in_the_log_too(project: Project) -> None:
    renamed_with_its_recordings(project)
    project.log = [sealed({**e, "rung": "prompt_2"}) if e.get("rung") == "prompt" else e for e in project.log]


def rag_from_the_recordings_of_few_shot(project: Project) -> None:
    gate('required = ["prompt", "few_shot", "rag"]')(project)
    tail("[rungs.rag]", 'system = "rag.py:answer"')(project)
    project.write("rag.py", project.read("few.py"))
    shutil.copytree(project.folder / "recordings" / "few_shot", project.folder / "recordings" / "rag")
    entry = project.entries("few_shot")[0]
    project.log = [*project.log, sealed({**entry, "rung": "rag", "rung_kind": "rag"})]


def kinds_swapped(project: Project) -> None:
    project.edit("ladder.toml", "[rungs.few_shot]\n", '[rungs.few_shot]\nkind = "prompt"\n')


def order_turned(project: Project) -> None:
    text = project.read("ladder.toml")
    top, one, rest = text.partition("[rungs.prompt]")
    rungs = ("[rungs." + part for part in (one + rest).split("[rungs.")[1:])
    project.write("ladder.toml", top + "\n".join(reversed([*rungs])))


def another_ladders_evidence(project: Project) -> None:
    other = project.folder.with_name("billing")
    shutil.copytree(project.folder, other)
    (other / "test_support.py").rename(other / "test_billing.py")
    project.log = []
    shutil.rmtree(project.folder / "recordings")
    text = (other / "ladder.toml").read_text(encoding="utf-8").replace('name = "support"', 'name = "billing"')
    (other / "ladder.toml").write_text(text, encoding="utf-8")
    shutil.copy(other / "escalation.jsonl", project.folder / "escalation.jsonl")
    project.relog(lambda entry: {**entry, "ladder": "billing"})


def waiver_in_the_parent_folder(project: Project) -> None:
    (project.folder.parent / "waivers.toml").write_text(waiver(), encoding="utf-8")
    (project.root / "waivers.toml").write_text(waiver(), encoding="utf-8")


def linked(name: str, text: str | None = None) -> Act:
    """A file or folder of the ladder that is a link out of the project."""

    def act(project: Project) -> None:
        path, outside = project.folder / name, project.root.parent / f"outside-{project.root.name}"
        outside.mkdir(exist_ok=True)
        if text is not None:
            path.write_text(text, encoding="utf-8")
        moved = path.rename(outside / path.name)
        path.symlink_to(moved, target_is_directory=moved.is_dir())

    return act


def waiver_linked_inside(project: Project) -> None:
    (project.root / "nobody-owns-this.toml").write_text(waiver(), encoding="utf-8")
    (project.folder / "waivers.toml").symlink_to(project.root / "nobody-owns-this.toml")


READS = """\
import json
from pathlib import Path


def answer(case):
    lines = Path(__file__).with_name("cases.jsonl").read_text().splitlines()
    return {one["id"]: one["expected"] for one in map(json.loads, lines)}[case.id]
"""

ALWAYS = "def score(case, answer):\n    return 1.0\n"
RAISES = (
    "def score(case, answer):\n    if int(case.id[1:]) >= 30:\n        raise ValueError('too hard')\n    return 1.0\n"
)
OWN_SCORER = edited("ladder.toml", '"exact_match"', '"own.py:score"')

EFFORT = r"effort: prompt: 1 of 2 different versions"
DIAGNOSIS = r"diagnosis: 0 of the 30 failures of few_shot are known to be of form"
MET = r"met: \w+ already meets the target"

FILES: dict[str, tuple[Act, int, str]] = {
    # effort
    "an empty prompt as a version": (wrote("prompt.md", ""), 4, r"prompt\.md.*empty"),
    "a prompt of white space as a version": (wrote("prompt.md", " \n\t\n"), 4, r"prompt\.md.*empty"),
    "white space more as a version": (wrote("prompt.md", prompt(24) + " \n\n"), 1, EFFORT),
    "another heading as a version": (wrote("prompt.md", prompt(24, "9")), 1, EFFORT),
    "a rung twice": (tail("[rungs.prompt_2]", 'kind = "prompt"', 'prompt = "prompt.md"'), 1, EFFORT),
    "an effort of 0": (gate("[gate.effort]", "prompt = 0"), 4, r"ladder\.toml:\d+: .*effort"),
    "an effort of 1 for all": (gate("[gate.effort]", "prompt = 1", "few_shot = 1"), 1, DIAGNOSIS),
    # rungs
    "a rung renamed with its recordings": (renamed_with_its_recordings, 1, EFFORT),
    "a rung renamed in the log too": (renamed_in_the_log_too, 1, r"altered: .*few_shot.*builds on"),
    "recordings and entry as another rung's": (rag_from_the_recordings_of_few_shot, 1, EFFORT),
    "a kind relabelled": (kinds_swapped, 1, r"not_recorded: few_shot: no rung of this kind is declared"),
    "rungs in another order": (order_turned, 1, EFFORT),
    "the evidence of another ladder": (another_ladders_evidence, 1, EFFORT),
    "fine-tuning under a cheaper kind": (
        both(edited("ladder.toml", "[rungs.fine_tune]", '[rungs.decompose]\nkind = "fine_tune"')), 1, DIAGNOSIS,
    ),
    "a router of a cheap kind to the tuned model": (
        tail("[rungs.decompose]", 'router = [{ to = "fine_tune" }]'), 4,
        r"a rung of kind `decompose` cannot use one of the dearer kind `fine_tune`",
    ),
    "a cheap rung that falls back on the tuned model": (
        edited("ladder.toml", "[rungs.few_shot]\n", '[rungs.few_shot]\nfallback = "fine_tune"\n'), 4,
        r"a rung of kind `few_shot` cannot use one of the dearer kind `fine_tune`",
    ),
    "every case left to a person": (
        tail("[rungs.decompose]", 'router = [{ to = "escalate" }]', 'escalation = "A person will answer."'), 1, EFFORT,
    ),
    # the eval set and the target
    "hard cases removed": (cases(lambda n: n < 24), 1, MET),
    "one hard case kept": (cases(lambda n: n < 24 or n == 59), 1, MET),
    "expected is what the model says": (hard_cases_expect_what_few_shot_says, 1, MET),
    "thresholds lowered": (edited("ladder.toml", '{ all = 0.95, "odd" = 0.90 }', "{ all = 0.3 }"), 1, MET),
    "a threshold above 1": (edited("ladder.toml", "all = 0.95", "all = 1.01"), 4, r"ladder\.toml:\d+: .*1\.01"),
    "no thresholds": (edited("ladder.toml", 'answer = { all = 0.95, "odd" = 0.90 }', ""), 4, r"ladder\.toml"),
    "no cases": (wrote("cases.jsonl", ""), 4, r"cases\.jsonl"),
    "a slice of nothing": (edited("ladder.toml", '"odd" = 0.90', '"hard" = 0.90'), 4, r"no case is in it"),
    "cheap rungs read the answers": (wrote("few.py", READS), 1, r"met: few_shot already meets the target"),
    "a scorer that says 1": (both(OWN_SCORER, wrote("own.py", ALWAYS)), 1, MET),
    "a scorer that raises on hard cases": (both(OWN_SCORER, wrote("own.py", RAISES)), 1, r"undecided: \w+: 30 cases"),
    # policy
    "nothing required": (gate("required = []"), 1, r"diagnosis: "),
    "form not asked": (gate("min_form_share = 0"), 1, EFFORT),
    "a form share below 0": (gate("min_form_share = -1"), 4, r"ladder\.toml:\d+: .*min_form_share"),
    "undecided allowed": (head("[decision]", 'undecided = "allow"'), 1, DIAGNOSIS),
    "every case may be in error": (
        both(head("[decision]", "max_error_rate = 1.0"), wrote("few.py", "def answer(case):\n    raise ValueError\n")),
        1, EFFORT,
    ),
    "all exempt": (gate("[gate.exempt]", 'prompt = "no"', 'few_shot = "no"'), 1, r"exemption: prompt is left out"),
    "fine-tuning required for itself": (gate('required = ["fine_tune"]'), 4, r"fine-tuning cannot be required before"),
    # waivers
    "a waiver that expired": (wrote("waivers.toml", waiver(expires="2020-01-01")), 1, r"waiver: .*expired on 2020"),
    "a waiver of no known kind": (wrote("waivers.toml", waiver("urgent")), 1, r"waiver: kind 'urgent' is not known"),
    "a waiver of another ladder": (wrote("waivers.toml", waiver(ladder="billing")), 1, EFFORT),
    "a waiver of all ladders": (wrote("waivers.toml", waiver(ladder="*")), 1, EFFORT),
    "a waiver without an end": (wrote("waivers.toml", waiver(expires='""')), 4, r"waivers\.toml:6: .*expires"),
    "a waiver by nobody": (wrote("waivers.toml", waiver().replace("mallory", "")), 4, r"waivers\.toml:5: "),
    "a waiver in a parent folder": (waiver_in_the_parent_folder, 1, EFFORT),
    "a waiver that is a link": (waiver_linked_inside, 4, r"support/waivers\.toml: this is a symbolic link"),
    "a waiver that is a link out": (linked("waivers.toml", waiver()), 4, r"support/waivers\.toml: this is a symbolic"),
    "a waiver against the target met": (both(wrote("waivers.toml", waiver()), wrote("few.py", READS)), 1, MET),
    # links
    "recordings that are a link out": (linked("recordings"), 4, r"support/recordings: this symbolic link leaves"),
    "a rung's recordings that are a link out": (linked("recordings/few_shot"), 4, r"recordings/few_shot: this"),
    "a log that is a link out": (linked("escalation.jsonl"), 4, r"escalation\.jsonl: this symbolic link leaves"),
    "labels that are a link out": (linked("labels.jsonl", labels(30, 60)), 4, r"labels\.jsonl: this symbolic link"),
    "cases that are a link out": (linked("cases.jsonl"), 4, r"evalset: the path leaves the rootdir"),
    # labels
    "labels of another rung": (wrote("labels.jsonl", labels(30, 60, rung="prompt")), 1, DIAGNOSIS),
    "labels of cases that did not fail": (wrote("labels.jsonl", labels(0, 30)), 1, DIAGNOSIS),
    "labels of a kind of one's own": (wrote("labels.jsonl", labels(30, 60, "style")), 4, r"labels\.jsonl:1: .*'style'"),
    "labels for every failure, and nothing else": (wrote("labels.jsonl", labels(30, 60)), 1, EFFORT),
}  # fmt: skip


@pytest.mark.parametrize(("act", "status", "told"), FILES.values(), ids=FILES)
def test_what_is_done_to_the_files_does_not_open_the_gate(project: Project, act: Act, status: int, told: str):
    act(project)

    ran = project.run("--ladder-fine-tune", "evals/support")

    assert ran.status == status, ran.text
    assert found(told, ran.text), ran.text
    assert not OURS.search(ran.text), ran.text
    assert_nothing_got_through(project)


# --- the command line, the ini file and the environment --------------------------------------------------------------

NODE = "evals/support/test_support.py::test_support"
REFUSED = r"fine-tuning refused: "

ARGUMENTS: dict[str, tuple[tuple[str, ...], int, str]] = {
    "-k": (("-k", "fine_tune"), 1, REFUSED),
    "-k without it": (("-k", "not fine_tune"), 1, REFUSED),
    "-m": (("-m", "ladder"), 1, REFUSED),
    "--deselect": (("--deselect", f"{NODE}[prompt]", "--deselect", f"{NODE}[few_shot]"), 1, REFUSED),
    "--deselect of it": (("--deselect", f"{NODE}[fine_tune]"), 1, REFUSED),
    "a node id": ((f"{NODE}[fine_tune]",), 1, REFUSED),
    "--ladder-rung": (("--ladder-rung=fine_tune",), 1, REFUSED),
    "--ladder-climb=all": (("--ladder-climb=all",), 1, REFUSED),
    "--ladder-limit": (("--ladder-limit=60",), 1, REFUSED),
    "--ladder-limit of it alone": (("--ladder-limit=1", "--ladder-rung=fine_tune"), 1, REFUSED),
    "--ladder-record=none": (("--ladder-record=none",), 1, REFUSED),
    "--ladder-max-calls": (("--ladder-max-calls=1",), 1, REFUSED),
    "-p no:ladder": (("-p", "no:ladder"), 4, r"unrecognized arguments: .*--ladder"),
    "-p no:ladder-controller": (("-p", "no:ladder-controller"), 4, r"-p no:ladder-controller: --ladder needs"),
    "-p no:ladder-items": (("-p", "no:ladder-items"), 4, r"-p no:ladder-items: --ladder needs"),
    "-p no:ladder-outcomes": (("-p", "no:ladder-outcomes"), 4, r"-p no:ladder-outcomes: --ladder needs"),
    "-p no:ladder-scheduler": (("-p", "no:ladder-scheduler", "-n", "2"), 4, r"-p no:ladder-scheduler: --ladder needs"),
    "-p no:terminal": (("-p", "no:terminal"), 1, ""),
    "-p no:skipping": (("-p", "no:skipping"), 1, REFUSED),
    "--runxfail": (("--runxfail",), 1, REFUSED),
    "--maxfail": (("--maxfail=1",), 1, REFUSED),
    "--exitfirst": (("-x",), 1, REFUSED),
    "--continue-on-collection-errors": (("--continue-on-collection-errors",), 1, REFUSED),
    "-n": (("-n", "2"), 1, REFUSED),
    "--dist=each": (("-n", "2", "--dist=each"), 4, r"would run every ladder on every worker"),
    "-o ladder_record": (("-o", "ladder_record=all"), 1, REFUSED),
    "-o ladder_record of one's own": (("-o", "ladder_record=open"), 4, r"ladder_record \(ini\): not a known value"),
    "-o ladder_gate": (("-o", "ladder_gate=off"), 1, REFUSED),
    "-o addopts": (("-o", "addopts=-k fine_tune"), 1, REFUSED),
    "-c": (("-c", "/dev/null", "--rootdir", "."), 1, REFUSED),
    "-qq and no summary": (("-qq", "--no-summary", "--tb=no"), 1, ""),
    "-W ignore": (("-W", "ignore"), 1, REFUSED),
    "--last-failed": (("--lf",), 1, REFUSED),
    "--stepwise": (("--sw",), 2, r"Interrupted"),
    "--noconftest": (("--noconftest",), 1, REFUSED),
    "-s": (("-s",), 1, REFUSED),
    "--setup-plan": (("--setup-plan",), 1, REFUSED),
    "--setup-only": (("--setup-only",), 1, REFUSED),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "status", "told"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_no_argument_opens_the_gate(project: Project, arguments: tuple[str, ...], status: int, told: str):
    ran = project.run("--ladder-fine-tune", *arguments)

    assert ran.status == status, ran.text
    assert found(told, ran.text), ran.text
    assert "INTERNALERROR" not in ran.text
    assert_nothing_got_through(project)


SELECTED_ALONE = ("-k=fine_tune", f"{NODE}[fine_tune]", "--ladder-rung=fine_tune")


@pytest.mark.parametrize("argument", SELECTED_ALONE)
@pytest.mark.parametrize("mode", ["new", "none", "all"])
def test_to_select_it_alone_is_to_ask_for_it(project: Project, argument: str, mode: str):
    ran = project.run(argument, f"--ladder-record={mode}")

    assert ran.status == 1
    assert found(REFUSED, ran.text)
    assert_nothing_got_through(project)


ENVIRONMENTS: dict[str, tuple[dict[str, str], int, str]] = {
    "CI": ({"CI": "1"}, 1, REFUSED),
    "CI, empty": ({"CI": ""}, 1, REFUSED),
    "PYTEST_ADDOPTS that narrows": ({"PYTEST_ADDOPTS": "-k fine_tune"}, 1, REFUSED),
    "PYTEST_ADDOPTS that asks": ({"CI": "1", "PYTEST_ADDOPTS": "--ladder-record=all"}, 1, r"record=all.*" + REFUSED),
    "PYTEST_ADDOPTS without the plugin": ({"PYTEST_ADDOPTS": "-p no:ladder"}, 4, r"unrecognized arguments"),
    "PYTEST_ADDOPTS without the controller": ({"PYTEST_ADDOPTS": "-p no:ladder-controller"}, 4, r"--ladder needs"),
    "no entry points": ({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, 4, r"unrecognized arguments"),
    "names that one might try": (
        {"LADDER_GATE": "off", "LADDER_SKIP": "1", "LADDER_RECORD": "all", "PYTEST_LADDER_GATE": "0"}, 1, REFUSED,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("environment", "status", "told"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_no_variable_opens_the_gate(
    project: Project, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], status: int, told: str
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert project.inner is not None

    found_ = project.inner.runpytest_inprocess("--ladder", "--ladder-fine-tune")

    text = found_.stdout.str() + found_.stderr.str()
    assert found_.ret == status, text
    assert found(told, text), text
    assert_nothing_got_through(project)


def test_without_assertions_python_judges_alike(project: Project):
    ran = project.spawn("--ladder-fine-tune", env={"PYTHONOPTIMIZE": "2"})

    assert ran.status == 1, ran.text
    assert found(REFUSED, ran.text)
    assert_nothing_got_through(project)


# --- the clock -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "told"),
    [(1999, r"stale: prompt: its evidence is dated in the future"), (2099, r"stale: prompt: its evidence is \d+ days")],
)
def test_a_clock_set_back_or_forward_makes_no_evidence_fresh(
    project: Project, monkeypatch: pytest.MonkeyPatch, year: int, told: str
):
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(year, 1, 1, tzinfo=UTC)

    for module in ("concluding.climb", "concluding.finish", "summaries.verify"):
        monkeypatch.setattr(f"pytest_ladder.session.{module}.datetime", Clock)

    ran = project.none("--ladder-fine-tune")

    assert ran.status == 1
    assert found(told, ran.text), ran.text


# --- the test --------------------------------------------------------------------------------------------------------


def body(*lines: str, mark: str = "", also: str = "") -> str:
    text = "".join(f"    {line}\n" for line in lines)
    return f"import pytest\n\n\n{mark}@pytest.mark.ladder\ndef test_support(rung{also}):\n{text}"


CHECK = "rung.check()"

TESTS: dict[str, tuple[str, str]] = {
    "never checks": (body("pass"), r"the test never called rung\.check"),
    "catches everything": (body("try:", f"    {CHECK}", "except BaseException:", "    pass"), REFUSED),
    "expects an exception": (body("with pytest.raises(BaseException):", f"    {CHECK}"), REFUSED),
    "xfail": (body(CHECK, mark="@pytest.mark.xfail\n"), REFUSED),
    "xfail that does not run": (body(CHECK, mark="@pytest.mark.xfail(run=False)\n"), REFUSED),
    "skip": (body(CHECK, mark="@pytest.mark.skip\n"), REFUSED),
    "skipif": (body(CHECK, mark="@pytest.mark.skipif(True, reason='so')\n"), REFUSED),
    "skips the cheap rungs": (body("if rung.kind != 'fine_tune':", "    pytest.skip()", CHECK), REFUSED),
    "leaves with 0": (body("pytest.exit('done', returncode=0)"), REFUSED),
    "writes its own verdict": (body("rung.evaluate()", "rung.state = 'met'"), REFUSED),
    "replaces the fixture": (
        body(CHECK) + "\n\n@pytest.fixture\ndef rung(request):\n    class Fake:\n        def check(self): pass\n"
        "    return Fake()\n", REFUSED,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("test", "told"), TESTS.values(), ids=TESTS)
def test_no_test_opens_the_gate(project: Project, test: str, told: str):
    project.write("test_support.py", test)

    ran = project.run("--ladder-fine-tune")

    assert ran.status == 1, ran.text
    assert found(told, ran.text), ran.text
    assert_nothing_got_through(project)


@pytest.mark.parametrize("name", ["skip", "xfail that does not run", "catches everything"])
def test_with_workers_no_test_opens_the_gate_either(project: Project, name: str):
    project.write("test_support.py", TESTS[name][0])

    ran = project.run("--ladder-fine-tune", "-n", "2")

    assert ran.status == 1, ran.text
    assert found(REFUSED, ran.text), ran.text


@pytest.mark.parametrize("flag", ["--collect-only", "--fixtures"])
def test_what_runs_nothing_asks_nothing_and_writes_nothing(project: Project, flag: str):
    before = project.read("escalation.jsonl")

    assert project.run("--ladder-fine-tune", flag).status == 0
    assert project.read("escalation.jsonl") == before
    assert_nothing_got_through(project)


HIDING = ("catches everything", "expects an exception", "xfail", "skips the cheap rungs")


@pytest.mark.parametrize("name", HIDING)
@pytest.mark.parametrize("arguments", [(), ("--ladder-rung=few_shot",), ("--ladder-rung=few_shot", "-n", "2")])
def test_a_rung_that_falls_short_fails_whatever_its_test_makes_of_it(
    project: Project, name: str, arguments: tuple[str, ...]
):
    project.write("test_support.py", TESTS[name][0])

    assert project.run(*arguments).status == 1


def test_recordings_and_entries_of_another_rung_are_no_evidence(project: Project):
    rag_from_the_recordings_of_few_shot(project)

    ran = project.none("--ladder-rung=fine_tune")

    assert ran.status == 1
    assert found(r"stale: rag: the rung itself changed since it was measured", ran.text), ran.text


def test_two_ladders_of_one_name_are_none(project: Project):
    other = project.folder.with_name("copy")
    shutil.copytree(project.folder, other)
    (other / "test_support.py").rename(other / "test_copy.py")

    ran = project.run("--ladder-fine-tune")

    assert ran.status == 4
    assert "the name 'support' is taken by" in ran.text


# --- conftest.py -----------------------------------------------------------------------------------------------------

HOOKS: dict[str, str] = {
    "deselects the rung": (
        "def pytest_collection_modifyitems(config, items):\n    items[:] = [i for i in items if 'tune' not in i.name]\n"
    ),
    "deselects the cheaper rungs": (
        "def pytest_collection_modifyitems(config, items):\n    items[:] = [i for i in items if 'tune' in i.name]\n"
    ),
    "turns reports green": (
        "import pytest\n\n\n@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    report = yield\n    report.outcome = 'passed'\n    report.longrepr = None\n    return report\n"
    ),
    "turns logged reports green": (
        "import pytest\n\n\n@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_logreport(report):\n"
        "    report.outcome = 'passed'\n    report.longrepr = None\n"
    ),
    "takes the counts back": (
        "def pytest_runtest_logreport(report):\n    pass\n\n\n"
        "def pytest_terminal_summary(terminalreporter):\n    terminalreporter.stats.clear()\n"
    ),
    "leaves nothing to run": "collect_ignore_glob = ['nothing']\n",
}


@pytest.mark.parametrize("text", HOOKS.values(), ids=HOOKS)
def test_no_such_hook_opens_the_gate(project: Project, text: str):
    project.write("conftest.py", text)

    ran = project.run("--ladder-fine-tune")

    assert ran.status == 1, ran.text
    assert_nothing_got_through(project)


def test_a_rung_in_error_is_not_made_good_by_a_hook(project: Project):
    project.write("conftest.py", HOOKS["turns reports green"])
    project.write("few.py", "def answer(case):\n    raise ValueError('no')\n")

    ran = project.run("--ladder-rung=few_shot")

    assert ran.status == 1
    assert "rung few_shot: its test ended without a verdict that counts" in " ".join(ran.text.split())


# --- a fine-tuning that is on record, and whose justification is gone ------------------------------------------------


@pytest.mark.parametrize("mark", ["", "@pytest.mark.xfail\n", "@pytest.mark.skip\n"])
def test_a_tuning_on_record_falls_with_its_justification(project: Project, mark: str):
    gate("[gate.effort]", "prompt = 1")(project)
    project.write("labels.jsonl", labels(30, 60))
    assert project.run("--ladder-fine-tune").status == 0
    (project.folder / "labels.jsonl").unlink()
    project.write("test_support.py", body(CHECK, mark=mark))

    ran, verified = project.none(*([] if "skip" not in mark else ["--ladder-fine-tune"])), project.command("verify")

    assert ran.status == 1
    assert verified.status == 1
    assert found(r"fine_tune is on record, but its evidence does not justify it: diagnosis", verified.text)


def test_the_suite_names_more_than_forty_ways():
    assert len({*FILES, *ARGUMENTS, *ENVIRONMENTS, *TESTS, *HOOKS}) > 100
