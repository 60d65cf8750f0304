"""Conversations, and the tokenizer."""

from __future__ import annotations

import pytest
import trine
from conftest import FIXTURES

MESSAGES = [{"role": "user", "content": "Say a word."}]


@pytest.fixture(scope="module")
def talker() -> trine.Model:
    """A model with a chat template, and random weights."""
    return trine.Model(FIXTURES / "directories" / "llama")


def test_an_answer_has_the_form_of_openai(talker: trine.Model) -> None:
    answer = talker.chat(MESSAGES, max_tokens=12, seed=5)
    assert answer["object"] == "chat.completion"
    (choice,) = answer["choices"]
    assert choice["message"]["role"] == "assistant"
    assert answer["usage"]["completion_tokens"] <= 12
    events = list(talker.chat(MESSAGES, max_tokens=12, seed=5, stream=True))
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    deltas = [choice["delta"].get("content") or "" for event in events for choice in event["choices"]]
    assert "".join(deltas) == (choice["message"]["content"] or "")


def test_an_answer_is_what_is_generated_from_the_template(talker: trine.Model) -> None:
    ids = talker.tokenizer.apply_chat_template(MESSAGES)
    (found,) = talker.generate_batch([ids], max_tokens=12, seed=5)
    content = talker.chat(MESSAGES, max_tokens=12, seed=5)["choices"][0]["message"]["content"] or ""
    assert found.text.strip() == content.strip() and ids
    text = talker.tokenizer.apply_chat_template(MESSAGES, tokenize=False)
    assert "Say a word." in text
    assert text != talker.tokenizer.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=False)


def test_a_dropped_answer_leaves_room_for_the_next() -> None:
    talker = trine.Model(FIXTURES / "directories" / "llama", sequences=1)
    for seed in range(3):
        events = talker.chat(MESSAGES, max_tokens=40, seed=seed, ignore_eos=True, stream=True)
        assert next(iter(events))
        del events
    assert talker.chat(MESSAGES, max_tokens=2, seed=1)["choices"]


def test_what_cannot_be_answered_is_refused(model: trine.Model, talker: trine.Model) -> None:
    with pytest.raises(trine.TemplateError, match="no conversation is possible"):
        model.chat(MESSAGES)
    with pytest.raises(trine.TemplateError, match="no chat template"):
        model.tokenizer.apply_chat_template(MESSAGES)
    with pytest.raises(trine.TrineError, match="temperature"):
        talker.chat(MESSAGES, temperature="hot")
    with pytest.raises(trine.ContextFull, match="maximum context length"):
        talker.chat(MESSAGES, max_tokens=1 << 30)


def test_tokens_are_texts_and_back(model: trine.Model) -> None:
    tokenizer = model.tokenizer
    assert tokenizer.encode("Once upon a time") == [tokenizer.bos, *tokenizer.encode("Once upon a time", add_bos=False)]
    assert tokenizer.decode(tokenizer.encode("Lily's \u00e9t\u00e9 \U0001f642")) == "Lily's \u00e9t\u00e9 \U0001f642"
    assert tokenizer.decode([0], show_special=True) == "<|endoftext|>" == tokenizer.token(0)
    assert (tokenizer.id("<|endoftext|>"), tokenizer.id("no such token")) == (0, None)
    assert tokenizer.token(len(tokenizer)) is None
    assert tokenizer.encode("<|endoftext|>", add_bos=False, parse_special=False) != [0] == tokenizer.ends
    with pytest.raises(trine.TrineError):
        tokenizer.decode([1 << 20])
