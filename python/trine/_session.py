"""One sequence that a program feeds itself."""

from __future__ import annotations

from collections.abc import Sequence

from . import _trine
from ._array import Logits


class Session:
    """One sequence of a model: its tokens, and what the model remembers of them.

    >>> import trine
    >>> model = trine.embedded()
    >>> session = model.session()
    >>> logits = session.feed("Once upon a time")
    >>> logits.dims, len(session)
    (('vocab',), 5)
    >>> model.tokenizer.decode([logits.argmax()])
    ','
    """

    __slots__ = ("_engine", "_session")

    def __init__(self, engine: _trine.Engine, session: _trine.Session) -> None:
        self._engine = engine
        self._session = session

    def feed(self, tokens: str | Sequence[int], *, all: bool = False) -> Logits:
        """Appends tokens, and returns the logits that follow: of shape `("vocab",)` those behind the last token, with
        `all` of shape `("seq", "vocab")` those behind each of them.

        A text is encoded as a prompt where it is the first, and as the rest of one behind others. Where Ctrl-C ends a
        long prompt, the session keeps the part that was computed.
        """
        if isinstance(tokens, str):
            tokens = self._engine.encode(tokens, len(self) == 0, True)
        values, dims, address = self._session.feed(list(tokens), all)
        return Logits(values, tuple(dims), address, self._engine.token)

    @property
    def tokens(self) -> list[int]:
        """The tokens so far."""
        return self._session.tokens()

    @property
    def capacity(self) -> int:
        """Tokens that there may be."""
        return self._session.capacity()

    def __len__(self) -> int:
        return self._session.length()

    def rewind(self, tokens: Sequence[int]) -> int:
        """Goes back to the longest common beginning with `tokens`, short of the last one of them, and returns how many
        tokens are left."""
        return self._session.rewind(list(tokens))

    def fork(self) -> Session:
        """A second session with the same tokens. The memory of what both have in common is there once."""
        return Session(self._engine, self._session.fork())

    def save(self) -> bytes:
        """The session as bytes, from which `Model.session` goes on with the same bits, here or elsewhere."""
        return self._session.save()
