"""What nothing inside pytest can stop: shown as it is, and named in docs/limitations.md with the setting that does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_ladder.core.answers import answers_digest
from pytest_ladder.store.record_lines import parse_record
from tests.fault.test_attacks import READS, Act, wrote
from tests.fault.test_tampering import labels
from tests.project import SYSTEM, TEST, Project, case, jsonl, prompt, sealed

DOC = Path(__file__).parents[2] / "docs" / "limitations.md"
SECTION = "## What nothing inside pytest can stop"


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose evidence justifies nothing: one prompt, and no failure is known to be of form."""
    project = Project.make(tmp_path_factory.mktemp("poor"))
    assert project.spawn().status == 1
    return project.root


@pytest.fixture
def project(pytester: pytest.Pytester, poor: Path) -> Project:
    shutil.copytree(poor, pytester.path, dirs_exist_ok=True)
    return Project(pytester.path, inner=pytester)


PATCHES = """\
import pytest_ladder.session.concluding.standing


def pytest_configure(config):
    pytest_ladder.session.concluding.standing.refusals = lambda request: ()
"""

PATCHING = f"{PATCHES}\n\npytest_configure(None)\n{TEST}"

STATUS = """\
import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    session.exitstatus = 0
"""

UNREGISTERS = """\
import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    session.config.pluginmanager.unregister(name="ladder-controller")
    session.config.pluginmanager.unregister(name="ladder-outcomes")
    for item in session.items:
        item.obj = lambda rung: None
"""

LEAVES = TEST.replace("    rung.check()\n", "    import os\n\n    os._exit(0)\n")


SHADOW = """\
import pytest


def pytest_addoption(parser):
    for name in ("--ladder", "--ladder-fine-tune"):
        parser.addoption(name, action="store_true")


def pytest_configure(config):
    config.addinivalue_line("markers", "ladder")


@pytest.fixture
def rung():
    class Rung:
        def check(self):
            pass

    return Rung()
"""


def shadowed(project: Project) -> None:
    """A package of the plugin's name in the working folder, which `python -m pytest` looks into first."""
    project.write("../../pytest_ladder/__init__.py", "")
    project.write("../../pytest_ladder/plugin/__init__.py", "")
    project.write("../../pytest_ladder/plugin/hooks.py", SHADOW)


def loaded_by_ini(project: Project) -> None:
    project.write("../../evil.py", PATCHES)
    project.write("../../pytest.ini", "[pytest]\npythonpath = .\naddopts = -p evil\n")


def by_script(project: Project) -> None:
    """A second prompt of no consequence, and a label of form for whatever failed."""
    project.write("prompt.md", prompt(25))
    project.write("labels.jsonl", labels(0, 60) + labels(0, 60, rung="prompt"))


def bad_on_purpose(project: Project) -> None:
    by_script(project)
    project.write("few.py", SYSTEM.replace("SKILL", "3"))


def forged(project: Project) -> None:
    """Answers that nobody gave, and a log that digests them."""
    by_script(project)
    project.run()  # what is asked honestly, of which the prompt's first version is now rewritten
    lines = project.answers("prompt", 0)
    for line in lines:
        line["answer"]["text"] = "I would rather be tuned"
    project.record("prompt", lines, 0)
    digest = answers_digest([parse_record(line, "forged") for line in lines])
    old = project.entries("prompt")[0]
    new = sealed({**old, "answers": digest})

    def resealed(entry: dict[str, object]) -> dict[str, object]:
        changed = {**entry}
        for key in ("after", "rests_on"):
            if key in changed:
                changed[key] = [ids.get(one, one) for one in changed[key]]  # type: ignore[attr-defined]
        return sealed(changed) if changed != entry else changed

    ids: dict[str, str] = {old["id"]: new["id"]}
    log = []
    for entry in project.log:
        made = new if entry["id"] == old["id"] else resealed(entry)
        ids[str(entry["id"])] = str(made["id"])
        log.append(made)
    project.log = log


def told_in_the_case(project: Project) -> None:
    """Answers in the metadata, which systems are given."""
    project.write("cases.jsonl", jsonl([case(n, metadata={"note": f"A{n}"}) for n in range(60)]))
    project.run()
    by_script(project)
    project.write("tuned.py", "def answer(case):\n    return case.metadata['note']\n")


def reading(project: Project) -> None:
    by_script(project)
    project.write("tuned.py", READS)


