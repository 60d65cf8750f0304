"""A model class for lm-evaluation-harness: `lm_eval --model trine --model_args path=model.gguf`.

    python -m trine.lm_eval --model trine --model_args path=model.gguf --tasks arc_easy

It asks the engine in one process, all requests of a task at once: what prompts have in common is computed once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.api.registry import register_model
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from . import ContextFull, Model, TrineError

_OPTIONS = {"temperature", "top_k", "top_p", "min_p", "repetition_penalty", "frequency_penalty", "presence_penalty"}


@register_model("trine")
class TrineLM(TemplateLM):  # type: ignore[misc]
    """A model of Trine. `path` is a file or directory; `embedded` without one. Further arguments are those of `Model`;
    `max_gen_toks` is the most tokens of an answer where a task does not say it, `seed` that of drawn tokens, and
    `add_bos_token` whether texts begin with the token that begins one, where the vocabulary is not to decide it."""

    def __init__(
        self,
        path: str | None = None,
        batch_size: int | str = 16,
        max_batch_size: int | None = None,
        device: str | None = None,
        max_gen_toks: int = 256,
        add_bos_token: bool | None = None,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__()
        if device not in (None, "cpu"):
            raise TrineError(f"device is {device!r}: Trine runs on the CPU")
        batch = int(batch_size) if str(batch_size).isdigit() else 16
        sizes: dict[str, Any] = {"batch": batch, **{key: _number(value) for key, value in options.items()}}
        if path is None:
            from . import embedded

            self.model = embedded(**sizes)
        else:
            self.model = Model(path, **sizes)
        self.max_gen_toks = int(max_gen_toks)
        self._seed = int(seed)
        self._adds_bos = add_bos_token

    @property
    def eot_token_id(self) -> int:
        """The token that ends a text."""
        tokenizer = self.model.tokenizer
        end = tokenizer.eos if tokenizer.eos is not None else tokenizer.bos
        if end is None:
            raise TrineError("the vocabulary has no token that ends a text, which lm-eval asks for")
        return end

    @property
    def prefix_token_id(self) -> int:
        """The token before a text without a context."""
        bos = self.model.tokenizer.bos
        return self.eot_token_id if bos is None else bos

    @property
    def max_length(self) -> int:
        """Most tokens of a sequence."""
        return self.model.context

    @property
    def tokenizer_name(self) -> str:
        """What caches of requests are named by."""
        return f"trine-{self.model.name}-{len(self.model.tokenizer)}".replace("/", "__")

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        """The ids of a text, with the token that begins one unless that is not wanted."""
        wanted = add_special_tokens if self._adds_bos is None else self._adds_bos
        return self.model.tokenizer.encode(string, add_bos=wanted is not False)

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """The text of a conversation."""
        return self.model.tokenizer.apply_chat_template(
            chat_history, tokenize=False, add_generation_prompt=add_generation_prompt
        )

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The chat template, by which results are told apart."""
        return self.model.tokenizer.chat_template if chat_template else None

    def _loglikelihood_tokens(
        self,
        requests: Sequence[tuple[tuple[str, str] | None, list[int], list[int]]],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
    ) -> list[tuple[float, bool]]:
        """The log-likelihood of each continuation, in nats, and whether greedy decoding would choose it. Contexts lose
        tokens at their beginning where they do not fit."""
        prompts, continuations = [], []
        for _, context, continuation in requests:
            if len(continuation) >= self.max_length:
                raise ContextFull(f"a continuation has {len(continuation)} tokens, the context {self.max_length}")
            kept = self.max_length - len(continuation)
            prompts.append((context or [self.prefix_token_id])[-kept:])
            continuations.append(continuation)
        scores = [(score.logprob, score.is_greedy) for score in self.model.score(prompts, continuations)]
        for (key, _, _), score in zip(requests, scores):
            if key is not None:
                self.cache_hook.add_partial("loglikelihood", key, score)
        return scores

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """The log-likelihood of whole texts, in nats, in windows of the context's length."""
        found = []
        for (text,) in (request.args for request in requests):
            windows = get_rolling_token_windows(
                token_list=self.tok_encode(text, add_special_tokens=False),
                prefix_token=self.prefix_token_id,
                max_seq_len=self.max_length - 1,
                context_len=1,
            )
            pairs = [(None, *window) for window in map(make_disjoint_window, windows)]
            found.append(sum(logprob for logprob, _ in self._loglikelihood_tokens(pairs)))
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), found[-1])
        return found

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Answers up to the texts that a task names. All of one kind are generated together."""
        found: dict[int, str] = {}
        groups: dict[str, list[int]] = {}
        for at, request in enumerate(requests):
            groups.setdefault(repr(sorted(request.args[1].items())), []).append(at)
        for places in groups.values():
            asked = dict(requests[places[0]].args[1])
            until = asked.pop("until", None) or []
            tokens = int(asked.pop("max_gen_toks", self.max_gen_toks))
            is_drawn = asked.pop("do_sample", float(asked.get("temperature") or 0.0) > 0.0)
            options = {key: value for key, value in asked.items() if key in _OPTIONS and value is not None}
            if not is_drawn:
                options["temperature"] = 0.0
            kept = max(self.max_length - tokens, 1)
            prompts = [self.tok_encode(requests[at].args[0])[-kept:] for at in places]
            stop = [until] if isinstance(until, str) else list(until)
            texts = self.model.generate_batch(
                prompts, max_tokens=min(tokens, self.max_length - 1), stop=stop, seed=self._seed, **options
            )
            for at, text in zip(places, texts):
                found[at] = text.text
                self.cache_hook.add_partial("generate_until", requests[at].args, text.text)
        return [found[at] for at in range(len(requests))]


def _number(value: Any) -> Any:
    """A number that an argument of the command line has as a text."""
    return int(value) if isinstance(value, str) and value.isdigit() else value


def main() -> None:
    """The command `lm_eval` with this model class."""
    from lm_eval.__main__ import cli_evaluate

    cli_evaluate()


if __name__ == "__main__":
    sys.exit(main())
