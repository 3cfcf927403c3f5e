"""A layer over a line stands as one row, one over a volume as slices, by slow loops."""

import keras
import numpy as np
import pytest
from models import fill

from featviz.captions import settings_text
from featviz.networks.layer_stages import extraction_from_layer
from featviz.networks.maps import feature_maps
from featviz.panels import panels_from_extraction
from featviz.render.drawing import picture_sizes
from featviz.render.plots import plot_extraction
from featviz.render.printing import text_from_extraction

layers = keras.layers
LINE = np.random.default_rng(5).normal(0, 1, (9, 2)).astype(np.float32)
VOLUME = np.random.default_rng(6).normal(0, 1, (8, 6, 7, 2)).astype(np.float32)


def built(shape, *stack):
    return fill(keras.Sequential([keras.Input(shape), *stack], name="net"))


def fresh(layer):
    return type(layer).from_config(layer.get_config())


def slow_conv(given, kernel, bias, stride=1, dilation=1):
    """(…, C) with (…, C, F), cells outside left out: cross-correlation plus bias."""
    window, features = kernel.shape[:-2], kernel.shape[-1]
    sizes = [(n - (k - 1) * dilation - 1) // stride + 1
             for n, k in zip(given.shape, window, strict=False)]  # fmt: skip
    out = np.zeros((*sizes, features)) + bias
    for place in np.ndindex(*sizes):
        for tap in np.ndindex(*window):
            cell = tuple(p * stride + t * dilation for p, t in zip(place, tap, strict=True))
            out[place] += given[cell] @ kernel[tap]
    return out


def slow_depthwise(given, kernel, bias):
    """Each channel alone with its own kernels, (…, C, M) → maps C × M."""
    parts = [slow_conv(given[..., [c]], kernel[..., [c], :], 0.0) for c in range(given.shape[-1])]
    return np.concatenate(parts, axis=-1) + bias


def slow_spread(given, kernel, bias, stride):
    """Every cell lays the kernel (…, F, C), scaled, on the result."""
    window = kernel.shape[:-2]
    sizes = [(n - 1) * stride + max(k, stride) for n, k in zip(given.shape, window, strict=False)]
    out = np.zeros((*sizes, kernel.shape[-2])) + bias
    for place in np.ndindex(*given.shape[:-1]):
        for tap in np.ndindex(*window):
            cell = tuple(p * stride + t for p, t in zip(place, tap, strict=True))
            out[cell] += kernel[tap] @ given[place]
    return out


