"""Checks that return the value they accept or raise one sentence.

Every sentence has the form ``<argument> must be <rule>; got <value>`` and, where the set of
right answers is known, ends with the nearest one or with the cure.
"""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

LONGEST_SHOWN = 60
# TensorFlow counts cells in 32 bits.
BEYOND = 2**31


def shown(value: object) -> str:
    """Return a ``repr`` of ``value`` of at most 60 characters, for an error sentence.

    Where ``repr`` itself fails (nested too deep, an integer of too many digits), the kind alone.

    Example:
        >>> shown([1] * 30)
        '[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1…'
    """
    try:
        text = " ".join(repr(value).split())
    except (RecursionError, ValueError):
        return f"a value too large to show ({type(value).__name__})"
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def size_text(sizes: Iterable[int | None]) -> str:
    """Return sizes as a person writes them: ``(3, 2)`` becomes ``3×2``; None is any.

    Example:
        >>> size_text((3, 2)), size_text((None, 2))
        ('3×2', 'any×2')
    """
    return "×".join("any" if size is None else str(size) for size in sizes)


def nearest(value: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the nearest known word, or ``""``.

    Example:
        >>> nearest("edg", ["blur", "edge"])
        " (did you mean 'edge'?)"
    """
    words = list(known)
    close = difflib.get_close_matches(value.lower(), words, n=1, cutoff=0.6)
    close = close or [word for word in words if value and value.lower() in word][:1]
    return f" (did you mean {close[0]!r}?)" if close else ""


def one_of(argument: str, value: Any, known: Sequence[str], *, also: str = "") -> str:
    """Return ``value`` when it is one of the ``known`` words.

    Args:
        argument: name of the argument, for the sentence.
        value: what the caller gave.
        known: the words that are accepted.
        also: what else the argument takes, added to the rule (``" or an int"``).

    Returns:
        ``value`` itself.

    Raises:
        ValueError: another word.
        TypeError: not a word at all.

    Example:
        >>> one_of("color", "grey", ("grey", "rgb"))
        'grey'
    """
    if isinstance(value, str) and value in known:
        return value
    rule = f"{argument} must be one of {', '.join(map(repr, known))}{also}; got {shown(value)}"
    if isinstance(value, str):
        raise ValueError(rule + nearest(value, known))
    raise TypeError(rule)


def known_options(options: Iterable[str], known: Sequence[str]) -> None:
    """Refuse the name of an option that is none of the ``known`` ones.

    Raises:
        TypeError: as Python does for a misspelt argument.

    Example:
        >>> known_options(["strde"], ("stride", "border"))
        Traceback (most recent call last):
        TypeError: option must be one of 'stride', 'border'; got 'strde' (did you mean 'stride'?)
    """
    for option in options:
        if option not in known:
            words = ", ".join(map(repr, known))
            close = nearest(option, known)
            raise TypeError(f"option must be one of {words}; got {option!r}{close}")


def whole_number(argument: str, value: Any, *, minimum: int) -> int:
    """Return ``value`` as an int of at least ``minimum``; refuse bools and fractions.

    Example:
        >>> whole_number("rows", 3, minimum=1)
        3
    """
    number = value
    if type(value) is not int:  # numpy's integers, and everything that is refused
        try:
            # numpy's own bool is no bool of Python, and older ones count as an index.
            truth = type(value).__name__.startswith("bool")
            number = None if truth else operator.index(value)
        except (TypeError, AttributeError):  # the latter from TensorFlow's tensors of fractions
            number = None
    if number is not None and minimum <= number < BEYOND:
        return int(number)
    if number is not None and number >= BEYOND:
        raise ValueError(f"{argument} must be below {BEYOND}; got {shown(value)}")
    rule = f"{argument} must be a whole number of at least {minimum}; got {shown(value)}"
    raise TypeError(rule) if number is None else ValueError(rule)


def true_or_false(argument: str, value: Any) -> bool:
    """Return ``value`` as a bool when it is True or False, numpy's too.

    Raises:
        TypeError: anything else; ``"no"`` would count as true.

    Example:
        >>> true_or_false("resize", False)
        False
    """
    if type(value).__name__ not in ("bool", "bool_"):
        raise TypeError(f"{argument} must be True or False; got {shown(value)}")
    return bool(value)


def true_false_or_none(argument: str, value: Any) -> bool | None:
    """Return ``value`` as :func:`true_or_false` does, or None.

    Raises:
        TypeError: anything else.

    Example:
        >>> true_false_or_none("numbers", "auto")
        Traceback (most recent call last):
        TypeError: numbers must be True, False or None; got 'auto'
    """
    if value is not None and type(value).__name__ not in ("bool", "bool_"):
        raise TypeError(f"{argument} must be True, False or None; got {shown(value)}")
    return None if value is None else bool(value)


def list_of(argument: str, values: Any, kind: Any, rule: str) -> list[Any]:
    """Return what can be gone through as a list; a text is no list of letters.

    Args:
        argument: name of the argument, for the sentence.
        values: what the caller gave.
        kind: class that each must be, or several; ``object`` for any.
        rule: what they must be, in words.

    Raises:
        TypeError: no list, or one of another kind in it.

    Example:
        >>> list_of("stages", 5, str, "names of stages")
        Traceback (most recent call last):
        TypeError: stages must be names of stages; got 5
    """
    try:
        several = None if isinstance(values, (str, bytes)) else iter(values)
    except TypeError:
        several = None
    if several is None:
        raise TypeError(f"{argument} must be {rule}; got {shown(values)}")
    found = list(several)
    for one in found:
        if not isinstance(one, kind):
            raise TypeError(f"{argument} must be {rule}; got {shown(one)} among them")
    return found


def per_axis(argument: str, value: Any, *, minimum: int) -> tuple[int, int]:
    """Return ``value`` as (rows, columns): one whole number for both axes, or a pair.

    Example:
        >>> per_axis("stride", 2, minimum=1), per_axis("stride", [2, 1], minimum=1)
        ((2, 2), (2, 1))
    """
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise ValueError(
                f"{argument} must be a whole number or a pair (rows, columns); got {shown(value)}"
            )
        rows, columns = (whole_number(argument, item, minimum=minimum) for item in value)
        return rows, columns
    number = whole_number(argument, value, minimum=minimum)
    return number, number


def real_number(
    argument: str, value: Any, *, above: float | None = None, at_most: float | None = None
) -> float:
    """Return ``value`` as a finite float, larger than ``above`` when that is given.

    Example:
        >>> real_number("gamma", 1, above=0)
        1.0
    """
    kind = TypeError if isinstance(value, (bool, str)) else ValueError
    number = math.nan
    try:
        number = math.nan if kind is TypeError else float(value)
    except (TypeError, ValueError):
        kind = TypeError
    except OverflowError:
        pass
    low = above is not None and number <= above
    high = at_most is not None and number > at_most
    if number - number == 0.0 and not low and not high:
        return number
    rule = f"{argument} must be a finite number"
    rule += f" above {above:g}" if above is not None else ""
    rule += f" and at most {at_most:g}" if at_most is not None else ""
    raise kind(f"{rule}; got {shown(value)}")
