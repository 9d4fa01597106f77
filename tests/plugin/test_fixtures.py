"""What a ladder's test holds in its hands."""

from __future__ import annotations

import pytest

from tests.plugin.bench import MODEL, Bench

HEAD = "import pytest\n\n\n"
ALL_RIGHT = "lambda case: case.input.replace('question', 'answer')"


def ladder_test(body: str, fixtures: str = "rung") -> str:
    lines = "\n".join(f"    {line}" if line else "" for line in body.strip("\n").split("\n"))
    return f"{HEAD}@pytest.mark.ladder\ndef test_support({fixtures}):\n{lines}\n"


def test_a_rung_says_what_it_is(bench: Bench):
    bench.make(
        {"prompt": 10, "rag_v2": 10}, options={"rag_v2": 'kind = "rag"'},
        test=ladder_test("print(f'<{rung.id} {rung.kind} {rung.ladder.name}>')\nrung.check()"),
    )  # fmt: skip

    ran = bench.run("-s", "--ladder-climb=all")

    assert "<prompt prompt support>" in ran.text
    assert "<rag_v2 rag support>" in ran.text


def test_check_returns_plain_numbers(bench: Bench):
    bench.make(
        {"prompt": 10}, cases=12, thresholds="answer = { all = 0.8 }",
        test=ladder_test(
            "found = rung.check()\n"
            "assert found.score('answer') == pytest.approx(10 / 12)\n"
            "assert found.score('answer', slice='odd') == pytest.approx(5 / 6)\n"
            "assert [case.case.id for case in found.cases] == [f'c{n}' for n in range(12)]\n"
            "assert found.usage.calls == 0\n"
            "assert found.latency['p50'] >= 0\n"
            "assert found.met\n"
        ),
    )  # fmt: skip

    assert bench.run().status == 0


def test_an_unknown_metric_or_slice_is_told_with_the_nearest(bench: Bench):
    bench.make({"prompt": 10}, test=ladder_test("rung.check().score('anser')"))

    ran = bench.run()

    assert ran.status == 1
    assert "answer" in ran.text


def test_evaluate_holds_to_the_thresholds_at_the_end(bench: Bench):
    ran = bench.make(test=ladder_test("rung.evaluate()")).run("-v")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}


def test_an_own_assert_after_evaluate_is_an_ordinary_failure_and_is_recorded(bench: Bench):
    bench.make(test=ladder_test("found = rung.evaluate()\nassert found.score('answer', slice='odd') >= 0.5"))

    ran = bench.run("-v")

    assert ran.status == 1
    assert ran.outcomes()["prompt"] == "FAILED"
    assert "assert 0.4 >= 0.5" in ran.text
    assert bench.verdicts[:1] == ["prompt short"]
    assert bench.recorded("prompt") == [f"c{n}" for n in range(10)]


def test_a_test_that_measures_nothing_fails(bench: Bench):
    bench.make(test=ladder_test("assert rung.id"))

    ran = bench.run("-v")

    assert ran.status == 1
    assert "never called rung.check() or rung.evaluate()" in ran.text
    assert bench.log == []


def test_a_test_that_skips_itself_is_skipped(bench: Bench):
    bench.make(test=ladder_test("if rung.id == 'prompt':\n    pytest.skip('not today')\nrung.check()"))

    ran = bench.run("-v", "-rs")

    assert ran.outcomes()["prompt"] == "SKIPPED"
    assert "not today" in ran.text
    assert ran.outcomes()["few_shot"] == "MET"


def test_a_system_may_be_given_by_the_test(bench: Bench):
    bench.make(test=ladder_test(f"rung.check({ALL_RIGHT})"))

    ran = bench.run("-v")

    assert ran.outcomes() == {"prompt": "SELECTED", "few_shot": "NOT NEEDED"}
    assert bench.asked() == []


