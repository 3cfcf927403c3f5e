"""Every picture refuses a title that is no text, in one sentence."""

from pathlib import Path

import numpy as np
import pytest

import featviz as fv

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
