"""Titles of pictures: what is refused, and how long ones stand."""

from pathlib import Path

import numpy as np
import pytest

import featviz as fv
from featviz.render.drawing import text_width
from featviz.render.paper import HEAD_SIZE, title_lines

DIGITS = Path(__file__).parents[1] / "images" / "networks" / "digits.keras"
IMAGE = np.eye(8, dtype=np.float32)


@pytest.fixture(scope="module")
def made():
    """What the pictures are drawn of."""
    model = fv.read_model(str(DIGITS))
    maps = fv.feature_maps(model, IMAGE)
    return {
        "model": model,
        "maps": maps,
        "run": fv.extract(IMAGE, "edge"),
        "diagnosis": fv.diagnose(model, IMAGE),
        "comparison": fv.compare(model, model, IMAGE),
        "kernels": fv.layer_kernels(model, "conv1"),
        "top": fv.top_images(model, IMAGE, "conv1"),
    }


PICTURES = {
    "plot_extraction": lambda made: fv.plot_extraction(made["run"], title=3),
    "plot_kernels": lambda _: fv.plot_kernels("edge", title=3),
    "plot_image": lambda _: fv.plot_image(IMAGE, title=3),
    "plot_images": lambda _: fv.plot_images([IMAGE], title=3),
    "plot_grid": lambda _: fv.plot_grid([IMAGE], "edge", title=3),
    "plot_kernels_and_maps": lambda _: fv.plot_kernels_and_maps(IMAGE, "edge", title=3),
    "plot_feature_maps": lambda made: fv.plot_feature_maps(made["maps"], "conv1", title=3),
    "plot_channel_over_image": lambda made: fv.plot_channel_over_image(
        made["maps"], "conv1", 0, title=3
    ),
    "plot_network": lambda made: fv.plot_network(made["model"], IMAGE, title=3),
    "plot_receptive_field": lambda made: fv.plot_receptive_field(
        made["model"], IMAGE, "conv1", cell=0, title=3
    ),
    "plot_top_images": lambda made: fv.plot_top_images(made["top"], title=3),
    "plot_diagnosis": lambda made: fv.plot_diagnosis(made["diagnosis"], title=3),
    "plot_comparison": lambda made: fv.plot_comparison(made["comparison"], "conv1", title=3),
    "plot_layer_kernels": lambda made: fv.plot_layer_kernels(made["kernels"], title=3),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_title_is_a_text(name, made):
    with pytest.raises(TypeError, match=r"^title must be a text or None; got 3$"):
        PICTURES[name](made)


LONG = (
    "Figure 3.1 Photographs under kernels, a line long enough to run beyond the edge of the "
    "printed page of a book, we think, or at least beyond the figure\nand a second $x^2$ & 100 %"
)
DRAWN = {
    "plot_extraction": lambda made, title: fv.plot_extraction(made["run"], title=title),
    "plot_kernels": lambda _, title: fv.plot_kernels("edge", title=title),
    "plot_image": lambda _, title: fv.plot_image(IMAGE, title=title),
    "plot_images": lambda _, title: fv.plot_images([IMAGE], title=title),
    "plot_grid": lambda _, title: fv.plot_grid([IMAGE], "edge", title=title),
    "plot_kernels_and_maps": lambda _, title: fv.plot_kernels_and_maps(IMAGE, "edge", title=title),
    "plot_layer_kernels": lambda made, title: fv.plot_layer_kernels(made["kernels"], title=title),
    "plot_feature_maps": lambda made, title: fv.plot_feature_maps(
        made["maps"], "conv1", title=title
    ),
    "plot_channel_over_image": lambda made, title: fv.plot_channel_over_image(
        made["maps"], "conv1", 0, title=title
    ),
    "plot_network": lambda made, title: fv.plot_network(made["model"], IMAGE, title=title),
    "plot_receptive_field": lambda made, title: fv.plot_receptive_field(
        made["model"], IMAGE, "conv1", cell=0, title=title
    ),
    "plot_top_images": lambda made, title: fv.plot_top_images(made["top"], title=title),
    "plot_diagnosis": lambda made, title: fv.plot_diagnosis(made["diagnosis"], title=title),
    "plot_comparison": lambda made, title: fv.plot_comparison(
        made["comparison"], "conv1", title=title
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_long_title_stands_whole_in_several_lines(name, made):
    figure = DRAWN[name](made, LONG)
    plain = DRAWN[name](made, "x")
    lines = [text for text in figure.texts if text.get_fontsize() == HEAD_SIZE]
    told = [text.get_text() for text in lines]
    assert " ".join(told).split() == LONG.split()
    assert told[-1] == "and a second $x^2$ & 100 %"
    assert figure.get_figheight() > plain.get_figheight() + 0.19
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in lines]
    assert max(box.x1 for box in boxes) <= figure.bbox.width
    assert max(box.y1 for box in boxes) <= figure.bbox.height
    others = [one for one in (*figure.texts, *figure.axes) if one not in lines]
    assert min(box.y0 for box in boxes) >= max(one.get_window_extent().y1 for one in others) - 2


def test_a_word_wider_than_the_page_goes_on_below():
    word = "backbone/" * 20
    lines = title_lines(f"of {word} all", 6)
    assert lines[0] == "of"
    assert "".join(lines[1:]) == f"{word} all"
    assert all(text_width(line, HEAD_SIZE, bold=True) <= 6 for line in lines)


@pytest.mark.parametrize("title", ["", None, " \n "], ids=repr)
def test_no_title_takes_no_room(title):
    figure = fv.plot_kernels("edge", title=title)
    assert figure.get_figheight() == fv.plot_kernels("edge").get_figheight()


def test_one_line_above_one_image_is_its_heading():
    (heading, *_) = fv.plot_image(IMAGE, title="An eye").texts
    assert heading.get_text() == "An eye"
    assert heading.get_fontsize() == 9
