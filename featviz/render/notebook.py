"""What a notebook or a terminal shows for a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure

from featviz.expressions import Expressions
from featviz.extraction import Extraction
from featviz.networks.comparison import Comparison
from featviz.networks.diagnosis import Diagnosis
from featviz.networks.layer_values import LayerKernels, LayerTable, ReceptiveField
from featviz.networks.top_values import TopImages
from featviz.networks.values import FeatureMaps
from featviz.render.comparison_text import text_from_comparison
from featviz.render.diagnosis_text import text_from_diagnosis
from featviz.render.field_plots import figure_from_field
from featviz.render.figures import png_from_figure
from featviz.render.map_plots import can_be_shown, page_from_feature_maps, plot_top_images
from featviz.render.plots import plot_extraction
from featviz.render.sum_text import text_from_expressions
from featviz.render.table_text import text_from_table
from featviz.render.trace_text import text_from_trace
from featviz.render.weight_plots import plot_layer_kernels
from featviz.windows import Trace

# Of a table longer than this people see the beginning, the end and how much is left out: in a
# notebook, and where a terminal shows a value.
MOST_ROWS, ROWS_OF_A_REPR = 60, 12

_DRAWINGS: dict[type, Callable[[Any], Figure]] = {
    Extraction: plot_extraction,
    FeatureMaps: page_from_feature_maps,
    LayerKernels: plot_layer_kernels,
    ReceptiveField: figure_from_field,
    TopImages: plot_top_images,
}


def png_from_value(value: object) -> bytes | None:
    """Return the PNG bytes for a value; None where it has only text.

    Raises:
        TypeError: a value without a picture.
    """
    if isinstance(value, FeatureMaps) and not any(can_be_shown(value, path) for path in value):
        return None
    for kind, drawing in _DRAWINGS.items():
        if isinstance(value, kind):
            return png_from_figure(drawing(value))
    raise TypeError(f"value must have a picture; got {type(value).__name__}")


def latex_from_value(value: object) -> str:
    """Return the LaTeX for a value that is typeset.

    Raises:
        TypeError: a value without one.
    """
    if isinstance(value, Expressions):
        return text_from_expressions(value)._repr_latex_()
    raise TypeError(f"value must have LaTeX; got {type(value).__name__}")


def markdown_from_value(value: object) -> str:
    """Return the Markdown for a value that is a list of lines.

    Raises:
        TypeError: a value without any.
    """
    if isinstance(value, Trace):
        return text_from_trace(value, form="markdown", steps=12)
    if isinstance(value, LayerTable):
        return text_from_table(value, form="markdown", layers=MOST_ROWS)
    if isinstance(value, Diagnosis):
        return text_from_diagnosis(value, form="markdown", layers=MOST_ROWS)
    if isinstance(value, Comparison):
        return text_from_comparison(value, form="markdown")
    raise TypeError(f"value must have Markdown; got {type(value).__name__}")


def text_from_value(value: object) -> str:
    """Return the lines that a terminal shows for a table of layers.

    Raises:
        TypeError: a value of another kind.
    """
    if not isinstance(value, LayerTable):
        raise TypeError(f"value must be a table of layers; got {type(value).__name__}")
    text = text_from_table(value, layers=ROWS_OF_A_REPR)
    hint = "\nall rows: text_from_table(table), or table.rows"
    return text + hint * (len(value) > ROWS_OF_A_REPR)