def test_a_given_system_is_asked_once(bench: Bench):
    bench.make(
        test=ladder_test(
            "def answer(case):\n"
            "    with open('asked.txt', 'a') as file:\n        file.write(case.id + '\\n')\n"
            "    return case.input.replace('question', 'answer')\n"
            "rung.check(answer)"
        )
    )
    bench.run()
    before = bench.log_path.read_bytes()

    ran = bench.run()

    assert ran.status == 0
    assert len((bench.pytester.path / "asked.txt").read_text().split()) == 10
    assert bench.log_path.read_bytes() == before
    assert bench.run("--ladder-record=none").status == 0


def test_an_async_system_may_be_given(bench: Bench):
    bench.make(
        test=ladder_test(
            "import asyncio\n\n"
            "async def answer(case):\n    await asyncio.sleep(0)\n"
            "    return case.input.replace('question', 'answer')\n"
            "rung.check(answer)"
        )
    )

    assert bench.run("-v").outcomes()["prompt"] == "SELECTED"


def test_a_given_system_gets_id_input_and_metadata_alone(bench: Bench):
    bench.make(
        test=ladder_test(
            "def answer(case):\n"
            "    assert not any(hasattr(case, name) for name in ('expected', 'evidence', 'steps', 'tools', 'slices'))\n"
            "    return f'answer {case.id[1:]}' if case.metadata == {} else ''\n"
            "rung.check(answer)"
        )
    )

    assert bench.run("-v").outcomes()["prompt"] == "SELECTED"


@pytest.mark.parametrize("call", ["llm.chat(case.input).text", "(await llm.chat(case.input)).text"])
def test_a_closure_may_use_the_llm(bench: Bench, call: str):
    begin = "async def" if "await" in call else "def"
    bench.make(
        {"prompt": 0}, head='model = "models.py:reply"',
        test=ladder_test(f"{begin} answer(case):\n    return {call}\nfound = rung.check(answer)\n"
                         "assert found.usage.calls == 10\nassert found.usage.cost_usd == pytest.approx(0.01)",
                         "rung, llm"),
    )  # fmt: skip
    bench.write("models.py", MODEL)

    ran = bench.run()

    assert ran.status == 0, ran.text
    assert len(bench.asked("model")) == 10
    assert bench.log[0]["usage"]["calls"] == 10
    assert bench.log[0]["model_returned"] == ["arith-1"]
    assert bench.run("--ladder-record=none").status == 0
    assert bench.asked() == []


def test_a_systems_own_parameter_llm_is_the_rungs_model(bench: Bench):
    bench.make({"prompt": 0}, head='model = "models.py:reply"')
    bench.write("models.py", MODEL)
    bench.write(
        "prompt.py",
        "def answer(case, llm):\n    return llm.chat([{'role': 'user', 'content': case.input}]).text\n",
    )

    assert bench.run("-v").outcomes() == {"prompt": "SELECTED"}


@pytest.mark.parametrize(
    "body",
    [
        "assert llm.chat('what of 7?').text == 'answer 7'",
        "import asyncio\n\nasync def ask():\n    return (await llm.chat('what of 7?')).text\n"
        "assert asyncio.run(ask()) == 'answer 7'",
    ],
    ids=["sync", "async"],
)
def test_a_call_beside_the_rungs_is_counted_recorded_and_replayed(bench: Bench, body: str):
    bench.make({"prompt": 10}, head='model = "models.py:reply"', test=ladder_test(body, "llm"))
    bench.write("models.py", MODEL)

    assert bench.run().status == 0
    assert bench.asked() == ["model what of 7?"]
    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0
    assert bench.asked() == []


def test_a_call_that_is_not_on_record_is_named_under_none(bench: Bench):
    bench.make({"prompt": 10}, head='model = "models.py:reply"', test=ladder_test("llm.chat('what of 7?')", "llm"))
    bench.write("models.py", MODEL)

    ran = bench.run("--ladder-record=none")

    assert ran.status == 1
    assert "is not on record" in ran.text
    assert bench.asked() == []