OUTSIDE: dict[str, tuple[Act, str]] = {
    "a patched plugin": (wrote("conftest.py", PATCHES), "a `conftest.py` that patches the plugin"),
    "an exit status of one's own": (wrote("conftest.py", STATUS), "sets the exit status"),
    "a plugin that the ini file loads": (loaded_by_ini, "a `conftest.py` that patches the plugin"),
    "a test module that patches": (wrote("test_support.py", PATCHING), "the test"),
    "a package of the plugin's name": (shadowed, "a module in the checkout that takes the place"),
    "a plugin taken out": (wrote("conftest.py", UNREGISTERS), "takes its parts out"),
    "a process that ends itself": (wrote("test_support.py", LEAVES), "ends the process"),
    "labels by script": (by_script, "Labels that a script wrote"),
    "a bad system on purpose": (bad_on_purpose, "A cheap rung that is bad on purpose"),
    "forged recordings": (forged, "Recordings that nobody asked for"),
    "a system that reads the answers": (reading, "A system that reads the expected answers"),
    "answers in the metadata": (told_in_the_case, "cases whose `input` or `metadata` hold them"),
}  # fmt: skip


@pytest.mark.parametrize(("act", "named"), OUTSIDE.values(), ids=OUTSIDE)
def test_it_passes_and_is_named_in_the_docs(project: Project, act: Act, named: str):
    act(project)

    ran = project.spawn("--ladder-fine-tune")

    assert ran.status == 0, ran.text
    assert named in section()


def test_a_plugin_named_in_the_environment_passes_and_is_named(project: Project):
    project.write("../../evil.py", PATCHES)

    ran = project.spawn("--noconftest", "--ladder-fine-tune", env={"PYTEST_PLUGINS": "evil"})

    assert ran.status == 0, ran.text
    assert "PYTEST_PLUGINS" in section()
    assert project.command("verify").status == 1


def test_a_tuned_model_under_a_cheaper_kind_is_never_asked_for_and_stands_in_the_log(project: Project):
    project.write("few.py", project.read("tuned.py"))

    ran = project.spawn()

    assert ran.status == 0, ran.text
    assert project.decisions()[-1]["selected"] == "few_shot"
    assert "few.py" in str(project.entries("few_shot")[-1]["artifacts"])
    assert "A tuned model behind a cheaper rung" in section()


def section() -> str:
    text = DOC.read_text(encoding="utf-8").partition(SECTION)[2].partition("\n## ")[0]
    assert text
    return " ".join(text.split())


@pytest.mark.parametrize(
    "setting", ["code owners", "required", "`ladder verify`", "`--noconftest`", "`ladder.toml`", "`waivers.toml`",
                "`labels.jsonl`", "`conftest.py`", "--ladder-record=all", "hold-out"],
)  # fmt: skip
def test_the_docs_name_the_setting_that_stops_it(setting: str):
    assert setting in section()


@pytest.mark.parametrize("name", ["an exit status of one's own", "a patched plugin"])
def test_without_the_projects_conftest_the_gate_refuses(project: Project, name: str):
    OUTSIDE[name][0](project)

    ran = project.run("--noconftest", "--ladder-fine-tune")

    assert ran.status == 1
    assert "fine-tuning refused: " in ran.text


def test_what_a_patched_plugin_let_through_is_found_by_verify_in_a_clean_environment(project: Project):
    OUTSIDE["a patched plugin"][0](project)
    assert project.spawn("--ladder-fine-tune").status == 0

    verified = project.command("verify")

    assert verified.status == 1
    assert "fine_tune is on record, but its evidence does not justify it: effort" in " ".join(verified.text.split())


def test_an_exit_status_of_ones_own_leaves_the_refusal_on_the_terminal_and_in_junit(project: Project):
    project.write("conftest.py", STATUS)

    ran = project.run("--ladder-fine-tune", "--junitxml=junit.xml")

    assert ran.status == 0
    assert "fine-tuning refused: effort, diagnosis" in ran.text
    assert "fine-tuning refused: effort, diagnosis" in (project.root / "junit.xml").read_text(encoding="utf-8")


def test_asking_again_finds_forged_recordings(project: Project):
    forged(project)
    shutil.rmtree(project.folder / "recordings" / "few_shot")

    ran = project.run("--ladder-record=all", "--ladder-rung=prompt")

    assert project.answers("prompt")[0]["answer"]["text"] != "I would rather be tuned", ran.text


def test_a_system_that_reads_the_answers_knows_none_of_a_set_that_is_not_in_the_checkout(project: Project):
    reading(project)
    project.edit("ladder.toml", 'evalset = "cases.jsonl"', 'evalset = "secret.jsonl"')
    project.write("secret.jsonl", jsonl([case(n, id=f"s{n}") for n in range(60)]))

    ran = project.run("--ladder-fine-tune")

    assert ran.status == 1
    assert project.decisions()[-1]["selected"] is None
