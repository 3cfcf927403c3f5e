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
    from featviz.map_panels import panels_from_feature_maps
    from featviz.network_experiments import plot_network, plot_receptive_field
    from featviz.networks.comparing import compare
    from featviz.networks.comparison import Comparison, LayerComparison
    from featviz.networks.diagnosing import diagnose
    from featviz.networks.diagnosis import Diagnosis, LayerDiagnosis
    from featviz.networks.layer_stages import extraction_from_layer
    from featviz.networks.layer_values import LayerKernels, LayerRow, LayerTable, ReceptiveField
    from featviz.networks.maps import feature_maps, stream_feature_maps
    from featviz.networks.model_files import preprocessing_of, read_model
    from featviz.networks.receptive import receptive_field
    from featviz.networks.tables import layer_table
    from featviz.networks.top_scores import top_images
    from featviz.networks.top_values import TopImages
    from featviz.networks.values import FeatureMaps, LayerInfo
    from featviz.networks.weights import layer_kernels
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
    from featviz.render.comparison_plots import plot_comparison
    from featviz.render.comparison_text import text_from_comparison
    from featviz.render.diagnosis_plots import plot_diagnosis
    from featviz.render.diagnosis_text import text_from_diagnosis, write_diagnosis
    from featviz.render.figures import figure_from_panels, save_figure
    from featviz.render.map_plots import (
        plot_channel_over_image,
        plot_feature_maps,
        plot_top_images,
    )
    from featviz.render.mosaic import save_mosaic
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
    from featviz.render.table_text import text_from_table
    from featviz.render.trace_text import describe_trace, text_from_trace
    from featviz.render.web.pages import Page, page
    from featviz.render.weight_plots import plot_layer_kernels
    from featviz.samples import SAMPLES, sample_image
    from featviz.sparse import convolution_matrix
    from featviz.stats import MapStats, map_stats
    from featviz.sums import window_sum
    from featviz.symbolic import matrix
    from featviz.tracing import trace
    from featviz.training import FeatureMapCallback
    from featviz.vocabulary import STAGES
    from featviz.windows import Spread, Step, Tap, Trace, Window

__all__ = [
    "FAMILIES",
    "PRESETS",
    "SAMPLES",
    "STAGES",
    "Animation",
    "Comparison",
    "Diagnosis",
    "Expressions",
    "Extraction",
    "FeatureMapCallback",
    "FeatureMaps",
    "Kernel",
    "LayerComparison",
    "LayerDiagnosis",
    "LayerInfo",
    "LayerKernels",
    "LayerRow",
    "LayerTable",
    "MapStats",
    "Page",
    "Panel",
    "ReceptiveField",
    "Spread",
    "Step",
    "Tap",
    "TopImages",
    "Trace",
    "Window",
    "__version__",
    "animate",
    "box",
    "compare",
    "condense",
    "convolution_matrix",
    "describe_activation",
    "describe_kernel",
    "describe_trace",
    "detect",
    "diagnose",
    "extract",
    "extract_expressions",
    "extraction_from_layer",
    "feature_maps",
    "figure_from_panels",
    "filter_image",
    "filter_transposed",
    "gabor",
    "gaussian",
    "image_name",
    "laplacian_of_gaussian",
    "layer_kernels",
    "layer_table",
    "list_devices",
    "map_stats",
    "matrix",
    "motion_blur",
    "page",
    "panels_from_extraction",
    "panels_from_feature_maps",
    "panels_from_kernels",
    "plot_channel_over_image",
    "plot_comparison",
    "plot_diagnosis",
    "plot_extraction",
    "plot_feature_maps",
    "plot_grid",
    "plot_image",
    "plot_images",
    "plot_kernel",
    "plot_kernels",
    "plot_kernels_and_maps",
    "plot_layer_kernels",
    "plot_map",
    "plot_network",
    "plot_receptive_field",
    "plot_top_images",
    "preprocessing_of",
    "print_matrices",
    "read_image",
    "read_kernel",
    "read_kernels",
    "read_model",
    "receptive_field",
    "sample_image",
    "save_figure",
    "save_mosaic",
    "size_formula",
    "stream_feature_maps",
    "text_from_comparison",
    "text_from_diagnosis",
    "text_from_expressions",
    "text_from_extraction",
    "text_from_step",
    "text_from_sum",
    "text_from_table",
    "text_from_trace",
    "top_images",
    "trace",
    "window_sum",
    "write_diagnosis",
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
    "map_panels": ("panels_from_feature_maps",),
    "network_experiments": ("plot_network", "plot_receptive_field"),
    "networks.comparing": ("compare",),
    "networks.comparison": ("Comparison", "LayerComparison"),
    "networks.diagnosing": ("diagnose",),
    "networks.diagnosis": (
        "Diagnosis",
        "LayerDiagnosis",
    ),
    "networks.layer_stages": ("extraction_from_layer",),
    "networks.layer_values": (
        "LayerKernels",
        "LayerRow",
        "LayerTable",
        "ReceptiveField",
    ),
    "networks.maps": ("feature_maps", "stream_feature_maps"),
    "networks.model_files": ("preprocessing_of", "read_model"),
    "networks.receptive": ("receptive_field",),
    "networks.tables": ("layer_table",),
    "networks.top_scores": ("top_images",),
    "networks.top_values": ("TopImages",),
    "networks.values": ("FeatureMaps", "LayerInfo"),
    "networks.weights": ("layer_kernels",),
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
    "render.comparison_plots": ("plot_comparison",),
    "render.comparison_text": ("text_from_comparison",),
    "render.diagnosis_plots": ("plot_diagnosis",),
    "render.diagnosis_text": (
        "text_from_diagnosis",
        "write_diagnosis",
    ),
    "render.figures": ("figure_from_panels", "save_figure"),
    "render.map_plots": (
        "plot_channel_over_image",
        "plot_feature_maps",
        "plot_top_images",
    ),
    "render.mosaic": ("save_mosaic",),
    "render.motion.animations": ("Animation", "animate"),
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
    "render.table_text": ("text_from_table",),
    "render.trace_text": ("describe_trace", "text_from_trace"),
    "render.web.pages": ("Page", "page"),
    "render.weight_plots": ("plot_layer_kernels",),
    "samples": ("SAMPLES", "sample_image"),
    "sparse": ("convolution_matrix",),
    "stats": ("MapStats", "map_stats"),
    "sums": ("window_sum",),
    "symbolic": ("matrix",),
    "tracing": ("trace",),
    "training": ("FeatureMapCallback",),
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
