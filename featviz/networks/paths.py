"""Paths of layers: without their stage, found among others, and refused in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from featviz._check import nearest, shown

STAGES = (":filter", ":detect")
# As many names as an error sentence can hold and still be read.
MOST_NAMES_SHOWN = 30


# Signs with a meaning in paths, which the name of a layer may hold as well.
_MARKS = str.maketrans(dict.fromkeys("@#:[]/", "_"))


def name_in_path(name: str) -> str:
    """Return a layer's name as it stands in paths, without their own signs.

    Example:
        >>> name_in_path("conv@2"), name_in_path("block1_conv1")
        ('conv_2', 'block1_conv1')
    """
    return name if name.isidentifier() else name.translate(_MARKS)


# What TensorFlow takes as the name of a scope, which Keras opens for every layer in a graph.
_SCOPE = re.compile(r"[A-Za-z0-9_.\\/>-]*")


def name_without_scope(names: Iterable[str]) -> str | None:
    """Return the first name that no graph of TensorFlow takes, or None.

    Args:
        names: of the model, which begins the scope, and of the layers below it.

    Example:
        >>> name_without_scope(["model", "conv_1"]), name_without_scope(["model", "größe"])
        (None, 'größe')
    """
    for number, name in enumerate(names):
        if not _SCOPE.fullmatch(name) or (number == 0 and not re.match("[A-Za-z0-9.]", name)):
            return name
    return None


def layers_of_model(model: Any) -> list[Any]:
    """Return a model and every layer below it, however deep, each once.

    Args:
        model: a Keras model, or any layer.
    """
    # Private, as Keras has no public way to list the layers inside layers: ``model.layers`` ends
    # at the first ones, and the parts of a layer of the caller's own stand nowhere else.
    layers: list[Any] = model._flatten_layers()
    return layers


def layers_within(layer: Any) -> list[Any]:
    """Return the layers that a layer itself holds, not those inside them."""
    # Private for the same reason.
    layers: list[Any] = layer._flatten_layers(recursive=False, include_self=False)
    return layers


def base_of(path: str) -> str:
    """Return a path without its stage, ``:filter`` or ``:detect``.

    Example:
        >>> base_of("block/conv:detect"), base_of("pool")
        ('block/conv', 'pool')
    """
    for stage in STAGES:
        path = path.removesuffix(stage)
    return path


class PathError(KeyError, ValueError):
    """No entry of this path: a key that is missing, and a wrong value.

    It prints as a plain sentence, where a KeyError would put it in quotes.

    Example:
        >>> str(PathError("path must be one of 'conv'; got 'cnov'"))
        "path must be one of 'conv'; got 'cnov'"
    """

    __str__ = ValueError.__str__


def check_path(path: Any) -> str:
    """Return a path that is a text.

    Raises:
        TypeError: another kind.

    Example:
        >>> check_path("conv")
        'conv'
    """
    if not isinstance(path, str):
        raise TypeError(f"path must be the text of a layer's path; got {shown(path)}")
    return path


def known_path(path: Any, known: Iterable[str], unseen: Mapping[str, str] | None = None) -> str:
    """Return the full path among those known.

    Args:
        path: with or without ``:detect``.
        known: full paths.
        unseen: path → why a layer that ran is not among them.

    Raises:
        TypeError: no text.
        PathError: no such path; the nearest and the list are named.

    Example:
        >>> known_path("conv", ["conv:filter", "conv:detect"])
        'conv:detect'
        >>> known_path("mean", ["conv"], {"mean": "gives text"})
        Traceback (most recent call last):
        featviz.networks.paths.PathError: path must be one of 'conv'; got 'mean', which gives text
    """
    names = list(known)
    found = found_path(check_path(path), names)
    if found is not None:
        return found
    raise PathError(refused_path(path, names, unseen=unseen))


def found_path(path: Any, known: Iterable[str]) -> str | None:
    """Return the full path among those known, None if there is none.

    Args:
        path: with or without ``:detect``; of a layer inside others its last name will do, where
            no other layer has it.
        known: full paths.

    Example:
        >>> found_path("conv", ["outer/conv:filter", "outer/conv:detect"])
        'outer/conv:detect'
    """
    if not isinstance(path, str):
        return None
    names = known if hasattr(known, "__contains__") else list(known)
    asked = (path, f"{path}:detect")
    found = next((one for one in asked if one in names), None)
    if found is not None or "/" in path:
        return found
    inside = [one for one in names if one.rpartition("/")[2] in asked]
    return inside[-1] if len(set(map(base_of, inside))) == 1 else None


def refused_path(
    path: Any,
    known: Iterable[str],
    rule: str = "path must be one of",
    *,
    unseen: Mapping[str, str] | None = None,
) -> str:
    """Return why a path is refused: the list, what came, and the reason or nearest.

    Args:
        path: what came.
        known: full paths.
        rule: how the sentence begins.
        unseen: path → why a layer that ran is not among them.

    Example:
        >>> refused_path("cnov", ["conv:filter", "conv:detect"])
        "path must be one of 'conv:filter', 'conv:detect'; got 'cnov' (did you mean 'conv'?)"
    """
    names = list(known)
    hint = unseen_text(path, unseen or {}) or nearest_path(path, names)
    return f"{rule} {names_text(names)}; got {shown(path)}{hint}"


def unseen_text(path: Any, unseen: Mapping[str, str]) -> str:
    """Return why a layer gave no entry, behind its path, or nothing.

    Args:
        path: of the layer; inside others its last name will do, where no other layer has it.
        unseen: path → why it gave none.

    Example:
        >>> unseen_text("mean", {"inner/mean": "gives text"}), unseen_text("other", {})
        (', which gives text', '')
    """
    found = found_path(path, unseen)
    return "" if found is None else f", which {unseen[found]}"


def nearest_path(path: Any, known: Iterable[str]) -> str:
    """Return a hint at the nearest path, also at one without its stage, or nothing.

    Example:
        >>> nearest_path("block/conv@2", ["block/conv", "block@2/conv:detect"])
        " (did you mean 'block@2/conv'?)"
    """
    if not isinstance(path, str):
        return ""
    names = list(known)
    bases = dict.fromkeys(map(base_of, names))
    moved = _moved_call(path, [*bases, *names])
    return nearest(path, [*bases, *names]) if moved is None else f" (did you mean {moved!r}?)"


# What tells the calls of a layer apart.
_CALL = re.compile(r"@[0-9]+(?=[/:\[]|$)")


def _moved_call(path: str, known: Iterable[str]) -> str | None:
    """Return the path of the same call whose number stands at another part, or None.

    A layer inside a block that is called twice runs once in each call of the block:
    ``block@2/conv`` is what one may ask for as ``block/conv@2``.
    """
    calls, plain = sorted(_CALL.findall(path)), _CALL.sub("", path)
    same = [one for one in known if calls and sorted(_CALL.findall(one)) == calls]
    ends = [one for one in same if f"/{_CALL.sub('', one)}".endswith(f"/{plain}")]
    return min(ends, key=len, default=None)


def names_text(names: Sequence[str]) -> str:
    """Return names for an error sentence, the first thirty and how many more."""
    return first_text(list(map(repr, names)), MOST_NAMES_SHOWN)


def counted_text(count: int, noun: str) -> str:
    """Return a number with its noun, one or several of it.

    Example:
        >>> counted_text(1, "layer"), counted_text(2000, "image")
        ('1 layer', '2,000 images')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def first_text(words: Sequence[str], most: int, noun: str = "", *, joint: str = ", ") -> str:
    """Return the first words of several, and how many more there are.

    Args:
        words: all of them.
        most: how many are told.
        noun: of one of them, if the rest is to be named.
        joint: stands between two.

    Example:
        >>> first_text(["a", "b", "c", "d"], 2), first_text(["a", "b", "c"], 2, "layer")
        ('a, b and 2 more', 'a, b and 1 more layer')
    """
    text, more = joint.join(words[:most]), len(words) - most
    several = f" {noun}{'s' * (more > 1)}" if noun else ""
    return f"{text} and {more:,} more{several}" if more > 0 else text
