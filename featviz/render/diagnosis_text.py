"""A diagnosis as text and Markdown, and as a CSV or JSON file."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from featviz._check import shown, whole_number
from featviz._files import check_target, write_whole
from featviz.captions import one_line, share_text
from featviz.networks.diagnosis import Diagnosis, LayerDiagnosis
from featviz.networks.paths import counted_text
from featviz.networks.verdicts import PASSING, number_text, sentence_of_health
from featviz.render.headed_tables import check_asked, text_from_headed_table
from featviz.render.rows import csv_text

ENDINGS = (".csv", ".json")
HEADINGS = (
    "layer", "maps", "mean", "deviation", "low", "high", "zeros", "dead", "constant", "saturated",
    "equal", "NaN", "inf",
)  # fmt: skip


def text_from_diagnosis(
    diagnosis: Diagnosis, *, form: str = "text", layers: int | None = None
) -> str:
    """Return a diagnosis in words, and a table with a row for each layer.

    Args:
        diagnosis: what :func:`featviz.diagnose` returned.
        form: ``"text"`` or ``"markdown"``.
        layers: how many rows the table may have, those of layers with findings before others, in
            the order of the run; what is left out is counted. None: all.

    Returns:
        Lines without a line break at the end. Mean, deviation and range are those of all finite
        values of the layer but the lowest float of its type, which is counted at the right where
        there is any; dead, constant, saturated and equal count channels; ``–`` stands where an
        activation is not bounded.

    Raises:
        TypeError: no diagnosis.
        ValueError: an unknown form.

    Example:
        >>> import keras
        >>> from featviz.networks.diagnosing import diagnose
        >>> detect = keras.layers.ReLU(name="detect")
        >>> model = keras.Sequential([keras.Input((2,)), detect], name="net")
        >>> print(text_from_diagnosis(diagnose(model, [[-1.0, 2.0], [-3.0, 4.0]])))
        Diagnosis of net over 2 images, 1 layer
        went in: 2×2 float32, −3 to 4 (float64 as given)
        <BLANKLINE>
        detect: 1 of 2 units is dead (0 for all 2 images): 0.
        <BLANKLINE>
        layer   maps  mean  deviation  low  high  zeros  dead  constant  saturated  equal  NaN  inf
        detect     2   1.5       1.66    0     4   50 %     1         0          –      0    0    0
    """
    check_asked("diagnosis", diagnosis, Diagnosis, "diagnose", form)
    most = None if layers is None else whole_number("layers", layers, minimum=1)
    chosen, more = _chosen(list(diagnosis.layers.values()), most)
    return text_from_headed_table(
        _head(diagnosis),
        [f"went in: {line}" for line in diagnosis.went_in],
        _table(diagnosis, chosen),
        form,
        findings=diagnosis.verdict or (sentence_of_health(diagnosis),),
        more=more,
        remarks=diagnosis.notes,
    )


def _chosen(every: list[LayerDiagnosis], most: int | None) -> tuple[list[LayerDiagnosis], str]:
    """Return the layers that have a row, sick ones first choice, and the rest."""
    if most is None or most >= len(every):
        return every, ""
    judged = any(layer.role != PASSING for layer in every)
    # What a layer only passes on is no finding, and still more than nothing.
    ranks = [
        2 if not layer.verdict else 1 if judged and layer.role == PASSING else 0 for layer in every
    ]
    order = sorted(range(len(every)), key=ranks.__getitem__)
    left = [ranks[at] for at in order[most:]]
    sick = f"{left.count(0):,}" if 0 in left else "none"
    whole = counted_text(len(every), "layer")
    more = f"{len(left):,} of {whole} left out, {sick} with findings"
    return [every[at] for at in sorted(order[:most])], more


def _table(diagnosis: Diagnosis, chosen: list[LayerDiagnosis]) -> list[tuple[str, ...]]:
    """Return the rows under their headings, with the lowest float if there is any."""
    every = diagnosis.layers.values()
    rows = [HEADINGS, *map(_row, chosen)]
    if not any(layer.histogram.lowest_count for layer in every):
        return rows
    counts = ["lowest", *(f"{layer.histogram.lowest_count:,}" for layer in chosen)]
    return [(*row, count) for row, count in zip(rows, counts, strict=True)]


def _head(diagnosis: Diagnosis) -> str:
    images = counted_text(diagnosis.images, "image")
    layers = counted_text(len(diagnosis.layers), "layer")
    return f"Diagnosis of {one_line(diagnosis.model)} over {images}, {layers}"


def _row(layer: LayerDiagnosis) -> tuple[str, ...]:
    mean, deviation = _overall(layer)
    shape = "×".join("?" if size is None else str(size) for size in layer.shape)
    saturated = f"{int(layer.saturated.sum()):,}" if layer.bounds else "–"
    finite = [value for value in (*layer.low, *layer.high) if not math.isnan(value)]
    return (
        one_line(layer.path),
        shape or "1",
        number_text(mean),
        number_text(deviation),
        number_text(float(min(finite, default=math.nan))),
        number_text(float(max(finite, default=math.nan))),
        share_text(layer.histogram.zeros / layer.histogram.total),
        f"{int(layer.dead.sum()):,}",
        f"{int(layer.constant.sum()):,}",
        saturated,
        f"{sum(map(len, layer.duplicates)):,}",
        f"{layer.histogram.nan_count:,}",
        f"{layer.histogram.infinite_count:,}",
    )


def _overall(layer: LayerDiagnosis) -> tuple[float, float]:
    """Return mean and deviation of the finite values of all channels."""
    told = layer.stats
    counts = layer.count - told.nan_count - told.infinite_count - told.lowest_count
    some = counts > 0
    total = int(counts.sum())
    if not total:
        return math.nan, math.nan
    weights = counts[some] / total
    mean = float((weights * layer.mean[some]).sum())
    apart = [*(weights**0.5 * layer.deviation[some]), *(weights**0.5 * (layer.mean[some] - mean))]
    return mean, math.hypot(*apart)  # squares of the largest numbers would leave float64


def write_diagnosis(diagnosis: Diagnosis, path: str | os.PathLike[str]) -> Path:
    """Write the numbers about every channel to a file, whole or not at all.

    Args:
        diagnosis: what :func:`featviz.diagnose` returned.
        path: ends in ``.csv`` (a row for each channel) or ``.json`` (also the verdict, what went
            in, and the histograms).

    Returns:
        The path. What is not a number is empty in CSV and null in JSON.

    Raises:
        TypeError: no diagnosis, or no path.
        ValueError: another ending, an empty path, or a zero byte in it.
        OSError: the file cannot be written; what was there before is untouched.

    Example:
        >>> import keras, tempfile
        >>> from featviz.networks.diagnosing import diagnose
        >>> detect = keras.layers.ReLU(name="detect")
        >>> model = keras.Sequential([keras.Input((2,)), detect], name="net")
        >>> told = diagnose(model, [[-1.0, 2.0], [-3.0, 4.0]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     print(write_diagnosis(told, Path(folder, "told.csv")).read_text()[:43])
        path,kind,channel,count,mean,deviation,low,
    """
    if not isinstance(diagnosis, Diagnosis):
        raise TypeError(f"diagnosis must come from diagnose(); got {shown(diagnosis)}")
    ending = check_target(path, ENDINGS)
    text = _csv(diagnosis) if ending == ".csv" else _json(diagnosis)
    return write_whole(path, text.encode("utf-8"))


def _csv(diagnosis: Diagnosis) -> str:
    rows = diagnosis.rows
    lines = [[None if _missing(value) else value for value in row.values()] for row in rows]
    return csv_text([list(rows[0]) if rows else [], *lines])


def _json(diagnosis: Diagnosis) -> str:
    told = {
        "model": diagnosis.model,
        "images": diagnosis.images,
        "healthy": diagnosis.healthy,
        "verdict": diagnosis.verdict,
        "went_in": diagnosis.went_in,
        "broken_weights": [_broken(*one) for one in diagnosis.broken_weights],
        "broken_inputs": [_broken(*one) for one in diagnosis.broken_inputs],
        "unseen": dict(diagnosis.unseen),
        "layers": [_layer(layer) for layer in diagnosis.layers.values()],
    }
    return json.dumps(told, ensure_ascii=False, allow_nan=False) + "\n"


def _broken(name: str, nan: int, infinite: int) -> dict[str, Any]:
    return {"name": name, "nan_count": nan, "infinite_count": infinite}


def _layer(layer: LayerDiagnosis) -> dict[str, Any]:
    histogram = layer.histogram
    return {
        "path": layer.path,
        "kind": layer.kind,
        "settings": layer.info.settings,
        "shape": layer.shape,
        "dtype": layer.dtype,
        "images": layer.images,
        "missed": layer.missed,
        "maps_each": layer.maps_each,
        "bounds": layer.bounds,
        "saturation": layer.saturation,
        "saturated_from": layer.saturated_from,
        "first_broken": layer.first_broken,
        "duplicates": layer.duplicates,
        "histogram": {
            "edges": histogram.edges.tolist(),
            "counts": histogram.counts.tolist(),
            "zeros": histogram.zeros,
            "nan_count": histogram.nan_count,
            "infinite_count": histogram.infinite_count,
            "lowest_count": histogram.lowest_count,
        },
        "channels": [
            {
                name: None if _missing(value) else value
                for name, value in row.items()
                if name not in ("path", "kind")
            }
            for row in layer.rows
        ],
    }


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))
