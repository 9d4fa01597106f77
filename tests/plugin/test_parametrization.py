"""Which tests a ladder becomes, and what it may not become."""

from __future__ import annotations

import pytest

from tests.plugin.bench import TEST, Bench

PLAIN = TEST.format(name="support")


def collected(bench: Bench, *args: str) -> list[str]:
    ran = bench.run("--collect-only", "-q", *args)
    return [line for line in ran.lines if "::" in line]


def test_the_ladder_beside_the_file_is_the_default(bench: Bench):
    bench.make()

    assert collected(bench) == [f"{bench.test}[prompt]", f"{bench.test}[few_shot]"]


@pytest.mark.parametrize("written", ['"../evals/support/ladder.toml"', 'path="../evals/support/ladder.toml"'])
def test_the_marker_may_name_a_path_from_its_file(bench: Bench, written: str):
    bench.make()
    test = bench.folder / "test_support.py"
    elsewhere = bench.pytester.path / "tests" / "test_moved.py"
    elsewhere.parent.mkdir()
    elsewhere.write_text(test.read_text().replace("mark.ladder", f"mark.ladder({written})"))
    test.unlink()

    assert collected(bench) == [f"tests/test_moved.py::test_support[{rung}]" for rung in ("prompt", "few_shot")]
    assert bench.run().status == 0


def test_rungs_are_ordered_by_kind_then_as_written(bench: Bench):
    bench.make(
        {"rag_v2": 3, "fine_tune": 3, "rag": 3, "decompose": 3, "few_shot": 3, "advanced_rag": 3, "prompt": 3},
        options={"rag_v2": 'kind = "rag"'},
    )

    assert [line.partition("[")[2].rstrip("]") for line in collected(bench)] == [
        "prompt", "few_shot", "rag_v2", "rag", "advanced_rag", "decompose", "fine_tune",
    ]  # fmt: skip


def test_a_rung_of_no_known_kind_is_an_error_that_names_the_kinds(bench: Bench):
    bench.make({"promt": 3})

    ran = bench.run()

    assert ran.status == 4
    assert "prompt" in ran.text


def test_an_unknown_key_is_an_error_that_names_the_line_and_the_nearest_key(bench: Bench):
    bench.make(head="repeat = 2")

    ran = bench.run()

    assert ran.status == 4
    assert "evals/support/ladder.toml:4: " in ran.text
    assert "repeats" in ran.text


@pytest.mark.parametrize(
    ("test", "told"),
    [
        (PLAIN.replace("@pytest.mark.ladder", "@pytest.mark.ladder\n@pytest.mark.parametrize('n', [1, 2])")
         .replace("(rung)", "(rung, n)"), "has other parameters"),
        (PLAIN + "\n\n@pytest.mark.ladder\ndef test_again(rung):\n    rung.check()\n", "two tests ask for its rungs"),
        (PLAIN.replace("mark.ladder", "mark.ladder('nowhere.toml')"), "nowhere.toml"),
        (PLAIN.replace("mark.ladder", "mark.ladder('../../../ladder.toml')"), "the path leaves the rootdir"),
        (PLAIN.replace("mark.ladder", "mark.ladder(17)"), "17"),
    ],
    ids=["more_parameters", "two_tests", "no_such_file", "outside_the_rootdir", "no_path"],
)  # fmt: skip
def test_what_cannot_be_collected_ends_with_4(bench: Bench, test: str, told: str):
    bench.make(test=test)

    ran = bench.run()

    assert ran.status == 4
    assert told in ran.text
    assert "Traceback" not in ran.text
    assert bench.asked() == []


def test_parameters_from_a_fixture_are_other_parameters_too(bench: Bench):
    bench.make(
        test="import pytest\n\n@pytest.fixture(params=[1, 2])\ndef n(request):\n    return request.param\n\n"
        + PLAIN.replace("(rung)", "(rung, n)")
    )

    ran = bench.run()

    assert ran.status == 4
    assert "has other parameters" in ran.text


def test_parameters_from_a_hook_are_other_parameters_too(bench: Bench):
    bench.make(test=PLAIN.replace("(rung)", "(rung, n)"))
    bench.write(
        "conftest.py",
        "def pytest_generate_tests(metafunc):\n"
        "    if 'n' in metafunc.fixturenames:\n        metafunc.parametrize('n', [1, 2])\n",
    )

    ran = bench.run()

    assert ran.status == 4
    assert "has other parameters" in ran.text


def test_two_ladders_of_one_name_end_with_4(bench: Bench):
    bench.make()
    other = Bench(bench.pytester, "other").make()
    other.edit("ladder.toml", 'name = "other"', 'name = "support"')

    ran = bench.run()

    assert ran.status == 4
    assert "evals/support/ladder.toml: the name 'support' is taken by evals/other/ladder.toml" in ran.text


def test_the_same_ladder_from_two_files_ends_with_4(bench: Bench):
    bench.make()
    bench.write("test_second.py", PLAIN)

    ran = bench.run()

    assert ran.status == 4
    assert "two tests ask for its rungs" in ran.text


def test_several_ladders_run_side_by_side(bench: Bench):
    bench.make()
    other = Bench(bench.pytester, "other").make({"prompt": 10})

    ran = bench.run("-v")

    assert ran.status == 0
    assert bench.verdicts[-1] == "selected few_shot"
    assert other.verdicts == ["prompt met", "selected prompt"]


def test_a_method_of_a_class_is_a_ladder_test_too(bench: Bench):
    bench.make(
        test="import pytest\n\n\nclass TestSupport:\n    @pytest.mark.ladder\n    def test_it(self, rung):\n"
        "        rung.check()\n"
    )

    ran = bench.run("-v")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}


def test_the_marker_on_a_class_reaches_its_one_method(bench: Bench):
    bench.make(
        test="import pytest\n\n\n@pytest.mark.ladder\nclass TestSupport:\n    def test_it(self, rung):\n"
        "        rung.check()\n"
    )

    assert bench.run("-v").outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}


def test_the_marker_on_a_module_reaches_its_one_test(bench: Bench):
    bench.make(test="import pytest\n\npytestmark = pytest.mark.ladder\n\n\ndef test_it(rung):\n    rung.check()\n")

    assert bench.run("-v").outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}


def test_the_fixture_without_the_marker_says_what_is_missing(bench: Bench):
    bench.make(test="def test_it(rung):\n    rung.check()\n")

    ran = bench.run()

    assert ran.status == 1
    assert "needs a test marked with @pytest.mark.ladder" in ran.text


def test_an_async_test_function_is_told_apart(bench: Bench):
    bench.make(test=PLAIN.replace("def test", "async def test"))

    ran = bench.run()

    assert ran.status != 0
    assert "async" in ran.text


def test_markers_are_declared(bench: Bench):
    bench.make()

    assert bench.run("--strict-markers").status == 0
    assert "@pytest.mark.ladder(path=" in bench.run("--markers", ladder=False).text


def test_other_tests_stay_where_they_are(bench: Bench):
    bench.make(test=f"def test_before(): pass\n\n\n{PLAIN}\n\ndef test_after(): pass\n")

    names = [line.rpartition("::")[2] for line in collected(bench)]

    assert names == ["test_before", "test_support[prompt]", "test_support[few_shot]", "test_after"]
