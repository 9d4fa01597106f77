"""The example's real model, run in this process."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pytest_ladder.backends import generation
from pytest_ladder.backends.models import build_model
from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.ports import Model
from pytest_ladder.errors import InvalidRequest, ModelFailed

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.skipif(not (find_spec("torch") and find_spec("transformers")), reason="needs the extra `local`"),
]

EXAMPLE = Path(__file__).parents[2] / "examples/model"
NAME = "local:checkpoint"
QUESTIONS = [
    "Is the lamp red?", "How do I send the oven back?", "What is the price?", "My order is late, can you help me?",
    "The kettle that I bought came broken and I would like to have my money back, please.", "Hello",
]  # fmt: skip


def local(folder: Path = EXAMPLE, name: str = NAME, **options: Any) -> Model:
    def no_function(_: str) -> Callable[..., Any]:
        raise AssertionError("a local model loads no function")

    return build_model(name, load_function=no_function, folder=folder, device="cpu", **options)


def request(content: str, *, repeat: int = 0, seed: int = 0, **options: Any) -> Request:
    messages = ({"role": "system", "content": "Answer the question."}, {"role": "user", "content": content})
    return Request(NAME, messages, {"max_tokens": 24, **options}, seed, repeat)


def together(model: Model, *requests: Request) -> list[Reply]:
    async def main() -> list[Reply]:
        return await asyncio.gather(*(model.complete(one) for one in requests))

    return asyncio.run(main())


def one_by_one(model: Model, *requests: Request) -> list[Reply]:
    return [together(model, one)[0] for one in requests]


def spoken(replies: list[Reply]) -> list[tuple[str, str, int, int]]:
    return [(reply.text, reply.finish_reason, reply.prompt_tokens, reply.completion_tokens) for reply in replies]


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    made = local()
    yield made
    made.close()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A copy of the checkpoint, to be spoilt."""
    return Path(shutil.copytree(EXAMPLE / "checkpoint", tmp_path / "checkpoint"))


