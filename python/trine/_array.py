"""Arrays with named axes. The names are those of the types that computed the numbers: nothing here invents one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._trine import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import DTypeLike, NDArray
    from typing_extensions import Self


class Array:
    """Numbers of type float32 with named axes. `numpy.asarray` gives the memory in which they were computed.

    >>> import trine
    >>> logits = trine.embedded().session().feed("Once upon a time", all=True)
    >>> logits.dims, logits.sizes
    (('seq', 'vocab'), {'seq': 5, 'vocab': 2048})
    >>> logits.isel(seq=-1).dims
    ('vocab',)
    """

    __slots__ = ("_address", "_dims", "_values")

    def __init__(self, values: NDArray[np.float32], dims: tuple[str, ...], address: int | None = None) -> None:
        if values.ndim != len(dims):
            raise ShapeError(f"expected {values.ndim} axes, found the names {dims}")
        self._values = values
        self._dims = dims
        self._address = values.ctypes.data if address is None else address

    @property
    def dims(self) -> tuple[str, ...]:
        """The names of the axes, outermost first."""
        return self._dims

    @property
    def sizes(self) -> dict[str, int]:
        """The length of each axis by its name."""
        return dict(zip(self._dims, self._values.shape))

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes, outermost first."""
        return self._values.shape

    @property
    def address(self) -> int:
        """The address of the first number where it was computed: no array made of this one has a copy."""
        return self._address

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        import numpy as np

        if copy or (dtype is not None and np.dtype(dtype) != self._values.dtype):
            return np.array(self._values, dtype=dtype)
        return self._values

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {length}" for name, length in self.sizes.items())
        return f"<{type(self).__name__} ({sizes}) float32>"

    def expect(self, *dims: str) -> Self:
        """The same array, where its axes have these names in this order.

        >>> import trine
        >>> trine.embedded().session().feed("a", all=True).expect("vocab", "seq")
        Traceback (most recent call last):
        ...
        trine.ShapeError: expected the axes ('vocab', 'seq'), found ('seq', 'vocab')
        """
        if dims != self._dims:
            raise ShapeError(f"expected the axes {dims}, found {self._dims}")
        return self

    def _axis(self, name: str) -> int:
        if name not in self._dims:
            raise ShapeError(f"expected axes of {(name,)}, found {self._dims}")
        return self._dims.index(name)

    def transpose(self, *dims: str) -> Array:
        """A view with the axes in this order, each of which is named once."""
        if sorted(dims) != sorted(self._dims):
            raise ShapeError(f"expected an order of the axes {dims}, found {self._dims}")
        return Array(self._values.transpose([self._axis(name) for name in dims]), dims)

    def isel(self, **indices: int | slice) -> Array:
        """A view of what is at some indices, by the names of the axes; an axis with one index goes away."""
        for name in indices:
            self._axis(name)
        index = tuple(indices.get(name, slice(None)) for name in self._dims)
        kept = tuple(name for name in self._dims if not isinstance(indices.get(name), int))
        return Array(self._values[index], kept)

    def _coordinates(self) -> dict[str, list[str]]:
        return {}

    def to_xarray(self) -> Any:
        """An `xarray.DataArray` with these axes; it shares the memory. xarray has to be installed."""
        from importlib import import_module

        xarray: Any = import_module("xarray")
        return xarray.DataArray(self._values, dims=self._dims, coords=self._coordinates())


class Logits(Array):
    """Logits: `("seq", "vocab")`, one row for each token that was fed, or `("vocab",)` for the last of them.

    Row `i` is what the model expects behind token `i`: the probability of a token is its softmax over `vocab`.
    """

    __slots__ = ("_token",)

    def __init__(
        self,
        values: NDArray[np.float32],
        dims: tuple[str, ...],
        address: int | None = None,
        token: Callable[[int], str | None] | None = None,
    ) -> None:
        super().__init__(values, dims, address)
        self._token = token

    def argmax(self) -> int | list[int]:
        """The likeliest token, or that of each row; of equal ones the first."""
        likeliest = self._values.argmax(axis=self._axis("vocab"))
        return int(likeliest) if likeliest.ndim == 0 else [int(token) for token in likeliest]

    def _coordinates(self) -> dict[str, list[str]]:
        if self._token is None:
            return {}
        return {"vocab": [self._token(token) or "" for token in range(self.sizes["vocab"])]}
