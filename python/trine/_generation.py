"""Texts that a model generates: what is asked for, and what comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from ._trine import Choices, Event

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class GenerateOptions(TypedDict, total=False):
    """How tokens are drawn, and when a text ends. What is not given is as the publisher of the model says, or else as
    the `trine` command has it."""

    max_tokens: int | None
    """Most tokens; by default 256, or as many as the context leaves."""
    temperature: float | None
    """Logits are divided by it before the draw; 0 is greedy."""
    top_k: int | None
    """Keep so many of the highest logits; 0 keeps all."""
    top_p: float | None
    """Keep the likeliest tokens whose probabilities together reach this; 1 keeps all."""
    min_p: float | None
    """Keep tokens with at least this fraction of the highest probability; 0 keeps all."""
    repetition_penalty: float
    """Positive logits of the last 64 tokens are divided by it, others multiplied; 1 changes nothing."""
    frequency_penalty: float
    """Taken from the logit of a token as often as it occurs among the last 64."""
    presence_penalty: float
    """Taken from the logit of a token once where it occurs among the last 64."""
    logit_bias: Mapping[int, float]
    """Added to the logits of some tokens."""
    seed: int | None
    """The draws are a function of it, 0 to 2^64 - 1; by default of a random one, which the result names."""
    stop: str | Sequence[str]
    """Texts that end the text; they are no part of it."""
    stop_ids: Sequence[int]
    """Tokens that end the text, besides those of the vocabulary."""
    ignore_eos: bool
    """Whether the tokens of the vocabulary that end a text do not end it."""
    logprobs: int | None
    """Report the log-probability of each token, and of so many of the likeliest."""


class Usage(NamedTuple):
    """How many tokens a text took."""

    prompt_tokens: int
    """Those of the prompt."""
    cached_tokens: int
    """Those of the prompt that were not computed, as they were before."""
    generated_tokens: int
    """Those of the text."""


class Logprobs(NamedTuple):
    """Log-probabilities in nats, at temperature 1 and before any filter."""

    token: int
    """The token that was chosen."""
    logprob: float
    """Its log-probability."""
    likeliest: list[tuple[int, float]]
    """The likeliest tokens and their log-probabilities."""


class Score(NamedTuple):
    """How likely a continuation is."""

    logprob: float
    """The sum of the log-probabilities of its tokens, in nats."""
    is_greedy: bool
    """Whether greedy decoding would choose each of its tokens."""


class Generated:
    """A text, as far as it has come."""

    __slots__ = ("_cached", "_prompt_tokens", "ended_by", "finish", "logprobs", "seed", "text", "tokens")

    def __init__(self, prompt_tokens: int, seed: int) -> None:
        self._prompt_tokens = prompt_tokens
        self._cached = 0
        self.text = ""
        """The text."""
        self.tokens: list[int] = []
        """Its tokens, without one that ended it."""
        self.logprobs: list[Logprobs] = []
        """Those of its tokens, where they were asked for."""
        self.finish: str | None = None
        """Why it ended: `token`, `stop_text`, `max_tokens`, `context_full`, or `cancelled`; none before that."""
        self.ended_by: int | str | None = None
        """The token or the stop text that ended it."""
        self.seed = seed
        """What its draws are a function of."""

    @property
    def usage(self) -> Usage:
        """How many tokens it took so far."""
        return Usage(self._prompt_tokens, self._cached, len(self.tokens))

    def _take(self, event: Event) -> str:
        """Takes what has happened; the text that is complete with it."""
        if event.kind == "started":
            self._cached = event.cached
        if event.token is not None:
            self.tokens.append(event.token)
        if event.logprobs is not None:
            (token, logprob), likeliest = event.logprobs
            self.logprobs.append(Logprobs(token, logprob, likeliest))
        if event.finish is not None:
            self.finish = event.finish
            self.ended_by = event.ended_by_text if event.ended_by_token is None else event.ended_by_token
        self.text += event.text
        return event.text

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.text!r}, finish {self.finish!r}>"


class Generation(Generated, Iterator[str]):
    """A text that is being generated: an iterator over its pieces, which together are `text`.

    Waiting for a piece leaves the interpreter to other threads, and Ctrl-C ends it. Where the iterator is dropped, what
    is left of the text is not generated.

    >>> import trine
    >>> story = trine.embedded().generate("Once upon a time", max_tokens=3, temperature=0)
    >>> for piece in story:
    ...     pass
    >>> story.text, story.finish, story.usage.generated_tokens
    (', there was', 'max_tokens', 3)
    """

    __slots__ = ("_choices",)

    def __init__(self, choices: Choices, prompt_tokens: int, seed: int) -> None:
        super().__init__(prompt_tokens, seed)
        self._choices = choices

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        while (event := self._choices.next()) is not None:
            if text := self._take(event):
                return text
        raise StopIteration

    def cancel(self) -> None:
        """Ends the text where it is."""
        self._choices.cancel()
        self.finish = self.finish or "cancelled"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()


class AsyncGeneration(Generated, AsyncIterator[str]):
    """A text that is being generated: an iterator over its pieces for `async for`, in an event loop of asyncio.

    No thread waits for a piece: the loop is told when there is one. Where the iterator is dropped, or its task is
    cancelled, what is left of the text is not generated.
    """

    __slots__ = ("_choices", "_ready")

    def __init__(self, choices: Choices, prompt_tokens: int, seed: int) -> None:
        import asyncio

        super().__init__(prompt_tokens, seed)
        self._choices = choices
        self._ready = asyncio.Event()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        import asyncio
        from functools import partial

        call = partial(asyncio.get_running_loop().call_soon_threadsafe, self._ready.set)
        is_more = True
        while is_more:
            self._ready.clear()
            event, is_more = self._choices.poll(call)
            if event is not None:
                if text := self._take(event):
                    return text
            elif is_more:
                await self._ready.wait()
        raise StopAsyncIteration

    def cancel(self) -> None:
        """Ends the text where it is."""
        self._choices.cancel()
        self.finish = self.finish or "cancelled"