@pytest.fixture
def learned_positions(tmp_path: Path) -> Path:
    """An untrained model of 64 learned positions, which fails on any position beyond them; it never ends by itself."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path / "checkpoint"
    torch_state = torch.random.get_rng_state()
    torch.manual_seed(3)
    config = GPT2Config(
        vocab_size=975, n_positions=64, n_embd=16, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=974, pad_token_id=0
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    torch.random.set_rng_state(torch_state)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(EXAMPLE / "checkpoint" / name, folder / name)
    return folder


def test_answers_in_a_batch_are_those_given_one_by_one(model):
    requests = [request(content) for content in QUESTIONS * 2]
    assert spoken(together(model, *requests)) == spoken(one_by_one(model, *requests))


def test_a_reply_names_the_weights_and_counts_its_tokens(model):
    (reply,) = together(model, request("Is the lamp red?"))
    name, _, digest = reply.model_returned.partition("@")
    assert name == NAME
    assert len(digest) == 12
    assert 0 < reply.completion_tokens <= 24
    assert reply.prompt_tokens > 5
    assert (reply.cost_usd, reply.retries) == (0.0, 0)
    assert reply.latency_s > 0


def test_an_answer_that_reaches_its_end_stops_and_one_that_is_cut_says_so(model):
    (whole,) = together(model, request("Hello", max_tokens=100))
    (cut,) = together(model, request("Hello", max_tokens=1))
    assert whole.finish_reason == "stop"
    assert "<|" not in whole.text
    assert (cut.finish_reason, cut.completion_tokens) == ("length", 1)
    assert whole.text.startswith(cut.text)


def test_a_stop_text_ends_the_answer_and_is_not_part_of_it(model):
    (whole,) = together(model, request("Is the lamp red?"))
    stop = whole.text[len(whole.text) // 2 :][:2]
    cut, other = together(model, request("Is the lamp red?", stop=["never said", stop]), request("Hello"))
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.finish_reason == "stop"
    assert cut.completion_tokens < whole.completion_tokens
    assert spoken([other]) == spoken(together(model, request("Hello")))


def test_requests_of_different_lengths_ride_together(model):
    budgets = [1, 24, 3, 7]
    mixed = [request(content, max_tokens=budget) for content, budget in zip(QUESTIONS, budgets, strict=False)]
    assert spoken(together(model, *mixed)) == spoken(one_by_one(model, *mixed))


def test_the_same_sample_comes_again_and_another_repeat_or_seed_is_another_sample(model):
    def ask(**parts: int) -> Request:
        return request("Is the lamp red?", temperature=3.0, **parts)

    asked = [ask(repeat=repeat) for repeat in range(4)] + [ask(seed=9)]
    first, second = together(model, *asked), one_by_one(model, *reversed(asked))
    assert spoken(first) == spoken(list(reversed(second)))
    assert len({reply.text for reply in first}) > 1


def test_sampling_leaves_the_process_generator_alone(model):
    import torch

    before = torch.random.get_rng_state()
    together(model, request("Hello", temperature=1.0))
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_prompt_that_does_not_fit_is_told_with_its_length_and_fails_alone(model):
    async def main() -> list[Reply | BaseException]:
        asked = [request("Hello"), request("lamp " * 400)]
        return await asyncio.gather(*(model.complete(one) for one in asked), return_exceptions=True)

    fits, long = asyncio.run(main())
    assert isinstance(fits, Reply)
    assert isinstance(long, ModelFailed)
    assert "expected fewer than 256" in str(long)


def test_the_last_turn_of_the_assistant_is_continued(model):
    (whole,) = together(model, request("Is the lamp red?"))
    start = whole.text.split()[0]
    messages = (*request("Is the lamp red?").messages, {"role": "assistant", "content": start})
    (rest,) = together(model, Request(NAME, messages, {"max_tokens": 24}))
    assert rest.finish_reason == "stop"
    assert not rest.text.startswith(whole.text)


def test_an_unknown_option_is_refused_with_the_nearest_name(model):
    with pytest.raises(InvalidRequest, match="Did you mean `temperature`"):
        together(model, request("Hello", temprature=0.5))


def test_a_model_can_be_used_again_after_it_was_closed():
    model = local()
    before = together(model, request("Hello"))
    model.close()
    model.close()
    assert spoken(together(model, request("Hello"))) == spoken(before)
    model.close()


def test_positions_beyond_the_models_last_are_never_computed(learned_positions):
    model = local(learned_positions.parent)
    asked = [request("lamp " * words, max_tokens=200) for words in (1, 3, 9, 20)]
    replies = together(model, *asked)
    model.close()
    assert [reply.finish_reason for reply in replies] == ["length"] * 4
    assert {reply.prompt_tokens + reply.completion_tokens for reply in replies} == {64}
    alone = local(learned_positions.parent, batch_size=1)
    assert spoken(together(alone, *asked)) == spoken(replies)
    alone.close()


def test_a_batch_too_large_for_the_memory_is_tried_in_halves(model, monkeypatch):
    import torch

    sizes, grow = [], generation._grow

    def scarce(checkpoint, rows, *rest):
        sizes.append(len(rows))
        if len(rows) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return grow(checkpoint, rows, *rest)

    requests = [request(content) for content in QUESTIONS]
    expected = spoken(one_by_one(model, *requests))
    monkeypatch.setattr(generation, "_grow", scarce)
    assert spoken(together(model, *requests)) == expected
    assert max(sizes) > 2


def test_a_single_request_too_large_for_the_memory_fails(model, monkeypatch):
    def none(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr(generation, "_grow", none)
    with pytest.raises(ModelFailed, match="does not fit into memory"):
        together(model, request("Hello"))


def test_a_generation_that_fails_fails_its_requests_and_no_others(model, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(generation, "_grow", lambda *_: 1 / 0)
        with pytest.raises(ModelFailed, match=r"the generation failed \(ZeroDivisionError"):
            together(model, request("Hello"))
    assert together(model, request("Hello"))[0].text


def test_messages_that_the_chat_template_cannot_take_fail(model):
    with pytest.raises(ModelFailed, match="the chat template refuses the messages"):
        together(model, Request(NAME, ({"content": "no role"},)))


def test_a_local_folder_is_loaded_quietly_and_without_the_network(monkeypatch, capfd):
    import transformers

    def refuse(*_: object) -> None:
        raise AssertionError("a local folder needs no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    state = transformers.utils.logging.get_verbosity(), transformers.utils.logging.is_progress_bar_enabled()
    model = local()
    assert together(model, request("Hello"))[0].text
    model.close()
    assert capfd.readouterr() == ("", "")
    assert state == (transformers.utils.logging.get_verbosity(), transformers.utils.logging.is_progress_bar_enabled())


def test_the_name_says_which_weights_answered(checkpoint):
    import safetensors.torch

    before = local(checkpoint.parent)
    weights = safetensors.torch.load_file(checkpoint / "model.safetensors")
    first = next(iter(weights))
    answered = together(before, request("Hello"))[0].model_returned
    before.close()
    safetensors.torch.save_file(
        {**weights, first: weights[first] * 1.01}, checkpoint / "model.safetensors", {"format": "pt"}
    )
    after = local(checkpoint.parent)
    assert together(after, request("Hello"))[0].model_returned != answered
    after.close()


def test_a_checkpoint_without_a_chat_template_is_refused(checkpoint):
    (checkpoint / "chat_template.jinja").unlink()
    model = local(checkpoint.parent)
    for _ in range(2):
        with pytest.raises(InvalidRequest, match="it has no chat template"):
            together(model, request("Hello"))
    model.close()


def test_a_folder_that_holds_no_model_is_refused(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(InvalidRequest, match="there are no weights in this folder"):
        local(tmp_path)

    (tmp_path / "checkpoint" / "model.safetensors").write_bytes(b"no weights")
    model = local(tmp_path)
    with pytest.raises(InvalidRequest, match="the model cannot be loaded"):
        together(model, request("Hello"))
    model.close()


@pytest.mark.parametrize(
    ("name", "options", "part"),
    [
        ("local:./nowhere", {}, "there is no such folder"),
        ("local:a/b/c", {}, "there is no such folder"),
        (NAME, {"dtype": "float8"}, "`dtype` is not known, got 'float8'; expected float32"),
        (NAME, {"threads": 0}, "`threads` is too small"),
        (NAME, {"batch_size": 0}, "`batch_size` is too small"),
        (NAME, {"adapter": EXAMPLE / "checkpoint"}, "no adapter in this folder"),
    ],
)
def test_what_can_be_checked_is_checked_before_anything_is_loaded(name, options, part):
    with pytest.raises(InvalidRequest, match=part):
        local(EXAMPLE, name, **options)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
@pytest.mark.skipif(not find_spec("peft"), reason="needs the extra `finetune`")
def test_an_adapter_is_merged_into_the_model_and_its_name(model, tmp_path):
    adapter = tmp_path / "adapter"
    expected = adapted(adapter, [request(content) for content in QUESTIONS])
    tuned = local(adapter=adapter)
    replies = together(tuned, *(request(content) for content in QUESTIONS))
    tuned.close()
    plain = together(model, *(request(content) for content in QUESTIONS))
    assert [reply.text.strip() for reply in replies] == expected
    assert expected != [reply.text.strip() for reply in plain]
    assert {reply.model_returned for reply in replies}.isdisjoint({reply.model_returned for reply in plain})


@pytest.mark.skipif(not find_spec("peft"), reason="needs the extra `finetune`")
def test_an_adapter_is_loaded_where_warnings_are_errors(model, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adapted(tmp_path / "adapter", [])
    tuned = local(adapter=tmp_path / "adapter")
    assert together(tuned, request("Hello"))[0].model_returned.startswith(NAME)
    tuned.close()


def adapted(folder: Path, requests: list[Request]) -> list[str]:
    """Write an adapter of random weights, and say what peft itself answers with it, unmerged and one by one."""
    import peft
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(EXAMPLE / "checkpoint")
    base = AutoModelForCausalLM.from_pretrained(EXAMPLE / "checkpoint", dtype=torch.float32)
    generator = torch.Generator().manual_seed(5)
    tuned = peft.get_peft_model(base, peft.LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, weight in tuned.named_parameters():
        if "lora_" in name:
            weight.data = torch.randn(weight.shape, generator=generator) * 0.2
    tuned.save_pretrained(folder)
    answers = []
    for one in requests:
        text = tokenizer.apply_chat_template([*one.messages], tokenize=False, add_generation_prompt=True)
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        out = tuned.eval().generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False
        )
        answers.append(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip())
    return answers


IN_A_PROCESS = """
import asyncio, sys
from pathlib import Path
from pytest_ladder.backends.models import build_model
from pytest_ladder.core.answers import Request
name, folder, wait = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
model = build_model(name, load_function=len, folder=folder, device="cpu")
def ask(tokens):
    return model.complete(Request(name, ({"role": "user", "content": "Hello"},), {"max_tokens": tokens}))
