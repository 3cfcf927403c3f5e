"""The slow definitions that every number is held against: loops, in float64."""

import numpy as np

# A kernel without any symmetry: mirrored, turned or transposed, it gives something else.
LOPSIDED = [[1.0, 2.0, -3.0], [0.5, -1.0, 4.0]]


def pad_image(image, pads, border="zeros"):
    """(H, W) → (H', W') by numpy's own padding."""
    modes = {
        "zeros": "constant",
        "reflect": "reflect",
        "symmetric": "symmetric",
        "edge": "edge",
        "wrap": "wrap",
    }
    return np.pad(np.asarray(image, np.float64), pads, mode=modes[border])


def slow_filter(
    image, kernel, *, stride=(1, 1), dilation=(1, 1), pads=((0, 0), (0, 0)), border="zeros"
):
    """Cross-correlation of one (H, W) image with one (h, w) kernel."""
    padded = pad_image(image, pads, border)
    kernel = np.asarray(kernel, np.float64)
    (h, w), (H, W) = kernel.shape, padded.shape
    rows = (H - ((h - 1) * dilation[0] + 1)) // stride[0] + 1
    columns = (W - ((w - 1) * dilation[1] + 1)) // stride[1] + 1
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for m in range(h):
                for n in range(w):
                    pixel = padded[i * stride[0] + m * dilation[0], j * stride[1] + n * dilation[1]]
                    out[i, j] += pixel * kernel[m, n]
    return out


def slow_pool(image, window, *, stride, pads=((0, 0), (0, 0)), how=max):
    """Pool of one (H, W) map; cells of the padding do not take part."""
    image = np.asarray(image, np.float64)
    (top, bottom), (left, right) = pads
    H, W = image.shape
    rows = (H + top + bottom - window[0]) // stride[0] + 1
    columns = (W + left + right - window[1]) // stride[1] + 1
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            cells = [
                image[y, x]
                for y in range(i * stride[0] - top, i * stride[0] - top + window[0])
                for x in range(j * stride[1] - left, j * stride[1] - left + window[1])
                if 0 <= y < H and 0 <= x < W
            ]
            out[i, j] = how(cells)
    return out


def mean(cells):
    return sum(cells) / len(cells)


def ramp(height, width):
    """An image whose every cell differs, neither symmetric nor linear in its place."""
    cells = np.arange(height * width, dtype=np.float64).reshape(height, width)
    return np.round(np.sin(cells * 1.7) * 4) + cells / 8
