"""An opened model: what it is asked, and how."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from ._array import Array
from ._generation import AsyncGeneration, Generated, GenerateOptions, Generation, Score
from ._session import Session
from ._shapes import Shapes
from ._tokenizer import Tokenizer
from ._trace import Trace
from ._trine import Answer, ContextFull, Engine, TemplateError, TrineError

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

Prompt = str | Sequence[int]


class Model:
    """A model, opened from a GGUF file or from a directory as HF transformers saves models.

    One thread runs it. All that threads and coroutines ask of it takes part in the same steps, and nobody gets other
    tokens for that. A process that was forked has no such thread: it is refused, and opens a model of its own.

    `threads`: of arithmetic, by default one for each physical core. `kv`: the type of cached keys and values, `f16`,
    `f32` or `q8`. `context`: most tokens of a sequence, by default 4096 or what the model was trained for. `sequences`:
    how many sequences of that length there is memory for. `batch`: most sequences that take a step together. `mmap`:
    whether files are mapped or read. `quantize`: `absmean` makes float masters ternary, as they were trained.
    """

    __slots__ = ("__weakref__", "_engine", "_facts")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        threads: int | None = None,
        kv: Literal["f16", "f32", "q8"] = "f16",
        context: int | None = None,
        sequences: int = 8,
        batch: int = 16,
        mmap: bool = True,
        quantize: Literal["absmean"] | None = None,
    ) -> None:
        self._open(path, threads, kv, context, sequences, batch, mmap, quantize)

    def _open(
        self,
        path: str | os.PathLike[str] | None,
        threads: int | None,
        kv: str,
        context: int | None,
        sequences: int,
        batch: int,
        mmap: bool,
        quantize: str | None,
    ) -> None:
        options = {
            "threads": threads,
            "kv": kv,
            "context": context,
            "sequences": sequences,
            "batch": batch,
            "mmap": mmap,
            "quantize": quantize,
        }
        self._engine = Engine.open(path, options)
        self._facts: dict[str, Any] = self._engine.facts()

    @classmethod
    def _embedded(cls, threads: int | None, kv: str, sequences: int, batch: int) -> Self:
        model = cls.__new__(cls)
        model._open(None, threads, kv, None, sequences, batch, True, None)
        return model

    @property
    def name(self) -> str | None:
        """The name of the model, as its file has it."""
        name: str | None = self._facts["name"]
        return name

    @property
    def architecture(self) -> str:
        """The architecture, such as `bitnet-b1.58`."""
        return str(self._facts["architecture"])

    @property
    def context(self) -> int:
        """Most tokens of a sequence."""
        return int(self._facts["context"])

    @property
    def pooling(self) -> Literal["last", "mean"] | None:
        """Which row stands for a text, where the file says it: that of the last token, or the mean of all. A model with
        one makes embeddings (`embed`) and generates no text."""
        pooling: Literal["last", "mean"] | None = self._facts["pooling"]
        return pooling

    @property
    def warnings(self) -> list[str]:
        """What was noticed while it was opened."""
        return list(self._facts["warnings"])

    @property
    def shapes(self) -> Shapes:
        """The lengths of its axes by their names."""
        return Shapes(dict(self._facts["axes"]))

    @property
    def tokenizer(self) -> Tokenizer:
        """Its tokenizer."""
        return Tokenizer(self._engine, self._facts)

    def _ids(self, prompt: Prompt) -> list[int]:
        return self._engine.encode(prompt, True, True) if isinstance(prompt, str) else list(prompt)

    def generate(self, prompt: Prompt, **options: Unpack[GenerateOptions]) -> Generation:
        """Continues a text, or tokens: an iterator over the pieces of what follows.

        >>> import trine
        >>> model = trine.embedded()
        >>> same = [list(model.generate("The fox", max_tokens=9, seed=7)) for _ in range(2)]
        >>> same[0] == same[1]
        True
        """
        ids, given = self._ids(prompt), _given(options)
        return Generation(self._engine.generate([ids], given, None), len(ids), given["seed"])

    def agenerate(self, prompt: Prompt, **options: Unpack[GenerateOptions]) -> AsyncGeneration:
        """As `generate`, for `async for`: no thread waits for the pieces."""
        ids, given = self._ids(prompt), _given(options)
        return AsyncGeneration(self._engine.generate([ids], given, None), len(ids), given["seed"])

    def generate_batch(self, prompts: Sequence[Prompt], **options: Unpack[GenerateOptions]) -> list[Generated]:
        """Continues many texts together, which is much faster than one after the other. The results are in the order of
        the prompts, and each is what `generate` makes of its prompt with the same options.

        >>> import trine
        >>> model = trine.embedded()
        >>> [text.text for text in model.generate_batch(["Once upon", "A dog"], max_tokens=4, temperature=0)]
        [' a time, there', ', who was a']
        """
        if not prompts:
            return []
        given = _given(options)
        ids = [self._ids(prompt) for prompt in prompts]
        found = [Generated(len(of), given["seed"]) for of in ids]
        choices = self._engine.generate(ids, given, None)
        try:
            while (event := choices.next()) is not None:
                found[event.index]._take(event)
        finally:
            # The traceback of an exception, such as that of Ctrl-C, still has the choices.
            choices.cancel()
        return found

    def score(self, prompts: Sequence[Prompt], continuations: Sequence[Prompt]) -> list[Score]:
        """How likely each continuation is behind the prompt at the same place: the sum of the log-probabilities of its
        tokens in nats, and whether greedy decoding would choose them.

        What prompts have in common is computed once. White space at the end of a prompt counts for the continuation,
        as tokens begin with it. An empty prompt is the token that begins a text, or else the one that ends it.

        >>> import trine
        >>> model = trine.embedded()
        >>> likely, unlikely = model.score(["Once upon a"] * 2, [" time", " fox"])
        >>> likely.logprob > unlikely.logprob, likely.is_greedy
        (True, True)
        """
        if len(prompts) != len(continuations):
            message = f"{len(prompts)} prompts and {len(continuations)} continuations: expected as many"
            raise TrineError(message)
        if not prompts:
            return []
        ids, scored_from = [], []
        for prompt, continuation in zip(prompts, continuations):
            before, whole = self._pair(prompt, continuation)
            ids.append(whole)
            scored_from.append(before)
        choices = self._engine.generate(ids, _given({"max_tokens": 0, "temperature": 0.0}), scored_from)
        found: list[Score | None] = [None] * len(ids)
        try:
            while (event := choices.next()) is not None:
                if event.score is not None:
                    found[event.index] = Score(*event.score)
        finally:
            choices.cancel()
        return [score if score is not None else Score(0.0, True) for score in found]

    def embed(self, texts: Sequence[Prompt], *, pooling: Literal["last", "mean"] | None = None) -> Array:
        """A row for each text, of shape `("sequences", "hidden")` and of length 1: the product of two rows is the
        cosine of their angle, by which texts are compared.

        A text gets the tokens before and behind it that the vocabulary asks for; tokens stay as they are. Texts go
        through the model together, and each gets the row that it gets alone. `pooling` says which row stands for a
        text, where the file does not say it or another one is wanted.

        >>> import numpy as np
        >>> import trine
        >>> rows = trine.embedded().embed(["The fox ran.", "The fox ran!", "Once upon a time"], pooling="mean")
        >>> rows.dims, rows.sizes
        (('sequences', 'hidden'), {'sequences': 3, 'hidden': 256})
        >>> near, far = np.asarray(rows)[1:] @ np.asarray(rows)[0]
        >>> bool(near > far)
        True
        """
        if isinstance(texts, str):
            raise TypeError("expected a list of texts, found one text: give [text]")
        asked: list[str | list[int]] = [text if isinstance(text, str) else list(text) for text in texts]
        values, dims, address = self._engine.embed(asked, pooling)
        return Array(values, tuple(dims), address)

    def _pair(self, prompt: Prompt, continuation: Prompt) -> tuple[int, list[int]]:
        """The tokens of both, and how many of them are those of the prompt."""
        if isinstance(prompt, str) and isinstance(continuation, str):
            kept = prompt.rstrip()
            continuation = prompt[len(kept) :] + continuation
            # Tokens of the prompt may become others before a continuation: as many of the whole count for it.
            whole = self._ids(kept + continuation)
            before = whole[: len(self._ids(kept))]
        else:
            before = self._ids(prompt)
            rest = continuation
            whole = before + (self._engine.encode(rest, False, True) if isinstance(rest, str) else list(rest))
        if not before:
            begin = self.tokenizer.bos if self.tokenizer.bos is not None else self.tokenizer.eos
            if begin is None:
                raise TrineError("the prompt has no token, and the vocabulary has none that begins a text: give it one")
            before, whole = [begin], [begin, *whole]
        return len(before), whole

    @overload
    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        schema: Mapping[str, Any] | None = None,
        stream: Literal[False] = False,
        **options: Any,
    ) -> dict[str, Any]: ...

    @overload
    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        schema: Mapping[str, Any] | None = None,
        stream: Literal[True],
        **options: Any,
    ) -> Iterator[dict[str, Any]]: ...

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        schema: Mapping[str, Any] | None = None,
        stream: bool = False,
        **options: Any,
    ) -> dict[str, Any] | Iterator[dict[str, Any]]:
        """Answers a conversation: dictionaries as OpenAI's API has them, one, or those of the events of a stream.

        It is what the server answers to `POST /v1/chat/completions`, without a network; `options` are further fields of
        that request, such as `max_tokens`, `temperature` and `seed`. `schema` is a JSON schema that the answer has to
        keep to. Where a stream is dropped, what is left of the answer is not generated.
        """
        import json

        body: dict[str, Any] = {"messages": list(messages), "stream": stream, **options}
        if tools is not None:
            body["tools"] = list(tools)
        if schema is not None:
            form = {"name": "answer", "schema": dict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        answer = self._engine.ask("/v1/chat/completions", json.dumps(body))
        first = answer.next()
        if first is not None and first[1]:
            raise _refusal(_rest(first[0], answer))
        if stream:
            return _events("" if first is None else first[0], answer)
        whole: dict[str, Any] = json.loads(_rest("" if first is None else first[0], answer))
        return whole

    def session(self, saved: bytes | None = None) -> Session:
        """A sequence that the program feeds itself, without tokens, or the one that `Session.save` made bytes of."""
        return Session(self._engine, self._engine.session(saved))

    def trace(self, prompt: Prompt) -> Trace:
        """How large the values of each part are, in a pass over a prompt."""
        return Trace(self._engine.trace(self._ids(prompt)))

    def __repr__(self) -> str:
        return f"<Model {self.name or self.architecture!r}, context {self.context}>"


def embedded(
    *,
    threads: int | None = None,
    kv: Literal["f16", "f32", "q8"] = "f16",
    sequences: int = 8,
    batch: int = 16,
) -> Model:
    """The story model that comes with the package: 1.9 MB, English, ternary. The options are those of `Model`.

    >>> import trine
    >>> trine.embedded().architecture
    'bitnet-b1.58'
    """
    return Model._embedded(threads, kv, sequences, batch)


_KNOWN = frozenset(GenerateOptions.__annotations__)


def _given(options: GenerateOptions) -> dict[str, Any]:
    """All options, as Rust takes them."""
    if unknown := sorted(set(options) - _KNOWN):
        raise TypeError(f"unknown options {', '.join(unknown)}: expected some of {', '.join(sorted(_KNOWN))}")
    stop, seed = options.get("stop", ()), options.get("seed")
    return {
        "max_tokens": options.get("max_tokens"),
        "temperature": options.get("temperature"),
        "top_k": options.get("top_k"),
        "top_p": options.get("top_p"),
        "min_p": options.get("min_p"),
        "repetition_penalty": options.get("repetition_penalty", 1.0),
        "frequency_penalty": options.get("frequency_penalty", 0.0),
        "presence_penalty": options.get("presence_penalty", 0.0),
        "logit_bias": list(options.get("logit_bias", {}).items()),
        "seed": int.from_bytes(os.urandom(8), "little") if seed is None else seed,
        "stop": [stop] if isinstance(stop, str) else list(stop),
        "stop_ids": list(options.get("stop_ids", ())),
        "ignore_eos": options.get("ignore_eos", False),
        "logprobs": options.get("logprobs"),
        "answers": False,
    }


def _rest(text: str, answer: Answer) -> str:
    """The whole body of an answer whose beginning is known."""
    pieces = [text]
    try:
        while (piece := answer.next()) is not None:
            pieces.append(piece[0])
    finally:
        answer.cancel()
    return "".join(pieces)


def _events(text: str, answer: Answer) -> Iterator[dict[str, Any]]:
    """The documents of a stream of events."""
    import json

    try:
        while True:
            *lines, text = text.split("\n")
            for line in lines:
                data = line.removeprefix("data: ")
                if data == "[DONE]":
                    return
                if data is not line and data:
                    event: dict[str, Any] = json.loads(data)
                    if "error" in event:
                        raise _refusal(data)
                    yield event
            piece = answer.next()
            if piece is None:
                return
            text += piece[0]
    finally:
        answer.cancel()


def _refusal(body: str) -> Exception:
    """The exception of an error object."""
    import json

    try:
        error = json.loads(body)["error"]
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        return RuntimeError(body)
    if code == "context_length_exceeded":
        return ContextFull(message)
    if code in ("template_error", "no_chat_template", "tools_unsupported"):
        return TemplateError(message)
    return RuntimeError(message) if code == "internal" else TrineError(message)
