"""Kernels from names, numbers, formulas and files: everything a user may write."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from featviz.kernel_sources import read_kernel, read_kernels, rows_from_file
from featviz.kernels import Kernel
from featviz.presets import FAMILIES, PRESETS

ROWS = ((1, Fraction(-1, 10)), (Fraction(1, 9), 4))
SKEW = ((1, 2, -3), (4, 0, 5))  # no symmetry at all


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def saved(folder: Path, name: str, values) -> Path:
    np.save(folder / name, values, allow_pickle=True)
    return folder / name


# ------------------------------------------------------------------ files

TEXT_FILES = {
    "nested.json": '[[1, -0.1], ["1/9", 4.0]]',
    "object.json": '{"name": "mine", "rows": [[1, "-1/10"], ["1/9", 4]]}',
    "commas.csv": '1,-0.1\n"1/9", 4\n\n',
    "semicolons.csv": "\ufeff1;-.1\r\n1/9;4\r\n",
    "blanks.txt": "# a comment\n1 -0.1  # a tenth\n\n1/9\t4",
    "commas.TXT": "1, -1/10,\n1/9, 4,\n",
    "brackets.txt": "[[1, -1/10], # and\n [1/9, 4]]",
}


@pytest.mark.parametrize(("name", "text"), TEXT_FILES.items(), ids=TEXT_FILES)
def test_a_text_file_is_read_exactly(tmp_path, name, text):
    path = put(tmp_path, name, text)
    assert rows_from_file(path) == ROWS
    assert rows_from_file(os.fsencode(path)) == ROWS
    for source in (path, str(path), f"  {path} "):
        assert read_kernel(source) == Kernel(ROWS, name=path.stem)
    assert read_kernel(str(path), name="label").name == "label"


@pytest.mark.parametrize(
    "values",
    [
        np.array(SKEW, np.int8),
        np.array(SKEW, ">f4"),
        np.asfortranarray(np.array(SKEW, np.float64)),
        np.array(SKEW, np.float16),
    ],
    ids=["int8", "big endian", "columns first", "float16"],
)
def test_an_array_file_is_read_with_its_axes_as_they_are(tmp_path, values):
    path = saved(tmp_path, "skew.npy", values)
    assert rows_from_file(path) == SKEW
    assert read_kernel(str(path)).name == "skew"
    assert read_kernel(saved(tmp_path, "mask.npy", values > 0)).rows == ((1, 1, 0), (1, 0, 1))


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_array_file_is_refused_or_read(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(saved(folder, "k.npy", np.array(SKEW, np.float32)).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(32, 126))
    cut = data.draw(st.integers(1, len(content)))
    path = put(folder, "k.npy", bytes(content[:cut]))
    try:
        rows_from_file(path)
    except (TypeError, ValueError) as caught:
        sentence = str(caught)
    else:
        sentence = f"kernel file {str(path)!r}"
    assert sentence.startswith("kernel file ")


@given(st.sampled_from([".json", ".csv", ".txt", ".npy"]), st.binary(min_size=1, max_size=60))
def test_no_bytes_break_a_reader(tmp_path_factory, ending, content):
    path = put(tmp_path_factory.mktemp("bytes"), f"k{ending}", content)
    try:
        rows = rows_from_file(path)
    except (TypeError, ValueError) as caught:
        assert " must " in str(caught)  # noqa: PT017
    else:
        assert Kernel(rows).rows == rows


JSON_RULE = "must be nested lists or an object with 'rows'"
ARRAY_RULE = "must be an array with two axes of real numbers, saved by numpy.save"
NO_NUMBER = "must hold numbers like 2, -0.5 or 1/9"
FILE_ERRORS = {
    "missing": ("no.json", None, FileNotFoundError, "kernel file must exist; got 'no.json'"),
    "missing folder": (
        "no/where/k.csv",
        None,
        FileNotFoundError,
        "kernel file must exist; got 'no/where/k.csv'",
    ),
    "under a file": (
        "here.txt/k.csv",
        None,
        FileNotFoundError,
        "kernel file must exist; got 'here.txt/k.csv'",
    ),
    "zero in the name": (
        "a\0.csv",
        None,
        FileNotFoundError,
        "kernel file must exist; got 'a\\x00.csv'",
    ),
    "long name": (
        "a" * 400 + ".csv",
        None,
        FileNotFoundError,
        "kernel file must exist; got '" + "a" * 58 + "…",
    ),
    "folder": (
        "folder.csv",
        None,
        IsADirectoryError,
        "kernel must be a file; got the folder 'folder.csv'",
    ),
    "folder without ending": (
        "folder",
        None,
        IsADirectoryError,
        "kernel must be a file; got the folder 'folder'",
    ),
    "pipe": (
        "pipe.txt",
        None,
        ValueError,
        "kernel must be an ordinary file; got the device or pipe 'pipe.txt'",
    ),
    "ending": (
        "k.yaml",
        "1",
        ValueError,
        "kernel file must end in .json, .csv, .txt or .npy; got 'k.yaml'",
    ),
    "no ending": (
        "kernel",
        "1",
        ValueError,
        "kernel file must end in .json, .csv, .txt or .npy; got 'kernel'",
    ),
    "empty": (
        "k.csv",
        "",
        ValueError,
        "kernel file must hold rows of numbers; got 'k.csv', which is empty",
    ),
    "only comments": (
        "k.txt",
        "# 1 2\n",
        ValueError,
        "kernel file 'k.txt' must be rows of numbers, like [[1, 2], [3, 4]]; got no rows",
    ),
    "large": (
        "k.txt",
        "1 " * 500_001,
        ValueError,
        "kernel file must be at most 1000000 bytes; got 'k.txt', larger",
    ),
    "not UTF-8": (
        "k.txt",
        b"1 \xff",
        ValueError,
        "kernel file 'k.txt' must be UTF-8 text; got 0xff at byte 2",
    ),
    "broken JSON": (
        "k.json",
        "[[1, 2],\n [3 4]]",
        ValueError,
        "kernel file 'k.json' must be JSON; got Expecting ',' delimiter at line 2, column 5",
    ),
    "JSON of many levels": (
        "k.json",
        "[" * 400_000,
        ValueError,
        "kernel file 'k.json' must be rows of numbers; got too many levels",
    ),
    "JSON object": (
        "k.json",
        '{"kernel": [[1]]}',
        ValueError,
        f"kernel file 'k.json' {JSON_RULE}; got the keys ['kernel']",
    ),
    "JSON text": (
        "k.json",
        '"edge"',
        TypeError,
        f"kernel file 'k.json' {JSON_RULE}; got 'edge'",
    ),
    "JSON null": (
        "k.json",
        "[[1, null]]",
        TypeError,
        "kernel file 'k.json', row 1, column 2 must hold real numbers; got None",
    ),
    "JSON NaN": (
        "k.json",
        "[[NaN]]",
        ValueError,
        "kernel file 'k.json', row 1, column 1 must hold finite numbers; got nan",
    ),
    "CSV word": (
        "k.csv",
        "1,2\n3,x\n",
        ValueError,
        f"kernel file 'k.csv', row 2, column 2 {NO_NUMBER}; got 'x'",
    ),
    "CSV decimal comma": (
        "k.csv",
        "0,5;1\n",
        ValueError,
        f"kernel file 'k.csv', row 1, column 1 {NO_NUMBER}; got '0,5'",
    ),
    "CSV open quote": (
        "k.csv",
        '"1,2\n',
        ValueError,
        "kernel file 'k.csv' must be CSV; got unexpected end of data",
    ),
    "CSV ragged": (
        "k.csv",
        "1,2\n3\n",
        ValueError,
        "kernel file 'k.csv' must have rows of equal length; got 2 numbers in row 1 and 1 in row 2",
    ),
    "no array": (
        "k.npy",
        b"PK\x03\x04 an archive",
        ValueError,
        f"kernel file 'k.npy' {ARRAY_RULE}; got a broken file",
    ),
    "array of objects": (
        "k.npy",
        np.array([[1, None]], object),
        TypeError,
        f"kernel file 'k.npy' {ARRAY_RULE}; got object with shape 1×2",
    ),
    "array of one axis": (
        "k.npy",
        np.arange(3),
        TypeError,
        f"kernel file 'k.npy' {ARRAY_RULE}; got int64 with shape 3",
    ),
    "array of no axis": (
        "k.npy",
        np.array(3.0),
        TypeError,
        f"kernel file 'k.npy' {ARRAY_RULE}; got float64 with shape ()",
    ),
    "complex array": (
        "k.npy",
        np.ones((1, 1), complex),
        TypeError,
        f"kernel file 'k.npy' {ARRAY_RULE}; got complex128 with shape 1×1",
    ),
    "array that promises more": (
        "k.npy",
        b"\x93NUMPY\x01\x00\x46\x00"
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (900000, 900000)}  \n",
        ValueError,
        f"kernel file 'k.npy' {ARRAY_RULE}; got a broken file",
    ),
}


@pytest.mark.parametrize(
    ("name", "content", "error", "text"), FILE_ERRORS.values(), ids=FILE_ERRORS
)
def test_every_error_of_a_file_is_one_exact_sentence(
    tmp_path, monkeypatch, name, content, error, text
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder").mkdir()
    put(tmp_path, "here.txt", "1")
    os.mkfifo(tmp_path / "pipe.txt")
    if isinstance(content, np.ndarray):
        saved(tmp_path, name, content)
    elif content is not None:
        put(tmp_path, name, content)
    with pytest.raises(error) as caught:
        rows_from_file(name)
    assert str(caught.value) == text
    assert type(caught.value) is error
    with pytest.raises(error, match=r"^bias "):
        rows_from_file(name, where="bias")


def test_an_array_file_that_promises_more_takes_no_memory(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (30000, 30000)}"
    path = put(tmp_path, "k.npy", b"\x93NUMPY\x01\x00\x46\x00" + header.ljust(69) + b"\n")
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="broken file"):
            rows_from_file(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


# ------------------------------------------------------------------ one kernel


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_read_by_its_name(name):
    assert read_kernel(name) is PRESETS[name]
    assert read_kernel(f" {name}\n") is PRESETS[name]


SAME = {
    "text": "1 2 -3; 4 0 5",
    "lines": "1, 2, -3\n4, 0, 5\n",
    "bracket text": "[[1, 2, -3], [4, 0, 5]]",
    "minus sign": "1 2 −3; 4 0 5",
    "lists": [[1, 2, -3], [4, 0, 5]],
    "lists of text": [["1", "2", "-3"], ["8/2", "0", "5"]],
    "tuples": SKEW,
    "array": np.array(SKEW),
    "sympy": sympy.Matrix(SKEW),
    "kernel": Kernel(SKEW),
}


@pytest.mark.parametrize("source", SAME.values(), ids=SAME)
def test_numbers_in_any_dress_are_one_kernel(source):
    assert read_kernel(source) == Kernel(SKEW, name="kernel")
    assert read_kernel(source, name="mine") == Kernel(SKEW, name="mine")
    assert read_kernels(source) == (Kernel(SKEW, name="kernel"),)


def test_a_kernel_is_returned_as_it_is():
    kernel = Kernel(SKEW, name="skew", source="here")
    assert read_kernel(kernel) is kernel
    assert read_kernel(kernel, name="skew") is kernel
    assert read_kernel(kernel, name="other").source == "here"


CALLS = {
    "gaussian(5, 1.5)": ("gaussian", (5, 1.5), {}),
    " gaussian ( (3, 5) ,sigma = .5, )": ("gaussian", ((3, 5), 0.5), {}),
    "gaussian(sigma=2, size=[3, 5])": ("gaussian", ((3, 5), 2), {}),
    "gabor(9, 4, angle_degrees=45)": ("gabor", (9, 4), {"angle_degrees": 45}),
    "gabor(9, 4, sigma=None, phase_degrees=-90)": ("gabor", (9, 4), {"phase_degrees": -90}),
    "motion_blur(7, angle_degrees=3e1)": ("motion_blur", (7,), {"angle_degrees": 30}),
    "laplacian_of_gaussian(9, 1.4)": ("laplacian_of_gaussian", (9, 1.4), {}),
    "box(3)": ("box", (3,), {}),
}


@pytest.mark.parametrize(("text", "call"), CALLS.items(), ids=CALLS)
def test_a_family_is_called_by_its_text(text, call):
    family, arguments, options = call
    kernel = FAMILIES[family](*arguments, **options)
    assert read_kernel(text) == kernel
    assert read_kernel(kernel.name) == kernel
    assert read_kernel(text).source == kernel.source
    assert read_kernel(text, name="x").name == "x"


UNKNOWN = (
    'must be a preset\'s name, numbers like "0 1; 1 0", a family like "gaussian(5, 1)" '
    "or a file (.json .csv .txt .npy)"
)
RULE = "must be rows of numbers, like [[1, 2], [3, 4]]"
LACKS = "missing a required argument"
GAUSSIAN = "gaussian must be called as gaussian(size, sigma)"
GABOR = (
    "gabor must be called as gabor(size, wavelength, *, angle_degrees=0.0, sigma=None, "
    "phase_degrees=0.0, aspect_ratio=0.5)"
)


def mean(name):
    return f" (did you mean {name!r}?)"


ERRORS = {
    "egde": (ValueError, f"kernel {UNKNOWN}; got 'egde'" + mean("edge")),
    "Sharpen": (ValueError, f"kernel {UNKNOWN}; got 'Sharpen'" + mean("sharpen")),
    "sobel": (ValueError, f"kernel {UNKNOWN}; got 'sobel'" + mean("top_sobel")),
    "some mean filter": (ValueError, f"kernel {UNKNOWN}; got 'some mean filter'"),
    "gaussian": (ValueError, f"kernel {UNKNOWN}; got 'gaussian'" + mean("gaussian(5, 1)")),
    "gabr": (ValueError, f"kernel {UNKNOWN}; got 'gabr'" + mean("gabor(9, 4)")),
    "": (ValueError, f"kernel {UNKNOWN}; got ''"),
    "-": (ValueError, f"kernel {UNKNOWN}; got '-'"),
    "edge; blur": (ValueError, f"kernel {UNKNOWN}; got 'edge; blur'"),
    "1 x": (ValueError, f"kernel, row 1, column 2 {NO_NUMBER}; got 'x'"),
    "1 2; 3": (
        ValueError,
        "kernel must have rows of equal length; got 2 numbers in row 1 and 1 in row 2",
    ),
    "[1, 2]": (TypeError, f"kernel {RULE}; got '1' as row 1"),
    "photo.png": (
        ValueError,
        "kernel file must end in .json, .csv, .txt or .npy; got 'photo.png'",
    ),
    "nothing.csv": (FileNotFoundError, "kernel file must exist; got 'nothing.csv'"),
    "gauss(3, 1)": (
        ValueError,
        "kernel family must be one of 'gaussian', 'laplacian_of_gaussian', 'gabor', "
        "'motion_blur', 'box'; got 'gauss'" + mean("gaussian"),
    ),
    "gaussian()": (ValueError, f"{GAUSSIAN}; got 'gaussian()': {LACKS}: 'size'"),
    "gaussian(5)": (ValueError, f"{GAUSSIAN}; got 'gaussian(5)': {LACKS}: 'sigma'"),
    "gaussian(5, 1, 2)": (
        ValueError,
        f"{GAUSSIAN}; got 'gaussian(5, 1, 2)': too many positional arguments",
    ),
    "gaussian(5, 1, size=5)": (
        ValueError,
        f"{GAUSSIAN}; got 'gaussian(5, 1, size=5)': multiple values for argument 'size'",
    ),
    "gaussian(5, sigma=1, sigma=1)": (
        ValueError,
        f"{GAUSSIAN}; got 'gaussian(5, sigma=1, sigma=1)'",
    ),
    "gaussian(sigma=1, 5)": (ValueError, f"{GAUSSIAN}; got 'gaussian(sigma=1, 5)'"),
    "gaussian(5,, 1)": (ValueError, f"{GAUSSIAN}; got 'gaussian(5,, 1)'"),
    "gaussian(f(5), 1)": (ValueError, f"{GAUSSIAN}; got 'gaussian(f(5), 1)'"),
    "gaussian(five, 1)": (ValueError, f"{GAUSSIAN}; got 'gaussian(five, 1)'"),
    "gaussian((), 1)": (
        ValueError,
        "size must be a whole number or a pair (rows, columns); got ()",
    ),
    "gaussian(5, nan)": (ValueError, f"{GAUSSIAN}; got 'gaussian(5, nan)'"),
    "gaussian(2.5, 1)": (TypeError, "size must be a whole number of at least 1; got 2.5"),
    "gaussian(5, 0)": (ValueError, "sigma must be a finite number above 0; got 0"),
    "gaussian(5, None)": (TypeError, "sigma must be a finite number above 0; got None"),
    "gabor(9, 4, angle=45)": (
        ValueError,
        f"{GABOR}; got 'gabor(9, 4, angle=45)', where 'angle' is unknown" + mean("angle_degrees"),
    ),
    "gabor(9, 4, 45)": (
        ValueError,
        f"{GABOR}; got 'gabor(9, 4, 45)': too many positional arguments",
    ),
}


@pytest.mark.parametrize(("source", "expected"), ERRORS.items(), ids=map(repr, ERRORS))
def test_every_error_of_a_text_is_one_exact_sentence(tmp_path, monkeypatch, source, expected):
    monkeypatch.chdir(tmp_path)
    error, text = expected
    for call in (read_kernel, read_kernels):
        with pytest.raises(error) as caught:
            call(source)
        assert str(caught.value) == text
        assert type(caught.value) is error


OTHER_ERRORS = {
    "None": (lambda: read_kernel(None), TypeError, f"kernel {RULE}; got None"),
    "a number": (lambda: read_kernels(3), TypeError, f"kernel {RULE}; got 3"),
    "bytes": (lambda: read_kernels(b"edge"), TypeError, f"kernel {RULE}; got b'edge'"),
    "a class": (lambda: read_kernels(np.ndarray), TypeError, f"kernel {RULE}; got {np.ndarray}"),
    "an object": (
        lambda: read_kernel({"rows": [[1]]}),
        TypeError,
        f"kernel {RULE}; got {{'rows': [[1]]}}",
    ),
    "empty name": (
        lambda: read_kernel("edge", name=""),
        ValueError,
        "name must be a text that is not empty; got ''",
    ),
    "name of a number": (
        lambda: read_kernel([[1]], name=3),
        TypeError,
        "name must be a text; got 3",
    ),
    "no list": (lambda: read_kernels([]), ValueError, "kernels must be at least one; got none"),
    "no mapping": (lambda: read_kernels({}), ValueError, "kernels must be at least one; got none"),
    "no arrays": (
        lambda: read_kernels(np.ones((0, 3, 3))),
        ValueError,
        "kernels must be at least one; got none",
    ),
    "a set": (
        lambda: read_kernels({"edge"}),
        TypeError,
        "kernels must be in a list, which keeps its order; got {'edge'}",
    ),
    "one axis": (
        lambda: read_kernels(np.arange(3)),
        TypeError,
        "kernels must be an array (h, w) or (K, h, w); got (3,) as its shape",
    ),
    "four axes": (
        lambda: read_kernels(np.ones((3, 3, 1, 8))),
        TypeError,
        "kernels must be an array (h, w) or (K, h, w); got (3, 3, 1, 8) as its shape",
    ),
    "numbers in a row": (
        lambda: read_kernels([1, 2, 3]),
        TypeError,
        f"kernel {RULE}; got 1 as row 1",
    ),
    "second of a list": (
        lambda: read_kernels(["edge", "egde"]),
        ValueError,
        f"kernel 2 {UNKNOWN}; got 'egde'" + mean("edge"),
    ),
    "second of an array": (
        lambda: read_kernels(np.array([[[1.0]], [[np.nan]]])),
        ValueError,
        "kernel 2, row 1, column 1 must hold finite numbers; got nan",
    ),
    "second of a mapping": (
        lambda: read_kernels({"a": "edge", "b": "1 2; 3"}),
        ValueError,
        "kernel 'b' must have rows of equal length; got 2 numbers in row 1 and 1 in row 2",
    ),
    "row among names": (
        lambda: read_kernels(["edge", [1, 2]]),
        TypeError,
        f"kernel {RULE}; got 'edge' as row 1",
    ),
    "label of a number": (
        lambda: read_kernels({3: "edge"}),
        TypeError,
        "name must be a text; got 3",
    ),
}


@pytest.mark.parametrize(("call", "error", "text"), OTHER_ERRORS.values(), ids=OTHER_ERRORS)
def test_every_other_error_is_one_exact_sentence(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text
    assert type(caught.value) is error


@given(
    st.one_of(
        st.text(max_size=40),
        st.text(alphabet="gausin(35,1=sze.)[] None", max_size=30).map(lambda t: f"gaussian({t})"),
    )
)
def test_no_text_breaks_the_reader(text):
    try:
        kernel = read_kernel(text)
    except (TypeError, ValueError, OSError) as caught:
        sentence = str(caught)
    else:
        sentence = f" must {kernel}"
    assert " must " in sentence


def test_nothing_in_a_call_is_evaluated(tmp_path):
    trap = tmp_path / "trap"
    for inside in (f"open({str(trap)!r}, 'w'), 1", f"5, sigma=open({str(trap)!r}, 'w')"):
        with pytest.raises(ValueError, match="must"):
            read_kernel(f"gaussian({inside})")
    assert not trap.exists()


@pytest.mark.parametrize(
    "text",
    ["gaussian(" * 20_000, "gaussian(" + " " * 200_000 + ",)", "(" * 100_000 + ")", "x" * 10**6],
    ids=["nested", "blanks", "brackets", "long"],
)
def test_a_hostile_text_is_refused_at_once(text):
    start = time.perf_counter()
    with pytest.raises(ValueError, match="must"):
        read_kernel(text)
    assert time.perf_counter() - start < 1


# ------------------------------------------------------------------ several


def test_several_sources_keep_order_labels_and_sizes(tmp_path):
    path = put(tmp_path, "mine.txt", "1 2 3 4 5")
    sources = ["edge", SAME["text"], path, np.eye(2), "box(4)", Kernel("1", name="dot"), [["1/3"]]]
    for several in (sources, tuple(sources), dict(enumerate(sources)).values()):
        found = read_kernels(several)
        assert [kernel.name for kernel in found] == [
            "edge", "kernel", "mine", "kernel 2", "box(4)", "dot", "kernel 3",
        ]  # fmt: skip
        assert [kernel.shape for kernel in found] == [
            (3, 3), (2, 3), (1, 5), (2, 2), (4, 4), (1, 1), (1, 1),
        ]  # fmt: skip


def test_a_mapping_gives_the_labels():
    found = read_kernels({"a": "edge", "b": SKEW, "c": PRESETS["blur"], "edge": "edge"})
    assert [kernel.name for kernel in found] == ["a", "b", "c", "edge"]
    assert found[1].rows == SKEW
    assert found[3] is PRESETS["edge"]
    assert read_kernels(PRESETS) == tuple(PRESETS.values()) == read_kernels(PRESETS.values())


def test_two_levels_are_one_kernel_and_three_are_several():
    assert len(read_kernels([[1, 2], [3, 4]])) == 1
    assert len(read_kernels([np.array([1, 2]), (3, 4)])) == 1
    assert len(read_kernels([[[1, 2], [3, 4]]])) == 1
    assert len(read_kernels([[[1, 2], [3, 4]], [[5]]])) == 2
    assert len(read_kernels([np.eye(2), sympy.eye(3), [[1]]])) == 3


def test_an_array_of_three_axes_is_cut_along_the_first():
    values = np.arange(12).reshape(2, 2, 3)
    found = read_kernels(values)
    assert [kernel.name for kernel in found] == ["kernel", "kernel 2"]
    assert found[1].rows == ((6, 7, 8), (9, 10, 11))
    assert read_kernels(values.tolist()) == found
    assert read_kernels(sympy.Array(values.tolist())) == found


def test_tensors_are_read_like_arrays():
    tf = pytest.importorskip("tensorflow")
    assert read_kernels(tf.constant(SKEW)) == (Kernel(SKEW),)
    assert read_kernels(tf.Variable(SKEW)) == (Kernel(SKEW),)
    assert read_kernels([tf.constant(SKEW)]) == (Kernel(SKEW),)
    assert len(read_kernels(tf.ones((4, 2, 3)))) == 4


@given(st.lists(st.sampled_from(["a", "a 2", "a 3", "b", "a 2 2"]), min_size=1, max_size=8))
def test_labels_come_once_and_first_ones_stay(names):
    found = [kernel.name for kernel in read_kernels([Kernel("1", name=name) for name in names])]
    assert len(set(found)) == len(names)
    for name in set(names):
        assert found[names.index(name)] == name
    assert all(new.startswith(old) for new, old in zip(found, names, strict=True))


def test_a_repeated_label_counts_past_a_taken_one():
    names = ["edge", "edge", "edge 2", "edge"]
    found = read_kernels([Kernel("1", name=name) for name in names])
    assert [kernel.name for kernel in found] == ["edge", "edge 3", "edge 2", "edge 4"]


def test_reading_leaves_the_sources_as_they_were():
    values, lists = np.array(SKEW), [["1", 2], [3, 4]]
    before = json.dumps(lists)
    read_kernels([values, lists])
    assert np.array_equal(values, SKEW)
    assert json.dumps(lists) == before


def seconds_each(call, times):
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(times):
            call()
        best = min(best, (time.perf_counter() - start) / times)
    return best


def test_reading_what_is_read_costs_nothing():
    eight = list(PRESETS.values())[:8]
    assert seconds_each(lambda: read_kernels("edge"), 2000) < 5e-6
    assert seconds_each(lambda: read_kernels(eight), 500) < 20e-6
