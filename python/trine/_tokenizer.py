"""Text as tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, overload

from ._trine import Engine


class Tokenizer:
    """The tokenizer of a model.

    >>> import trine
    >>> tokenizer = trine.embedded().tokenizer
    >>> ids = tokenizer.encode("Once upon a time")
    >>> tokenizer.decode(ids)
    'Once upon a time'
    """

    __slots__ = ("_engine", "_facts")

    def __init__(self, engine: Engine, facts: Mapping[str, Any]) -> None:
        self._engine = engine
        self._facts = facts

    def encode(self, text: str, *, add_bos: bool = True, parse_special: bool = True) -> list[int]:
        """The ids of a text. BOS is put before it where the vocabulary asks for it, and texts such as `<|eot_id|>` are
        the tokens that they name."""
        return self._engine.encode(text, add_bos, parse_special)

    def decode(self, ids: Sequence[int], *, show_special: bool = False) -> str:
        """The text of ids; control tokens have one where `show_special` asks for it."""
        return self._engine.decode(list(ids), show_special)

    def token(self, id: int) -> str | None:
        """The token of an id as the vocabulary has it; none beyond the vocabulary."""
        return self._engine.token(id)

    def id(self, token: str) -> int | None:
        """The id of a token of the vocabulary."""
        return self._engine.id(token)

    def __len__(self) -> int:
        return int(self._facts["tokens"])

    @property
    def bos(self) -> int | None:
        """The token that begins a text."""
        bos: int | None = self._facts["bos"]
        return bos

    @property
    def eos(self) -> int | None:
        """The token that ends a text."""
        eos: int | None = self._facts["eos"]
        return eos

    @property
    def ends(self) -> list[int]:
        """All tokens at which a generation ends."""
        return list(self._facts["ends"])

    @property
    def chat_template(self) -> str | None:
        """The chat template of the model, a Jinja program."""
        template: str | None = self._facts["template"]
        return template

    @overload
    def apply_chat_template(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tokenize: Literal[True] = True,
        add_generation_prompt: bool = True,
        **variables: Any,
    ) -> list[int]: ...

    @overload
    def apply_chat_template(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tokenize: Literal[False],
        add_generation_prompt: bool = True,
        **variables: Any,
    ) -> str: ...

    def apply_chat_template(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tokenize: bool = True,
        add_generation_prompt: bool = True,
        **variables: Any,
    ) -> list[int] | str:
        """A conversation in the form that the model was trained on: ids, or the text.

        Of ids, what stands in a message is text, also where it looks like a control token. `variables` are what the
        template has names for, such as `tools` or `enable_thinking`.
        """
        import json

        given = {"messages": list(messages), "add_generation_prompt": add_generation_prompt, **variables}
        text, ids = self._engine.conversation(json.dumps(given))
        return ids if tokenize else text