KINDS = {
    "Conv1D": (
        layers.Conv1D(3, 4, strides=2, name="conv"),
        lambda kernel, bias: slow_conv(LINE, kernel, bias, stride=2),
    ),
    "Conv1D dilated": (
        layers.Conv1D(3, 3, dilation_rate=2, name="conv"),
        lambda kernel, bias: slow_conv(LINE, kernel, bias, dilation=2),
    ),
    "Conv1D causal": (
        layers.Conv1D(3, 3, dilation_rate=2, padding="causal", name="conv"),
        lambda kernel, bias: slow_conv(np.pad(LINE, [(4, 0), (0, 0)]), kernel, bias, dilation=2),
    ),
    "DepthwiseConv1D": (
        layers.DepthwiseConv1D(3, depth_multiplier=2, name="conv"),
        lambda kernel, bias: slow_depthwise(LINE, kernel, bias),
    ),
    "SeparableConv1D": (
        layers.SeparableConv1D(3, 4, name="conv"),
        lambda depth, point, bias: slow_conv(slow_depthwise(LINE, depth, 0.0), point, bias),
    ),
    "Conv1DTranspose": (
        layers.Conv1DTranspose(3, 4, strides=2, name="conv"),
        lambda kernel, bias: slow_spread(LINE, kernel, bias, 2),
    ),
    "Conv3D": (
        layers.Conv3D(3, (3, 2, 3), name="conv"),
        lambda kernel, bias: slow_conv(VOLUME, kernel, bias),
    ),
    "Conv3D, strides 2": (
        layers.Conv3D(3, (3, 2, 3), strides=2, name="conv"),
        lambda kernel, bias: slow_conv(VOLUME, kernel, bias, stride=2),
    ),
    "Conv3DTranspose": (
        layers.Conv3DTranspose(3, (3, 2, 3), strides=2, name="conv"),
        lambda kernel, bias: slow_spread(VOLUME, kernel, bias, 2),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_over_a_line_or_a_volume_gives_its_own_numbers(kind):
    layer, slow = KINDS[kind]
    given = VOLUME if "3D" in kind else LINE
    layer = fresh(layer)
    model = built(given.shape, layer, layers.ReLU(name="act"))
    run = extraction_from_layer(model, given, "conv", channels=[2, 1])
    expected = slow(*[np.asarray(one, np.float64) for one in layer.get_weights()])[..., [2, 1]]
    expected = expected[(len(expected) - 1) // 2] if "3D" in kind else expected[None]
    np.testing.assert_allclose(run.filtered, expected, atol=1e-5)
    np.testing.assert_array_equal(run.detected, np.maximum(run.filtered, 0))
    assert run.settings.bias == tuple(layer.get_weights()[-1][[2, 1]].tolist())


POOLS = {
    "max": (layers.MaxPooling1D(3, 2, name="pool"), (1, 3), (1, 2)),
    "average": (layers.AveragePooling1D(2, padding="same", name="pool"), (1, 2), (1, 2)),
    "global max": (layers.GlobalMaxPooling1D(name="pool"), (1, 8), (1, 1)),
    "global average": (
        layers.GlobalAveragePooling1D(keepdims=True, name="pool"), (1, 8), (1, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", POOLS)
def test_a_line_is_one_row_at_every_stage(kind):
    pool, size, stride = POOLS[kind]
    model = built(LINE.shape, layers.Conv1D(3, 2, activation="relu", name="conv"), fresh(pool))
    run = extraction_from_layer(model, LINE, "conv")
    maps = feature_maps(model, LINE)
    assert run.image.tolist() == LINE[None].tolist()
    assert run.filtered.tolist() == maps["conv:filter"].tolist()
    assert run.detected.tolist() == maps["conv:detect"].tolist()
    assert run.condensed.reshape(-1, 3).tolist() == maps["pool"][0].reshape(-1, 3).tolist()
    settings = run.settings
    assert settings.pool == kind.replace(" ", "_")
    assert (settings.pool_size, settings.pool_stride) == (size, stride)
    assert "a sequence, its steps in one row" in run.notes


def test_the_words_of_a_line_say_stride_pads_and_what_no_window_reaches():
    stack = [
        layers.Conv1D(3, 2, strides=3, activation="tanh", name="conv"),
        layers.ZeroPadding1D((0, 1), name="pad"),
        layers.MaxPooling1D(2, name="pool"),
    ]
    run = extraction_from_layer(built(LINE.shape, *stack), LINE, "conv")
    assert run.uncovered.columns == (2, 5, 8)
    assert run.pool_pads == ((0, 0), (0, 1))
    words = settings_text(run)
    assert "filter conv (Conv1D), detect within it, condense pool · a sequence" in words
    assert "stride 1×3 · valid · " in words
    assert "no window reaches columns 2, 5, 8 · tanh · max 1×2 stride 1×2" in words
    causal = layers.Conv1D(3, 3, dilation_rate=2, padding="causal", name="conv")
    run = extraction_from_layer(built(LINE.shape, causal), LINE, "conv")
    assert "dilation 1×2 · causal (+0 top, +0 bottom, +4 left, +0 right)" in settings_text(run)


def test_a_line_of_several_channels_is_drawn_with_a_row_for_each():
    model = built((9, 2), layers.Conv1D(3, 2, name="conv"))
    line = LINE.copy()
    line[4, 1] = line.max() + 1
    run = extraction_from_layer(model, line, "conv")
    low, high = float(line.min()), float(line.max())
    expected = (np.repeat(line.T, 2, axis=0) - low) / (high - low)  # 4 rows over 9 steps
    for channel in range(3):
        np.testing.assert_allclose(run.picture.colours[..., channel], expected, atol=1e-6)
    panel = panels_from_extraction(run)[0]
    assert panel.title == "Image\n2 channels, a row for each"
    assert panel.lines[0].startswith("the kernel sees 1×9×2 · ")
    assert panel.lines[-1].endswith(" white")
    alone = built((9, 1), layers.Conv1D(3, 2, name="conv"))
    assert extraction_from_layer(alone, line[:, :1], "conv").picture is None


def test_three_channels_of_a_line_are_no_colours():
    line = np.random.default_rng(0).random((9, 3)).astype(np.float32)
    run = extraction_from_layer(built((9, 3), layers.Conv1D(3, 2, name="conv")), line, "conv")
    assert (run.picture.colours == run.picture.colours[..., :1]).all()


@pytest.mark.parametrize("channels", [1, 2])
def test_a_single_cell_is_no_larger_than_the_rows_beside_it(channels):
    stack = [layers.Conv1D(2, 2, name="conv"), layers.GlobalMaxPooling1D(name="pool")]
    line = LINE[:1].repeat(30, 0)[:, :channels]
    run = extraction_from_layer(built(line.shape, *stack), line, "conv")
    sizes = picture_sizes(panels_from_extraction(run, numbers=False))
    cell, rows = sizes[3], sizes[1:3]
    assert cell[0] == cell[1] <= max(map(min, rows))


def volume_model(conv, *after):
    return built(VOLUME.shape, fresh(conv), *after)


CONVS = {
    "same": layers.Conv3D(2, 3, padding="same", name="conv"),
    "valid, strides": layers.Conv3D(2, (2, 1, 1), strides=(3, 1, 1), name="conv"),
    "one slice": layers.Conv3D(2, (1, 3, 2), name="conv"),
    "transposed same": layers.Conv3DTranspose(2, 3, strides=2, padding="same", name="conv"),
    "transposed, gaps": layers.Conv3DTranspose(2, (2, 1, 1), strides=(3, 1, 1), name="conv"),
    "transposed, output padding": layers.Conv3DTranspose(
        2, 3, strides=2, padding="same", output_padding=0, name="conv"
    ),
}


@pytest.mark.parametrize("kind", CONVS)
def test_the_slices_that_are_named_are_those_that_change_the_map(kind):
    model = volume_model(CONVS[kind])
    whole = feature_maps(model, VOLUME)["conv"][0]
    changed = []
    for number in range(len(VOLUME)):
        other = VOLUME.copy()
        other[number] += 1
        moved = feature_maps(model, other)["conv"][0] != whole
        changed.append(moved.any(axis=(1, 2, 3)))
    for number in range(len(whole)):
        run = extraction_from_layer(model, VOLUME, "conv", slice_number=number)
        assert run.filtered.tobytes() == whole[number].tobytes()
        read = [place for place, moved in enumerate(changed) if moved[number]]
        words = next(note for note in run.notes if note.startswith("slice "))
        words, _, told = words.partition("; no window reaches slice")
        passed = [str(place) for place, moved in enumerate(changed) if not moved.any()]
        assert told.lstrip("s ") == " and ".join(passed)
        head = f"slice {number} of {len(whole)}, from 0; it reads "
        if not read:
            assert words == f"{head}no slice given to it, 0 of 8 is drawn"
        elif len(read) == 1:
            assert words == f"{head}slice {read[0]} of 8 given to it"
            assert run.image.tobytes() == VOLUME[read[0]].tobytes()
        else:
            several = " and ".join(map(str, read)) if len(read) == 2 else f"{read[0]} to {read[-1]}"
            drawn = int(words.rpartition(" is drawn")[0].rpartition(", ")[2])
            assert words == f"{head}{several} of 8 given to it, {drawn} is drawn"
            assert drawn in read
            assert run.image.tobytes() == VOLUME[drawn].tobytes()


def test_the_middle_slice_stands_for_the_volume_and_its_pool_is_of_it():
    stack = [layers.ReLU(name="act"), layers.MaxPooling3D((3, 2, 2), 2, name="pool")]
    model = volume_model(CONVS["same"], *stack)
    run = extraction_from_layer(model, VOLUME, "conv")
    maps = feature_maps(model, VOLUME)
    assert run.notes[1] == (
        "slice 3 of 8, from 0; it reads 2 to 4 of 8 given to it, 3 is drawn; "
        "condense slice 1 of 3 is made of 2 to 4"
    )
    assert run.image.tobytes() == VOLUME[3].tobytes()
    assert run.detected.tobytes() == maps["act"][0][3].tobytes()
    assert run.condensed.tobytes() == maps["pool"][0][1].tobytes()
    made = maps["act"][0][2:5].max(axis=0)[:6, :6].reshape(3, 2, 3, 2, 2).max(axis=(1, 3))
    assert run.condensed.tolist() == made.tolist()
    assert run.settings.pool_size == (3, 2, 2)
    assert run.settings.pool_stride == (2, 2, 2)
    assert run.settings.stride == (1, 1, 1)
    assert panels_from_extraction(run)[3].title.startswith("Condense · max 3×2×2\n")


def test_the_slice_is_one_that_the_pool_reads():
    model = volume_model(CONVS["same"], layers.AveragePooling3D((1, 2, 2), 5, name="pool"))
    run = extraction_from_layer(model, VOLUME, "conv")
    assert run.notes[1].startswith("slice 5 of 8, ")  # windows at 0 and 5; the middle is 3.5
    assert run.notes[1].endswith("; condense slice 1 of 2 is made of 5")
    with pytest.raises(ValueError, match="slice_number must") as caught:
        extraction_from_layer(model, VOLUME, "conv", slice_number=3)
    assert str(caught.value) == ("slice_number must be one that the pool reads, 0 and 5; got 3")


@pytest.mark.parametrize("keep", [False, True], ids=["vector", "one cell"])
def test_a_global_pool_of_a_volume_is_made_of_all_slices(keep):
    pool = layers.GlobalAveragePooling3D(keepdims=keep, name="pool")
    model = volume_model(CONVS["same"], pool)
    run = extraction_from_layer(model, VOLUME, "conv", slice_number=7)
    assert run.notes[1].endswith("; condense slice 0 of 1 is made of 0 to 7")
    assert run.condensed.ravel().tolist() == feature_maps(model, VOLUME)["pool"].ravel().tolist()


def test_padding_before_the_pool_of_a_volume_is_counted():
    stack = [layers.ZeroPadding3D(((1, 0), (0, 1), (1, 0)), name="pad"),
             layers.MaxPooling3D(2, name="pool")]  # fmt: skip
    model = volume_model(CONVS["same"], *stack)
    run = extraction_from_layer(model, VOLUME, "conv", slice_number=0)
    assert run.notes[1].endswith("; condense slice 0 of 4 is made of 0")
    assert run.condensed.tobytes() == feature_maps(model, VOLUME)["pool"][0][0].tobytes()
    assert run.pool_pads == ((0, 1), (1, 0))


@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_padding_before_a_global_pool_is_counted_and_said(kind):
    stack = [layers.ZeroPadding1D((1, 3), name="pad"),
             getattr(layers, f"Global{kind}Pooling1D")(name="pool")]  # fmt: skip
    model = built(LINE.shape, layers.Conv1D(2, 3, name="conv"), *stack)
    run = extraction_from_layer(model, LINE, "conv")
    values = np.pad(run.filtered[0], [(1, 3), (0, 0)])
    expected = values.max(axis=0) if kind == "Max" else values.mean(axis=0)
    np.testing.assert_allclose(run.condensed[0, 0], expected, atol=1e-6)
    words = f"global {kind.lower()} (+0 top, +0 bottom, +1 left, +3 right)"
    assert settings_text(run).endswith(words)
    deep = [layers.ZeroPadding3D((2, 0, 0)), getattr(layers, f"Global{kind}Pooling3D")()]
    run = extraction_from_layer(volume_model(CONVS["same"], *deep), VOLUME, "conv")
    assert run.notes[1].endswith("; condense slice 0 of 1 is made of 0 to 7")


def test_a_pool_that_reads_padding_alone_is_told_as_that():
    stack = [layers.ZeroPadding3D(((5, 0), (0, 0), (0, 0)), name="pad"),
             layers.MaxPooling3D((2, 1, 1), (100, 1, 1), name="pool")]  # fmt: skip
    model = volume_model(CONVS["same"], *stack)
    for number in (None, 0):
        run = extraction_from_layer(model, VOLUME, "conv", slice_number=number)
        assert run.notes[1].endswith("; condense slice 0 of 1 is made of padding alone")
        assert not run.condensed.any()


@pytest.mark.skipif(not hasattr(layers, "AdaptiveMaxPooling3D"), reason="Keras has none yet")
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_an_adaptive_pool_of_a_volume_is_made_of_the_slices_that_are_named(kind):
    pool = getattr(layers, f"Adaptive{kind}Pooling3D")((3, 2, 4), name="pool")
    model = volume_model(CONVS["same"], layers.ReLU(name="act"), pool)
    maps = feature_maps(model, VOLUME)
    act = maps["act"][0]
    made = []
    for number in range(3):
        first, after = 8 * number // 3, -(-8 * (number + 1) // 3)
        part = act[first:after]
        made.append(part.max(axis=0) if kind == "Max" else part.mean(axis=0))
        run = extraction_from_layer(model, VOLUME, "conv", slice_number=after - 1)
        words = " and ".join(map(str, range(first, after)))
        words = words if after - first < 3 else f"{first} to {after - 1}"
        assert run.notes[1].endswith(f"; condense slice {number} of 3 is made of {words}")
        assert run.condensed.tobytes() == maps["pool"][0][number].tobytes()
        rows = [made[-1][3 * one : 3 * one + 3] for one in range(2)]
        pooled = [row.max(axis=0) if kind == "Max" else row.mean(axis=0) for row in rows]
        ends = [(7 * one // 4, -(-7 * (one + 1) // 4)) for one in range(4)]
        cells = [[row[a:b].max(axis=0) if kind == "Max" else row[a:b].mean(axis=0)
                  for a, b in ends] for row in pooled]  # fmt: skip
        np.testing.assert_allclose(run.condensed, np.array(cells), atol=1e-5)
    assert settings_text(run).endswith(f" · adaptive {kind.lower()} to 2×4")


def test_the_picture_of_a_long_line_stays_small():
    line = np.random.default_rng(1).random((5000, 3)).astype(np.float32)
    run = extraction_from_layer(built(line.shape, layers.Conv1D(1, 2, name="conv")), line, "conv")
    assert run.picture.colours.shape == (198, 5000, 3)


WRONG = {
    "beyond": (CONVS["same"], VOLUME, 8, ValueError, "slice_number must be below 8; got 8"),
    "below": (CONVS["same"], VOLUME, -1, ValueError, "slice_number must be .* got -1"),
    "text": (CONVS["same"], VOLUME, "2", TypeError, "slice_number must be a whole number"),
    "of a line": (
        layers.Conv1D(2, 2, name="conv"), LINE, 0, ValueError,
        "slice_number must be None for a convolution that is not over a volume; got 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_slice_is_refused(kind):
    conv, given, number, error, words = WRONG[kind]
    model = built(given.shape, fresh(conv))
    with pytest.raises(error, match=words):
        extraction_from_layer(model, given, "conv", slice_number=number)


def test_what_no_window_of_a_volume_reaches_is_said_in_all_axes():
    conv = layers.Conv3D(2, (2, 2, 3), strides=(3, 2, 3), name="conv")
    pool = layers.MaxPooling3D((2, 1, 1), name="pool")
    run = extraction_from_layer(volume_model(conv, pool), VOLUME, "conv")
    assert run.notes[1].endswith("; no window reaches slices 2 and 5")
    words = settings_text(run)
    assert " · stride 3×2×3 · valid" in words
    assert " · no window reaches column 6 · " in words
    assert " · max 2×1×1 stride 2×1×1" in words
    dilated = layers.Conv1D(2, 2, dilation_rate=3, name="conv")
    run = extraction_from_layer(built(LINE.shape, dilated), LINE, "conv")
    assert "dilation 1×3" in settings_text(run)


def test_the_page_of_a_volume_says_its_slices():
    run = extraction_from_layer(volume_model(CONVS["same"]), VOLUME, "conv")
    texts = [text.get_text() for text in plot_extraction(run).texts]
    footnote = " ".join(" ".join(texts).split())
    assert "slice 3 of 8, from 0; it reads 2 to 4 of 8 given to it, 3 is drawn" in footnote


def test_the_channels_of_a_layer_are_counted_from_0_in_text():
    run = extraction_from_layer(built(LINE.shape, layers.Conv1D(2, 2, name="conv")), LINE, "conv")
    text = str(text_from_extraction(run, form="plain"))
    assert "image, channel 0" in text
    assert "image, channel 1" in text
    assert "image, channel 2" not in text


def test_channels_first_is_followed_over_lines_and_volumes():
    for conv, given in ((layers.Conv1D, LINE), (layers.Conv3D, VOLUME)):
        first = np.moveaxis(given, -1, 0)
        pool = layers.MaxPooling1D if given is LINE else layers.MaxPooling3D
        other = built(given.shape, conv(3, 2, name="conv"), pool(2, name="pool"))
        stack = [
            conv(3, 2, data_format="channels_first", name="conv"),
            pool(2, data_format="channels_first", name="pool"),
        ]
        model = built(first.shape, *stack)
        run, same = (
            extraction_from_layer(one, values, "conv")
            for one, values in ((model, first), (other, given))
        )
        for stage in ("image", "filter", "condense"):
            np.testing.assert_allclose(run.stage(stage), same.stage(stage), atol=1e-5)
        assert run.notes[1] == same.notes[1]


class Late(layers.Conv1D):
    """Its own class, which computes as Keras' does."""

    def call(self, inputs):
        return super().call(inputs)


class Early(layers.Conv1D):
    """Sees the future: its line is turned before it."""

    def call(self, inputs):
        return super().call(inputs[:, ::-1])


def test_an_own_class_over_a_line_is_taken_where_it_gives_what_its_kernels_give():
    settings = {"padding": "causal", "dilation_rate": 2, "name": "conv"}
    model = built(LINE.shape, Late(3, 2, **settings))
    run = extraction_from_layer(model, LINE, "conv")
    assert run.filtered.tobytes() == feature_maps(model, LINE)["conv"].tobytes()
    with pytest.raises(ValueError, match="own class Early gives other numbers"):
        extraction_from_layer(built(LINE.shape, Early(3, 2, **settings)), LINE, "conv")