print(asyncio.run(ask(2)).model_returned)
try:
    asyncio.run(asyncio.wait_for(ask(10**9), wait))
except TimeoutError:
    print("gave up")
"""


def in_a_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", IN_A_PROCESS, *arguments],
        capture_output=True, text=True, timeout=240, check=False, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.slow
def test_a_process_ends_in_the_middle_of_a_generation(learned_positions):
    config = learned_positions / "config.json"
    text = config.read_text(encoding="utf-8").replace('"n_positions": 64', '"n_positions": 100000')
    grown = config.parent / "config.json"
    grown.write_text(text, encoding="utf-8")
    regrow(learned_positions)
    done = in_a_process(NAME, str(learned_positions.parent), "0.5")
    assert done.stdout.endswith("gave up\n")
    assert (done.returncode, done.stderr) == (0, "")


def regrow(folder: Path) -> None:
    """Give the untrained model as many positions as its configuration says now."""
    from transformers import AutoConfig, GPT2LMHeadModel

    GPT2LMHeadModel(AutoConfig.from_pretrained(folder)).save_pretrained(folder)


@pytest.mark.slow
def test_a_hub_id_is_served_from_the_cache_under_the_same_digest(model, tmp_path):
    repository = tmp_path / "hub/models--someone--tiny"
    shutil.copytree(EXAMPLE / "checkpoint", repository / "snapshots/0123")
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("0123", encoding="utf-8")
    done = in_a_process("local:someone/tiny", str(tmp_path), "60", HF_HOME=str(tmp_path), HF_HUB_OFFLINE="1")
    digest = together(model, request("Hello"))[0].model_returned.partition("@")[2]
    assert (done.stdout, done.returncode, done.stderr) == (f"local:someone/tiny@{digest}\n", 0, "")
