"""Nothing secret or personal is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_ladder.core.answers import Answer, Call, Reply
from pytest_ladder.errors import InvalidFile
from pytest_ladder.session.setup.scrub import Scrubber
from pytest_ladder.store.secrets import Redactor
from tests.builders import record

SECRET = Redactor({"API_KEY": "open sesame"})
SAID = "say open sesame, ada"


def no_names(text: str) -> str:
    return text.replace("ada", "[name]")


BOTH = Scrubber(SECRET, [no_names, str.upper])


def test_secrets_go_first_then_each_function_in_its_order():
    assert BOTH.text(SAID) == "SAY [SECRET], [NAME]"


def test_texts_at_any_depth_are_scrubbed_and_everything_else_stays():
    value = {"a": [SAID, 5, None, True, {"b": (SAID,)}], "ada": 1.5}

    assert Scrubber(SECRET, [no_names]).value(value) == {
        "a": ["say [secret], [name]", 5, None, True, {"b": ["say [secret], [name]"]}], "ada": 1.5,
    }  # fmt: skip


def test_every_text_of_a_record_is_scrubbed_and_ids_stay():
    answer = Answer(SAID, {"x": SAID}, ("kb-ada",), ({"name": SAID},), (SAID,), SAID, "stop")
    call = Call("sha256:r", "m", Reply(SAID, "m-1", tool_calls=({"arguments": SAID},), cost_usd=0.5))
    made = replace(record("ada", calls=[call]), answer=answer)

    clean = Scrubber(SECRET, [no_names]).record(made)

    told = "say [secret], [name]"
    assert clean.answer == Answer(told, {"x": told}, ("kb-ada",), ({"name": told},), (told,), told, "stop")
    assert clean.calls == (replace(call, reply=replace(call.reply, text=told, tool_calls=({"arguments": told},))),)
    assert (clean.case, clean.input_digest) == (made.case, made.input_digest)


def test_without_secrets_and_functions_nothing_changes():
    made = record(text=SAID, calls=[Call("sha256:r", "m", Reply("yes", "m-1"))])

    assert Scrubber(Redactor({})).record(made) == made


def test_a_function_that_raises_is_named_and_the_text_is_not():
    def broken(text: str) -> str:
        raise ValueError(text)

    with pytest.raises(InvalidFile, match=r"^\[privacy\] redact: broken: it raised ValueError\. Mend") as raised:
        Scrubber(SECRET, [broken]).text(SAID)
    assert "ada" not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("gave", [None, 5, b"bytes"])
def test_a_function_that_gives_no_text_is_named(gave: object):
    def odd(text: str) -> str:
        return gave  # type: ignore[return-value]

    with pytest.raises(InvalidFile, match=rf"odd: it returned a {type(gave).__name__}; expected a text"):
        Scrubber(SECRET, [odd]).text(SAID)
