"""One table: a call and the exact sentence it answers with."""

import numpy as np
import pytest
import tensorflow as tf

import featviz as fv

IMAGE = np.ones((2, 2))
BATCH = np.ones((1, 4, 4, 1), np.float32)
COLOUR = np.ones((1, 4, 4, 3), np.float32)


def extract(**options):
    return lambda: fv.extract(IMAGE, "edge", **options)


def filter_image(images=BATCH, kernels="edge", **options):
    return lambda: fv.filter_image(images, kernels, **options)


def condense(**options):
    return lambda: fv.condense(BATCH, **options)


TABLE = [
    ("padding word", extract(padding="smae"), ValueError,
     "padding must be one of 'same', 'valid', 'full' or explicit pads; got 'smae' "
     "(did you mean 'same'?)"),
    ("padding kind", extract(padding=None), TypeError,
     "padding must be one of 'same', 'valid', 'full' or explicit pads; got None"),
    ("padding half", extract(padding=1.5), TypeError,
     "padding must be one of 'same', 'valid', 'full' or explicit pads; got 1.5"),
    ("padding negative", extract(padding=-1), ValueError,
     "padding must be a whole number of at least 0; got -1"),
    ("padding sides", extract(padding=(1, 2, 3, 4)), ValueError,
     "padding must be one of 'same', 'valid', 'full' or explicit pads; got (1, 2, 3, 4); pads are "
     "written ((top, bottom), (left, right))"),
    ("kernel larger than image", extract(padding="valid"), ValueError,
     "kernel 'edge' (3×3) does not fit the image (2×2) with padding 'valid'; use padding='same' "
     "or a larger image"),
    ("dilated kernel", lambda: fv.extract(np.ones((4, 4)), "edge", padding="valid", dilation=2),
     ValueError,
     "kernel 'edge' (3×3, with dilation 5×5) does not fit the image (4×4) with padding 'valid'; "
     "use padding='same' or a larger image"),
    ("kernel with pads", lambda: fv.extract(IMAGE, np.ones((5, 5)), padding=1), ValueError,
     "kernel 'kernel' (5×5) does not fit the image (2×2) with padding 1; use padding='same' or a "
     "larger image"),
    ("padding too large", extract(padding=100_000), ValueError,
     "padding must give at most 100000000 cells; got 100000, which makes the image 200002×200002"),
    ("stride too large", extract(stride=2**31), ValueError,
     "stride must be below 2147483648; got 2147483648"),
    ("kernel too large", lambda: fv.extract(IMAGE, [[1e300]]), ValueError,
     "kernel 'kernel' must hold numbers of float32, up to 3.4e+38; got 1e+300"),
    ("kernel too large for a batch", filter_image(np.float16(BATCH), [[1e6]]), ValueError,
     "kernel 'kernel' must hold numbers of float16, up to 6.55e+04; got 1e+06"),
    ("bias too large", filter_image(bias=1e300), ValueError,
     "bias must be finite float32; got 1e+300"),
    ("bias tensor", filter_image(bias=tf.constant(float("nan"))), ValueError,
     "bias must be finite float32; got nan"),
    ("bias complex", filter_image(bias=tf.constant(1j)), TypeError,
     "bias must be a number; got 1j"),
    ("filter complex", filter_image(BATCH, np.ones((1, 1, 1, 1), np.complex64)), TypeError,
     "filter must hold real numbers; got complex64"),
    ("activation array", extract(activation=np.zeros(3)), TypeError, None),
    ("activation lacks", extract(activation="threshold"), ValueError, None),
    ("device", lambda: fv.read_image("/dev/zero"), ValueError,
     "image must be a file; got the device '/dev/zero'"),
    ("scale", lambda: fv.plot_extraction(fv.extract(IMAGE, "edge"), scale=(0, 1e-320)), ValueError,
     "scale must lie within ±1e+30 and span at least 1e-30; got (0, 1e-320)"),
    ("stride 0", extract(stride=0), ValueError,
     "stride must be a whole number of at least 1; got 0"),
    ("stride fraction", extract(stride=1.0), TypeError,
     "stride must be a whole number of at least 1; got 1.0"),
    ("stride True", extract(stride=True), TypeError,
     "stride must be a whole number of at least 1; got True"),
    ("stride three", extract(stride=(1, 2, 3)), ValueError,
     "stride must be a whole number or a pair (rows, columns); got (1, 2, 3)"),
    ("dilation 0", extract(dilation=(1, 0)), ValueError,
     "dilation must be a whole number of at least 1; got 0"),
    ("border", extract(border="mirror"), ValueError,
     "border must be one of 'zeros', 'reflect', 'symmetric', 'edge', 'wrap'; got 'mirror'"),
    ("color", extract(color="gray"), ValueError,
     "color must be one of 'grey', 'each', 'sum'; got 'gray' (did you mean 'grey'?)"),
    ("bias text", extract(bias="dark"), TypeError,
     "bias must be a number; got 'dark'"),
    ("bias count", extract(bias=[1, 2]), ValueError,
     "bias must be a number; got the shape 2"),
    ("bias nan", extract(bias=float("nan")), ValueError,
     "bias must be finite float32; got nan"),
    ("activation", extract(activation="rellu"), ValueError, None),
    ("activation kind", extract(activation=3), TypeError, None),
    ("activation shape", extract(activation=lambda x: x[:, :1]), ValueError,
     "activation must keep the shape (1, 2, 2, 1) and give floats; got (1, 1, 2, 1) of float32"),
    ("activation refuses", extract(activation="softmax(axis=9)"), ValueError, None),
    ("activation arguments", extract(activation="relu6(1, 2)"), ValueError,
     "relu6 must be called as relu6(); got 'relu6(1, 2)': too many positional arguments"),
    ("pool", extract(pool="maximum"), ValueError,
     "pool must be one of 'max', 'average', 'global_max', 'global_average', 'none'; got 'maximum' "
     "(did you mean 'max'?)"),
    ("pool size 0", extract(pool_size=0), ValueError,
     "pool_size must be a whole number of at least 1; got 0"),
    ("pool stride", extract(pool_stride="2"), TypeError,
     "pool_stride must be a whole number of at least 1; got '2'"),
    ("pool padding", extract(pool_padding="full"), ValueError,
     "pool_padding must be one of 'same', 'valid' or explicit pads; got 'full'"),
    ("pool pads", extract(pool_padding=2), ValueError,
     "pool_padding must be smaller than the pool window (2×2); got 2"),
    ("pool larger than map", extract(pool_size=3, pool_padding="valid"), ValueError,
     "pool window (3×3) does not fit the map (2×2) with padding 'valid'; use padding='same' or a "
     "larger map"),
    ("kernels of two sizes",
     lambda: fv.extract(np.ones((5, 5)), ["edge", [[1]]], padding="valid"), ValueError,
     "kernels must give maps of one size; got 3×3 and 5×5; use padding='same' or kernels of equal "
     "shape"),
    ("no batch", filter_image(np.ones((4, 4), np.float32)), ValueError,
     "images must have a known shape (B, H, W, C) without 0; got [4, 4]; one image (H, W, C) "
     "becomes a batch as image[None]"),
    ("empty batch", filter_image(np.ones((1, 0, 4, 1), np.float32)), ValueError,
     "images must have a known shape (B, H, W, C) without 0; got [1, 0, 4, 1]; one image (H, W, C) "
     "becomes a batch as image[None]"),
    ("complex", filter_image(tf.complex(BATCH, BATCH)), TypeError,
     "images must hold real numbers; got complex64"),
    ("kernels on colours", filter_image(COLOUR), ValueError,
     "images must have 1 channel for kernels without channels of their own; got 3; use groups=3 "
     "(each channel alone), groups=1 (their sum), or a filter of shape (h, w, 3, F)"),
    ("groups", filter_image(COLOUR, groups=2), ValueError,
     "groups must divide the 3 channels of the images; got 2"),
    ("filter channels", filter_image(COLOUR, np.ones((3, 3, 1, 3))), ValueError,
     "filter must have 3 channels (images: 3, groups: 1); got 1 in the shape 3×3×1×3; "
     "use groups=3"),
    ("filter channels two", filter_image(COLOUR, np.ones((3, 3, 2, 3))), ValueError,
     "filter must have 3 channels (images: 3, groups: 1); got 2 in the shape 3×3×2×3"),
    ("filter maps", filter_image(COLOUR, np.ones((3, 3, 1, 4)), groups=3), ValueError,
     "groups must divide the 4 maps of the filter; got 3"),
    ("filter empty", filter_image(COLOUR, np.ones((3, 0, 3, 4))), ValueError,
     "filter must have a shape without 0; got 3×0×3×4"),
    ("filter too large", filter_image(COLOUR, np.ones((5, 5, 3, 1)), padding="valid"), ValueError,
     "filter (5×5) does not fit the image (4×4) with padding 'valid'; use padding='same' or a "
     "larger image"),
    ("filter nan", filter_image(BATCH, np.full((1, 1, 1, 1), np.nan)), ValueError,
     "filter must hold finite numbers; got NaN or infinity"),
    ("condense size", condense(size=0), ValueError,
     "size must be a whole number of at least 1; got 0"),
    ("condense padding", condense(padding="reflect"), ValueError,
     "padding must be one of 'same', 'valid' or explicit pads; got 'reflect'"),
    ("condense window", condense(size=(5, 1), padding="valid"), ValueError,
     "pool window (5×1) does not fit the map (4×4) with padding 'valid'; use padding='same' or a "
     "larger map"),
    ("unknown preset", lambda: fv.extract(IMAGE, "egde"), ValueError,
     'kernel must be a preset\'s name, numbers like "0 1; 1 0", a family like "gaussian(5, 1)" or '
     "a file (.json .csv .txt .npy); got 'egde' (did you mean 'edge'?)"),
    ("image nan", lambda: fv.extract([[1, float("nan")]], "edge"), ValueError,
     "image must hold finite float32 numbers; got 1 other, the first nan at [0, 1, 0] (row, "
     "column, channel, from 0)"),
    ("image channels", lambda: fv.extract(np.ones((2, 2, 5)), "edge"), ValueError,
     "image must have 1, 2, 3 or 4 channels for color='grey'; got 5; choose another color"),
    ("attribute", lambda: fv.extrakt, AttributeError,
     "module 'featviz' has no attribute 'extrakt' (did you mean 'extract'?)"),
]  # fmt: skip


