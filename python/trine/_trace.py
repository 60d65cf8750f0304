"""How large the values of each part of a model are, for one prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ._array import Array

if TYPE_CHECKING:
    from collections.abc import Sequence


class PartValues(NamedTuple):
    """The values of a part, over all positions."""

    block: int | None
    """The block; none outside of blocks."""
    part: str
    """The part, such as `attn_q` or `output`."""
    rms: float
    """The root mean square, `sqrt(mean(x^2))`."""
    largest: float
    """The largest absolute value."""


class Trace:
    """A forward pass over a prompt, part by part.

    >>> import trine
    >>> trace = trine.embedded().trace("Once upon a time")
    >>> trace.rows[0].part, trace.rms.dims
    ('embedding', ('part', 'blocks'))
    """

    __slots__ = ("rows",)

    def __init__(self, rows: Sequence[tuple[int | None, str, float, float]]) -> None:
        self.rows = [PartValues(*row) for row in rows]
        """The parts in the order in which they are computed."""

    @property
    def parts(self) -> list[str]:
        """The parts of a block, in their order."""
        return list(dict.fromkeys(row.part for row in self.rows if row.block is not None))

    @property
    def rms(self) -> Array:
        """The root mean square of each part of each block: `("part", "blocks")`."""
        return self._grid("rms")

    @property
    def largest(self) -> Array:
        """The largest absolute value of each part of each block: `("part", "blocks")`."""
        return self._grid("largest")

    def _grid(self, what: str) -> Array:
        import numpy as np

        parts = self.parts
        blocks = 1 + max((row.block for row in self.rows if row.block is not None), default=-1)
        values = np.full((len(parts), blocks), np.nan, dtype=np.float32)
        for row in self.rows:
            if row.block is not None:
                values[parts.index(row.part), row.block] = getattr(row, what)
        return Array(values, ("part", "blocks"))

    def plot(self, beside: Trace | None = None) -> Any:
        """A figure of matplotlib, which has to be installed: the logarithm of the root mean square and of the largest
        value, a row for each part and a column for each block. `beside` is another trace with the same colours, such as
        that of a file that is known to be right.
        """
        from importlib import import_module

        import numpy as np

        plt: Any = import_module("matplotlib.pyplot")

        traces = [self] if beside is None else [self, beside]
        figure, axes = plt.subplots(len(traces), 2, squeeze=False, layout="constrained")
        for column, what in enumerate(("rms", "largest")):
            grids = [np.log10(np.maximum(np.asarray(trace._grid(what)), 1e-12)) for trace in traces]
            least, most = min(np.nanmin(grid) for grid in grids), max(np.nanmax(grid) for grid in grids)
            for row, (trace, grid) in enumerate(zip(traces, grids)):
                place = axes[row][column]
                image = place.imshow(grid, vmin=least, vmax=most, aspect="auto", interpolation="nearest")
                place.set_yticks(range(len(trace.parts)), trace.parts)
                place.set_xlabel("block")
                place.set_title({"rms": "log10 of the RMS", "largest": "log10 of the largest value"}[what])
            figure.colorbar(image, ax=[axes[row][column] for row in range(len(traces))])
        return figure

    def __repr__(self) -> str:
        return f"<Trace of {len(self.rows)} parts>"
