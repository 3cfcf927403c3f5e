"""featviz: see what kernels take out of an image."""

__version__ = "0.1.0"
