"""The axes of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ._trine import ShapeError


class Shapes(Mapping[str, int]):
    """The lengths of a model's axes by their names.

    >>> import trine
    >>> shapes = trine.embedded().shapes
    >>> shapes["hidden"], shapes.of("heads", "head_dim")
    (256, (4, 64))
    >>> shapes.of("head", "head_dim")
    Traceback (most recent call last):
    ...
    trine.ShapeError: expected axes of ('head', 'head_dim'), found ('vocab', ..., 'kv_width')
    """

    __slots__ = ("_sizes",)

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = dict(sizes)

    def of(self, *dims: str) -> tuple[int, ...]:
        """The lengths of some axes, such as `numpy.empty` takes them."""
        if not all(name in self._sizes for name in dims):
            raise ShapeError(f"expected axes of {dims}, found {tuple(self._sizes)}")
        return tuple(self._sizes[name] for name in dims)

    def __getitem__(self, name: str) -> int:
        return self.of(name)[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sizes)

    def __len__(self) -> int:
        return len(self._sizes)

    def __contains__(self, name: object) -> bool:
        return name in self._sizes

    def __repr__(self) -> str:
        return f"Shapes({self._sizes})"
