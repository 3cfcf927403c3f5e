"""What a notebook shows for a value."""

from __future__ import annotations

from featviz.extraction import Extraction
from featviz.render.figures import png_from_figure
from featviz.render.plots import plot_extraction


def png_from_value(value: object) -> bytes:
    """Return the PNG bytes for a value that shows itself.

    Raises:
        TypeError: a value without a picture.
    """
    if isinstance(value, Extraction):
        return png_from_figure(plot_extraction(value))
    raise TypeError(f"value must have a picture; got {type(value).__name__}")
