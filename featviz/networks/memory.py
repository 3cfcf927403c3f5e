"""What TensorFlow says when memory does not suffice, in a sentence."""

from __future__ import annotations

import math
import re

from featviz._check import size_text
from featviz.networks.paths import counted_text

# TensorFlow raises the same error for too many open files and a full disk.
_IS_MEMORY = re.compile(r"\boom\b|memory|allocat", re.IGNORECASE)
_TENSOR = re.compile(r"tensor with shape\[([\d,]*)\] and type (\w+)")
# Such messages have names of their own for three dtypes.
_DTYPES = {"float": "float32", "double": "float64", "half": "float16"}
_BITS = re.compile(r"(?:u?int|b?float|complex)(8|16|32|64|128)")


def memory_text(error: BaseException) -> str:
    """Return what did not fit into memory, nothing for other errors.

    Example:
        >>> import tensorflow as tf
        >>> said = "{{node c}} OOM when allocating tensor with shape[64,510,9] and type half on /j"
        >>> memory_text(tf.errors.ResourceExhaustedError(None, None, said))
        'a tensor of 587,520 bytes (64×510×9 float16) did not fit into memory'
        >>> memory_text(tf.errors.ResourceExhaustedError(None, None, "a.png; Too many open files"))
        ''
    """
    # By name: whoever puts an error into words need not load TensorFlow.
    if type(error).__name__ != "ResourceExhaustedError" or not _IS_MEMORY.search(str(error)):
        return ""
    return f"{_tensor_text(str(error)) or 'a tensor'} did not fit into memory"


def _tensor_text(message: str) -> str:
    """Return how large a tensor is of which a message tells, or nothing."""
    found = _TENSOR.search(message)
    name = _DTYPES.get(found[2], found[2]) if found else ""
    bits = _BITS.fullmatch("int8" if name == "bool" else name)
    if not found or not bits:
        return ""
    sizes = [int(size) for size in found[1].split(",") if size]
    kind = " ".join(filter(None, [size_text(sizes), name]))
    return f"a tensor of {counted_text(math.prod(sizes) * int(bits[1]) // 8, 'byte')} ({kind})"


def way_out(error: BaseException, images: int) -> str:
    """Return for how many images memory did not suffice, and what helps.

    Args:
        error: what was raised.
        images: how many went in at once.

    Returns:
        The end of a sentence, nothing for other errors.

    Example:
        >>> import tensorflow as tf
        >>> way_out(tf.errors.ResourceExhaustedError(None, None, "out of memory"), 1)
        ' for 1 image; name fewer layers, or make the image smaller'
    """
    if not memory_text(error):
        return ""
    if images == 1:
        return " for 1 image; name fewer layers, or make the image smaller"
    return (
        f" for {counted_text(images, 'image')} at once; pass batch_size=1 or the data in smaller "
        "batches, name fewer layers, or make the images smaller"
    )
