"""featviz: see what kernels take out of an image.

Filter, detect, condense: an image goes through kernels (convolution), an activation and
pooling, and every stage is shown with its scale, its range and its exact numbers.

    import featviz as fv
    fv.extract("car.jpg", "edge")

Names are loaded when they are first used: ``import featviz`` imports no other package.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from featviz.activations import describe_activation
    from featviz.devices import list_devices
    from featviz.experiments import plot_grid, plot_kernels_and_maps
    from featviz.expressions import Expressions, extract_expressions
    from featviz.extraction import Extraction
    from featviz.formulas import size_formula
    from featviz.images import image_name, read_image, write_image
    from featviz.kernel_sources import read_kernel, read_kernels
    from featviz.kernels import Kernel, describe_kernel
    from featviz.ops import condense, detect, filter_image, filter_transposed
    from featviz.panels import Panel, panels_from_extraction, panels_from_kernels
    from featviz.pipeline import extract
    from featviz.presets import (
        FAMILIES,
        PRESETS,
        box,
        gabor,
        gaussian,
        laplacian_of_gaussian,
        motion_blur,
    )
    from featviz.render.figures import figure_from_panels, save_figure
    from featviz.render.motion.animations import Animation, animate
    from featviz.render.plots import (
        plot_extraction,
        plot_image,
        plot_images,
        plot_kernel,
        plot_kernels,
        plot_map,
    )
    from featviz.render.printing import print_matrices, text_from_extraction
    from featviz.render.step_text import text_from_step
    from featviz.render.sum_text import text_from_expressions, text_from_sum
    from featviz.render.trace_text import describe_trace, text_from_trace
    from featviz.render.web.pages import Page, page
    from featviz.samples import SAMPLES, sample_image
    from featviz.sparse import convolution_matrix
    from featviz.stats import MapStats, map_stats
    from featviz.sums import window_sum
    from featviz.symbolic import matrix
    from featviz.tracing import trace
    from featviz.vocabulary import STAGES
    from featviz.windows import Spread, Step, Tap, Trace, Window

__all__ = [
    "FAMILIES",
    "PRESETS",
    "SAMPLES",
    "STAGES",
    "Animation",
    "Expressions",
    "Extraction",
    "Kernel",
    "MapStats",
    "Page",
    "Panel",
    "Spread",
    "Step",
    "Tap",
    "Trace",
    "Window",
    "__version__",
    "animate",
    "box",
    "condense",
    "convolution_matrix",
    "describe_activation",
    "describe_kernel",
    "describe_trace",
    "detect",
    "extract",
    "extract_expressions",
    "figure_from_panels",
    "filter_image",
    "filter_transposed",
    "gabor",
    "gaussian",
    "image_name",
    "laplacian_of_gaussian",
    "list_devices",
    "map_stats",
    "matrix",
    "motion_blur",
    "page",
    "panels_from_extraction",
    "panels_from_kernels",
    "plot_extraction",
    "plot_grid",
    "plot_image",
    "plot_images",
    "plot_kernel",
    "plot_kernels",
    "plot_kernels_and_maps",
    "plot_map",
    "print_matrices",
    "read_image",
    "read_kernel",
    "read_kernels",
    "sample_image",
    "save_figure",
    "size_formula",
    "text_from_expressions",
    "text_from_extraction",
    "text_from_step",
    "text_from_sum",
    "text_from_trace",
    "trace",
    "window_sum",
    "write_image",
]

# The same names again, for the door below; a test holds the lists together.
_HOMES = {
    "activations": ("describe_activation",),
    "devices": ("list_devices",),
    "experiments": ("plot_grid", "plot_kernels_and_maps"),
    "expressions": ("Expressions", "extract_expressions"),
    "extraction": ("Extraction",),
    "formulas": ("size_formula",),
    "images": ("image_name", "read_image", "write_image"),
    "kernel_sources": ("read_kernel", "read_kernels"),
    "kernels": ("Kernel", "describe_kernel"),
    "ops": ("condense", "detect", "filter_image", "filter_transposed"),
    "panels": ("Panel", "panels_from_extraction", "panels_from_kernels"),
    "pipeline": ("extract",),
    "presets": (
        "FAMILIES",
        "PRESETS",
        "box",
        "gabor",
        "gaussian",
        "laplacian_of_gaussian",
        "motion_blur",
    ),
    "render.figures": ("figure_from_panels", "save_figure"),
    "render.motion.animations": ("Animation", "animate"),
    "render.web.pages": ("Page", "page"),
    "render.plots": (
        "plot_extraction",
        "plot_image",
        "plot_images",
        "plot_kernel",
        "plot_kernels",
        "plot_map",
    ),
    "render.printing": ("print_matrices", "text_from_extraction"),
    "render.step_text": ("text_from_step",),
    "render.sum_text": ("text_from_expressions", "text_from_sum"),
    "render.trace_text": ("describe_trace", "text_from_trace"),
    "samples": ("SAMPLES", "sample_image"),
    "sparse": ("convolution_matrix",),
    "stats": ("MapStats", "map_stats"),
    "sums": ("window_sum",),
    "symbolic": ("matrix",),
    "tracing": ("trace",),
    "vocabulary": ("STAGES",),
    "windows": ("Spread", "Step", "Tap", "Trace", "Window"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        from featviz._check import nearest

        raise AttributeError(f"module 'featviz' has no attribute {name!r}{nearest(name, __all__)}")
    value = getattr(importlib.import_module(f"featviz.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
