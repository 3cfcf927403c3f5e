"""The words of the field and of the options, each list once."""

from __future__ import annotations

STAGES = ("image", "filter", "detect", "condense")
# What a trace tells, and what the cells of its plane are.
TRACED_STAGES = ("filter", "detect", "condense", "transposed")
CELL_KINDS = ("image", "padding", "inserted")
# The options of a run, and those of a transposed convolution; a test compares them with both.
EXTRACT_OPTIONS = (
    "stride", "padding", "dilation", "border", "bias", "activation", "pool", "pool_size",
    "pool_stride", "pool_padding", "color",
)  # fmt: skip
TRANSPOSED_OPTIONS = ("stride", "padding", "dilation", "bias", "activation")
FILTER_PADDINGS = ("same", "valid", "full")
POOL_PADDINGS = ("same", "valid")
BORDERS = ("zeros", "reflect", "symmetric", "edge", "wrap")
POOLS = ("max", "average", "global_max", "global_average", "none")
# What a run does with the channels of its image.
COLORS = ("grey", "each", "sum")

SCALES = ("shared", "signed", "each")
# The scales of a network's feature maps, and how their channels may be chosen.
MAP_SCALES = ("layer", "shared", "signed", "each")
CHANNEL_CHOICES = ("strongest", "most_varied")
# NaN and infinity in every picture: green stands in none of the palettes.
BROKEN_COLOUR = (44, 160, 44)
BROKEN_WORDS = "green: NaN or infinite"
# Of a model that ships with Keras.
WEIGHTS = ("none", "imagenet")
PALETTES = ("signed", "heat", "grey")
LAYOUTS = ("rows", "columns")
MATRIX_FORMS = ("unicode", "plain", "latex")
SUM_FORMS = ("unicode", "plain", "markdown", "latex")
FIGURE_FORMATS = ("png", "svg", "pdf")
DRAWINGS = ("numbers", "lens")
# Activations whose computed value is the very value; others are rounded, if only to 1.
EXACT_ACTIVATIONS = (
    "relu", "relu6", "hard_tanh", "hard_shrink", "soft_shrink", "threshold",
)  # fmt: skip
