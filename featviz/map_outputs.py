"""Which entries of a recording a picture shows, by how its layers were chosen."""

from __future__ import annotations

from typing import Any

from featviz.map_choice import paths_of_outputs
from featviz.networks.selection import Selection, choice_from_layers
from featviz.networks.values import FeatureMaps


def paths_of_choice(maps: FeatureMaps, layers: Any) -> list[str]:
    """Return the paths of a recording that a picture of its layers shows.

    These are the outputs. What a convolution gives before the activation inside it is one of them
    where a name or pattern with a colon asks for it, such as ``conv:filter`` or ``*:filter``.

    Args:
        maps: the recording of these layers.
        layers: as they were chosen for it, in a form that can be read twice.

    Example:
        >>> import numpy as np
        >>> from featviz.networks.values import LayerInfo
        >>> layers = {p: LayerInfo(p, p[0], "", "", -1) for p in ("a:filter", "a:detect", "b")}
        >>> maps = FeatureMaps(dict.fromkeys(layers, np.zeros((1, 2))), layers, (), (), "net")
        >>> paths_of_choice(maps, ["a", "b"]), paths_of_choice(maps, ["*", "a:filter"])
        (['a:detect', 'b'], ['a:filter', 'a:detect', 'b'])
    """
    choice = choice_from_layers(layers) or ()
    stages = [one for one in choice if isinstance(one, str) and ":" in one]
    asked = Selection(stages) if stages else None
    outputs = set(paths_of_outputs(maps))
    return [
        path
        for path in maps
        if path in outputs or (asked is not None and asked.takes(path, maps.layers[path]))
    ]
