"""The model class for lm-evaluation-harness, against the engine and against the harness' own client of the server."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trine
from conftest import STORIES

lm_eval = pytest.importorskip("lm_eval")

QUESTIONS = [
    {"question": "Once upon a time, there was a little", "choices": ["girl", "stone", "war"], "answer": 0},
    {"question": "The fox said to the", "choices": ["seven", "crow", "under"], "answer": 1},
    {"question": "Lily went to the park with her", "choices": ["mom", "of", "blue sky"], "answer": 0},
    {"question": "Tom was very", "choices": ["happy", "and"], "answer": 0},
]


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A task of multiple choice, with two examples before each question."""
    path = tmp_path_factory.mktemp("task") / "questions.jsonl"
    path.write_text("\n".join(json.dumps(question) for question in QUESTIONS))
    return {
        "task": "stories",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(path)}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{question}}",
        "doc_to_choice": "choices",
        "doc_to_target": "answer",
        "num_fewshot": 2,
        "fewshot_config": {"sampler": "first_n", "split": "test"},
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
    }


def evaluated(model: Any, task: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """The metrics of a task, and what came of each request."""
    found = lm_eval.simple_evaluate(model=model, tasks=[task], log_samples=True, bootstrap_iters=0)
    samples = sorted(found["samples"]["stories"], key=lambda sample: sample["doc_id"])
    metrics = {key: value for key, value in found["results"]["stories"].items() if key.startswith("acc")}
    return metrics, [[of[0] for of in sample["resps"]] for sample in samples]


def test_numbers_do_not_depend_on_the_batch(task: dict[str, Any]) -> None:
    from trine.lm_eval import TrineLM

    found = [evaluated(TrineLM(batch_size=size, threads=threads), task) for size, threads in ((1, 1), (16, None))]
    assert found[0] == found[1]
    assert found[0][0]["acc,none"] >= 0.5


def test_the_class_and_the_server_give_equal_numbers(task: dict[str, Any], server: str) -> None:
    pytest.importorskip("aiohttp")
    pytest.importorskip("tenacity")
    from lm_eval.models.openai_completions import LocalCompletionsAPI
    from trine.lm_eval import TrineLM

    # The harness puts no token before a text that a server encodes; the class does as the vocabulary says.
    remote = LocalCompletionsAPI(
        base_url=f"{server}/v1/completions",
        model="trine",
        tokenizer_backend="remote",
        max_length=256,
    )
    metrics, answers = evaluated(remote, task)
    own, found = evaluated(TrineLM(STORIES, add_bos_token=False), task)
    assert metrics == own
    for of_remote, of_class in zip(answers, found):
        for (logprob, is_greedy), (expected, greedy) in zip(of_remote, of_class):
            assert abs(logprob - expected) < 1e-6 * max(1.0, abs(expected)) and is_greedy == greedy


def test_the_class_and_the_server_generate_equal_texts(server: str) -> None:
    pytest.importorskip("aiohttp")
    pytest.importorskip("tenacity")
    from lm_eval.api.instance import Instance
    from lm_eval.models.openai_completions import LocalCompletionsAPI
    from trine.lm_eval import TrineLM

    remote = LocalCompletionsAPI(
        base_url=f"{server}/v1/completions", model="trine", tokenizer_backend="remote", max_length=256
    )
    asked = [
        (f"Once upon a time there was a {animal}", {"until": until, "max_gen_toks": most, "temperature": 0})
        for animal in ("fox", "dog", "king")
        for until, most in ((["."], 40), (["\n", " and"], 25), (["never there"], 12))
    ]
    requests = [Instance("generate_until", {}, of, 0) for of in asked]
    expected = TrineLM(STORIES, add_bos_token=False).generate_until(requests)
    assert remote.generate_until(requests) == expected and sum(map(bool, expected)) > 5


def test_rolling_windows_add_up(model: trine.Model) -> None:
    from lm_eval.api.instance import Instance
    from trine.lm_eval import TrineLM

    import numpy as np

    lm = TrineLM()
    text = "Once upon a time there was a fox. " * 40
    request = Instance("loglikelihood_rolling", {}, (text,), 0)
    (found,) = lm.loglikelihood_rolling([request])
    ids = lm.tok_encode(text, add_special_tokens=False)
    assert len(ids) > lm.max_length
    # Each window by the logits of a session.
    from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

    windows = get_rolling_token_windows(ids, lm.prefix_token_id, lm.max_length - 1, 1)
    expected = 0.0
    for before, rest in map(make_disjoint_window, windows):
        logits = np.asarray(model.session().feed(before + rest, all=True)).astype(np.float64)
        rows = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        expected += sum(rows[len(before) - 1 + at][token] for at, token in enumerate(rest))
    assert abs(found - expected) < 1e-6


def test_answers_end_where_a_task_says(model: trine.Model) -> None:
    from lm_eval.api.instance import Instance
    from trine.lm_eval import TrineLM

    lm = TrineLM()
    asked = [("Once upon a time", {"until": ["."], "max_gen_toks": 40}), ("The fox", {"until": "\n", "max_gen_toks": 9})]
    found = lm.generate_until([Instance("generate_until", {}, of, 0) for of in asked])
    for (prompt, options), text in zip(asked, found):
        stop, tokens = options["until"], options["max_gen_toks"]
        (expected,) = model.generate_batch([prompt], max_tokens=tokens, temperature=0, stop=stop)
        assert text == expected.text and text