def test_calls_beside_the_rungs_count_against_the_budget(bench: Bench):
    bench.make(
        {"prompt": 10}, head='model = "models.py:reply"',
        test=ladder_test("for n in range(5):\n    llm.chat(f'what of {n}?')", "llm"),
    )  # fmt: skip
    bench.write("models.py", MODEL)

    ran = bench.run("--ladder-max-calls=3")

    assert ran.status == 1
    assert "3 model calls are made" in ran.text
    assert len(bench.asked("model")) == 3


def test_the_llm_of_a_ladder_without_a_model_says_so(bench: Bench):
    bench.make({"prompt": 10}, test=ladder_test("llm.chat('what of 7?')", "llm"))

    ran = bench.run()

    assert ran.status == 1
    assert "no model is named" in ran.text


def test_the_ladder_gives_its_spec_and_its_log(bench: Bench):
    bench.make(
        {"prompt": 10},
        test=ladder_test("rung.check()") + "\n\n@pytest.mark.ladder\ndef test_policy(ladder, evalset):\n"
        "    assert ladder.name == ladder.spec.name == 'support'\n"
        "    assert ladder.spec.thresholds == {'answer': {'all': 0.9}}\n"
        "    assert [rung.id for rung in ladder.spec.rungs] == ['prompt']\n"
        "    assert len(evalset) == 10\n"
        "    assert [case.id for case in evalset][0] == 'c0'\n"
        "    assert evalset is ladder.evalset\n"
        "    print(f'<{[type(entry).__name__ for entry in ladder.log]}>')\n",
    )

    assert "<[]>" in bench.run("-s").text
    again = bench.run("-s")

    assert again.status == 0
    assert "<['RungEntry', 'DecisionEntry']>" in again.text


def test_fixtures_of_the_test_are_made_once_a_rung_and_torn_down(bench: Bench):
    bench.make(
        {"prompt": 4, "few_shot": 10, "rag": 10},
        test=f"{HEAD}@pytest.fixture\ndef place():\n    print('<up>')\n    yield\n    print('<down>')\n\n\n"
        "@pytest.mark.ladder\ndef test_support(rung, place):\n    rung.check()\n",
    )

    ran = bench.run("-s")

    assert (ran.text.count("<up>"), ran.text.count("<down>")) == (2, 2)


# --- tuned_model -----------------------------------------------------------------------------------------------------


def test_using_the_tuned_model_asks_the_gate(bench: Bench):
    bench.make(
        test=ladder_test("rung.check()")
        + "\n\n@pytest.mark.ladder\ndef test_tuned(tuned_model):\n    tuned_model.chat('hello')\n"
    )

    ran = bench.run("-v")

    assert ran.status == 1
    assert "fine-tuning refused" in ran.text
    assert "met:" in ran.text


def test_the_tuned_model_alone_asks_the_gate_too(bench: Bench):
    bench.make(
        test=ladder_test("rung.check()")
        + "\n\n@pytest.mark.ladder\ndef test_tuned(tuned_model):\n    tuned_model.chat('hello')\n"
    )

    ran = bench.run("-k", "test_tuned")

    assert ran.status == 1
    assert "not_recorded:" in ran.text


@pytest.mark.parametrize("name", ["rung", "ladder", "evalset", "llm", "tuned_model"])
def test_fixtures_without_the_option_say_so(bench: Bench, name: str):
    bench.make(test=f"def test_it({name}): pass\n")

    ran = bench.run(ladder=False)

    assert ran.status == 1
    assert "need `pytest --ladder`" in ran.text


def test_fixtures_are_listed_with_what_they_are(bench: Bench):
    bench.make()

    text = bench.run("--fixtures", ladder=False).text

    for name in ("rung", "ladder", "evalset", "llm", "tuned_model"):
        assert f"\n{name} -- " in text