SHAPED = "activation must take values of the shape (1, 2, 2, 1); got softmax(axis=9), which answers"


@pytest.mark.parametrize(
    ("call", "kind", "sentence"), [pytest.param(*row[1:], id=row[0]) for row in TABLE]
)
def test_wrong_use_is_answered_with_one_sentence(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    if sentence is not None:
        assert text == sentence
    else:  # names and words of Keras change with its version
        assert text.startswith(
            ("activation must be one of ", "threshold must be called as", SHAPED)
        )
        assert any(word in text for word in ("leaky_relu", "softmax(axis=9)", "argument"))


def test_an_unknown_activation_names_the_nearest():
    with pytest.raises(ValueError, match=r"got 'rellu' \(did you mean 'relu'\?\)$"):
        fv.detect(BATCH, "rellu")


def test_a_size_that_is_not_known_is_refused():
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 1])])
    def run(images):
        return fv.filter_image(images, "edge")

    with pytest.raises(ValueError, match="images must have a known shape") as caught:
        run(BATCH)
    assert str(caught.value).rstrip().endswith("set it by tf.image.resize or tf.ensure_shape")


def test_an_unknown_number_of_images_is_no_matter():
    @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 1])])
    def run(images):
        return fv.condense(fv.detect(fv.filter_image(images, "edge")))

    assert run(BATCH).shape == (1, 2, 2, 1)
