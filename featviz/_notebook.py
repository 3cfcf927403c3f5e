"""The door by which a value finds its drawing when a notebook asks for one.

Values stand below the renderers and may not import them. They call this door, which loads
``featviz.render.notebook`` by name at the moment of display and never before.
"""

from __future__ import annotations

import importlib


def png_from_value(value: object) -> bytes | None:
    """Return the PNG bytes that a notebook shows; None for the value's text."""
    renderer = importlib.import_module("featviz.render.notebook")
    data: bytes | None = renderer.png_from_value(value)
    return data


def latex_from_value(value: object) -> str:
    """Return the LaTeX that a notebook typesets for ``value``."""
    renderer = importlib.import_module("featviz.render.notebook")
    text: str = renderer.latex_from_value(value)
    return text


def markdown_from_value(value: object) -> str:
    """Return the Markdown that a notebook shows for ``value``."""
    renderer = importlib.import_module("featviz.render.notebook")
    text: str = renderer.markdown_from_value(value)
    return text


def text_from_value(value: object) -> str:
    """Return the text that a terminal shows for ``value``, long lists shortened."""
    renderer = importlib.import_module("featviz.render.notebook")
    text: str = renderer.text_from_value(value)
    return text
