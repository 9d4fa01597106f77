"""The small model of the examples: its vocabulary, its chats, and that its training can be repeated."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from random import Random

import pytest
from jinja2 import Template

ROOT = Path(__file__).parents[2]
CHECKPOINT = ROOT / "examples/model/checkpoint"


@pytest.fixture(scope="module")
def model():
    """Import a module of examples/model by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield lambda name: import_module(f"examples.model.{name}")


def run(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", f"examples.model.{module}", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_the_language_still_has_the_vocabulary_of_the_checkpoint(model):
    machine = json.loads((CHECKPOINT / "tokenizer.json").read_text(encoding="utf-8"))

    assert model("tokenizer").vocabulary() == machine["model"]["vocab"]


def test_training_text_is_what_the_chat_template_renders(model):
    template = Template((CHECKPOINT / "chat_template.jinja").read_text(encoding="utf-8"))
    messages = [("system", "Follow the examples."), ("user", "Message: hello"), ("assistant", "# heron !")]

    rendered = template.render(bos_token="<|bos|>", messages=[{"role": r, "content": c} for r, c in messages])

    assert model("sequences").render(messages) == rendered


def test_the_same_seed_draws_the_same_chats(model):
    draw = model("sequences").draw_chat

    assert [draw(Random(3)) for _ in range(5)] == [draw(Random(3)) for _ in range(5)]


def test_every_turn_of_the_assistant_is_marked_as_counted_or_not(model):
    rng = Random(0)
    for _ in range(500):
        chat = model("sequences").draw_chat(rng)

        assert len(chat.counted) == sum(role == "assistant" for role, _ in chat.messages)


def test_a_fact_is_answered_from_its_article_or_not_at_all(model):
    rng, sequences = Random(1), model("sequences")
    for _ in range(300):
        chat = sequences.facts_chat(rng, sequences.FULL)
        asked = next(text for role, text in chat.messages if role == "user")
        answers = [text for role, text in chat.messages if role == "assistant"]

        assert all(answer in asked or answer == model("world").ABSTENTION for answer in answers)


@pytest.mark.slow
@pytest.mark.real_model
def test_training_again_gives_the_same_weights(tmp_path):
    pytest.importorskip("torch")
    for name in ("one", "two"):
        run("train", "--steps", "3", "--out", str(tmp_path / name))

    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    tokenizer = (tmp_path / "one/tokenizer.json").read_bytes()
    assert tokenizer == (CHECKPOINT / "tokenizer.json").read_bytes()


@pytest.mark.slow
@pytest.mark.real_model
def test_an_adapter_is_trained_on_chats(tmp_path):
    pytest.importorskip("peft")
    chats = (ROOT / "examples/house_style/train.jsonl").read_text(encoding="utf-8").splitlines()[:32]
    (tmp_path / "train.jsonl").write_text("\n".join(chats), encoding="utf-8")

    told = run("lora", "--train", str(tmp_path / "train.jsonl"), "--epochs", "3", "--out", str(tmp_path / "adapter"))

    assert told.startswith("32 chats, last loss ")
    assert (tmp_path / "adapter/adapter_model.safetensors").stat().st_size > 100_000
