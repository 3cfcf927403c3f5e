"""The house: imports point down, heavy libraries have owners, the interface is regular."""

import ast
import inspect
import statistics
import sys
from pathlib import Path

import pytest

import featviz as fv

PACKAGE = Path(fv.__file__).parent

# From the ground up; a module may import only from the rows above its own.
LADDER = [
    ["_check", "_notebook", "vocabulary"],
    ["_calls", "_files", "geometry", "kernel_rows", "exact", "stats"],
    ["sliding", "kernels", "rounding"],
    ["kernel_families", "kernel_files", "_numbers", "symbolic"],
    ["presets", "_decode"],
    ["kernel_sources", "images"],
    ["samples", "activations", "devices", "steps", "letters", "formulas"],
    ["ops", "extraction", "sums"],
    ["pipeline", "captions", "windows", "sparse", "expressions", "exact_stages"],
    ["panels", "tracing"],
    ["networks.paths", "networks.outputs", "networks.seeds"],
    ["networks.reach_cells", "networks.telling", "networks.ways", "networks.input_specs",
     "networks.memory"],
    ["networks.values", "networks.words", "networks.layer_values", "networks.reach",
     "networks.adaptive"],
    ["networks.top_values", "networks.resizing"],
    ["networks.fitting", "networks.model_archives"],
    ["map_choice", "map_words"],
    ["map_panels", "map_inputs"],
    ["networks.selection", "networks.recording", "networks.inputs"],
    ["networks.twins", "networks.histograms", "networks.verdicts", "map_outputs"],
    ["networks.model_files"],
    ["networks.channel_stats", "networks.sources", "networks.inputs_seen", "networks.roles"],
    ["networks.diagnosis", "networks.comparison"],
    ["networks.keeping", "networks.differences", "networks.graphs", "networks.channel_axes",
     "networks.own_classes"],
    ["networks.runs", "networks.layer_flow", "networks.bounds"],
    ["networks.joining", "networks.layer_windows"],
    ["networks.layer_planes"],
    ["networks.maps", "networks.layer_stages", "networks.sides", "networks.endings",
     "networks.makers"],
    ["networks.diagnosing", "networks.comparing"],
    ["networks.layer_shapes", "networks.reach_ops"],
    ["networks.top_pictures"],
    ["networks.top_scores"],
    ["networks.layer_paths"],
    ["networks.weights"],
    ["networks.reach_layers", "networks.layer_costs"],
    ["networks.tables", "networks.receptive"],
    ["render.rows"],
    [
        "render.drawing", "render.text", "render.algebra", "render.canvas", "render.motion.space",
        "render.motion.files", "render.web.picture", "render.web.activations",
        "render.map_colours",
    ],
    ["render.bars", "render.paper", "render.headed_tables", "render.axis_words"],
    ["render.page_layout"],
    [
        "render.figures", "render.printing", "render.sum_text", "render.motion.scene",
        "render.motion.layout", "render.web.data", "render.diagnosis_text", "render.table_text",
        "render.comparison_text", "render.map_grid", "render.channel_states",
    ],
    [
        "render.plots", "render.step_text", "render.motion.words", "render.motion.cells",
        "render.motion.palette", "render.weight_plots", "render.field_plots",
        "render.diagnosis_plots", "render.mosaic", "render.map_pages",
    ],
    [
        "experiments", "render.trace_text", "render.motion.plane", "render.motion.lens",
        "render.web.pages", "render.map_figures",
    ],
    ["render.network_figures", "render.image_figures", "render.comparison_strips"],
    ["render.map_plots", "render.comparison_plots"],
    ["render.motion.animations", "render.training_film"],
    ["render.notebook", "network_experiments", "training"],
    ["_terminal", "_options"],
    ["_sources", "_network_options"],
    ["_motion", "_networks"],
    ["cli"],
    ["__main__"],
]  # fmt: skip
RUNG = {name: rung for rung, names in enumerate(LADDER) for name in names}

OWNERS = {
    "numpy": {
        "networks.model_files", "render.training_film",
        "_numbers", "_decode", "images", "samples", "stats", "rounding", "kernel_files",
        "extraction", "steps",
        "ops", "pipeline", "captions", "panels", "windows", "tracing", "render.drawing",
        "render.bars",
        "render.motion.scene", "render.motion.words", "render.motion.cells",
        "render.motion.plane", "render.motion.palette", "render.motion.files",
        "render.motion.space", "render.web.picture", "render.web.data", "render.web.pages",
        "networks.values", "networks.layer_values", "networks.weights", "render.weight_plots",
        "render.field_plots", "networks.fitting", "networks.runs", "networks.maps",
        "networks.graphs", "networks.joining", "networks.resizing",
        "networks.layer_stages", "networks.layer_flow", "networks.layer_planes",
        "networks.own_classes",
        "networks.twins", "networks.histograms", "networks.channel_stats", "networks.diagnosis",
        "networks.diagnosing", "networks.comparison", "networks.comparing", "networks.differences",
        "networks.sides", "networks.endings", "networks.makers", "networks.inputs_seen",
        "render.diagnosis_plots", "render.channel_states",
        "render.comparison_plots", "render.comparison_strips",
        "map_choice", "map_panels", "map_inputs", "networks.top_scores", "networks.top_values",
        "networks.top_pictures", "render.map_colours",
        "render.map_grid", "render.mosaic", "render.map_pages", "render.map_figures",
        "render.image_figures", "render.map_plots",
    },
    "tensorflow": {
        "activations", "devices", "steps", "ops", "pipeline", "_decode", "networks.recording",
        "networks.outputs",
        "networks.layer_shapes", "networks.reach_ops", "networks.reach_layers",
        "networks.resizing", "networks.runs", "networks.sources", "networks.keeping",
        "networks.graphs", "networks.channel_axes",
    },
    "keras": {
        "networks.model_files", "training", "networks.weights",
        "networks.recording", "networks.telling", "networks.runs", "networks.input_specs",
        "networks.layer_stages",
        "networks.layer_flow", "networks.own_classes",
        "networks.keeping", "networks.graphs", "networks.channel_axes",
        "networks.bounds", "networks.roles", "networks.makers", "networks.sources",
        "networks.seeds",
    },
    "matplotlib": {"render.weight_plots", "render.field_plots",
        "render.drawing", "render.bars", "render.paper",
        "render.figures", "render.plots", "experiments", "render.diagnosis_plots",
        "render.channel_states",
        "render.comparison_plots", "render.comparison_strips", "render.axis_words",
        "render.map_pages", "render.map_figures", "render.network_figures", "render.image_figures",
        "render.map_plots", "render.notebook",
        "network_experiments",
    },
    "sympy": {
        "symbolic", "letters", "sums", "sparse", "expressions", "render.algebra",
        "render.sum_text", "render.step_text",
    },
    "PIL": {
        "render.mosaic",
        "render.training_film",
        "images", "_decode", "samples", "render.canvas", "render.motion.scene",
        "render.motion.cells", "render.motion.plane", "render.motion.lens",
        "render.motion.space", "render.motion.palette", "render.motion.files",
        "render.motion.animations",
    },
    "tifffile": {"_decode"},
    "click": {"cli", "_motion", "_networks", "_network_options", "_options", "_terminal"},
    "tqdm": {"_motion", "_sources", "networks.diagnosing"},
}  # fmt: skip
# Where a library may be imported inside a function: the doors of laziness.
LATE = {
    "cli": None,  # handlers import what they need
    "_motion": None,
    "_networks": None,
    "_sources": None,
    "_decode": {"tensorflow", "tifffile"},
    "__init__": None,
}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        yield name.removesuffix(".__init__"), ast.parse(path.read_text(encoding="utf-8"))


MODULES = dict(modules())
FOLDERS = {name.rpartition(".")[0] for name in MODULES}
SOURCES = [name for name in MODULES if name not in FOLDERS | {"__init__"}]


def imports_of(tree):
    """(module, whether it stands inside a function) of each import but those for types."""
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    inside = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            for item in node.names:
                yield item.name, id(node) in inside
        elif isinstance(node, ast.ImportFrom):
            if node.module in {f"featviz.{folder}".rstrip(".") for folder in FOLDERS}:
                for item in node.names:
                    yield f"{node.module}.{item.name}", id(node) in inside
            else:
                yield node.module, id(node) in inside


def test_every_module_has_its_rung():
    assert sorted(RUNG) == sorted(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_imports_point_down(name):
    for module, _ in imports_of(MODULES[name]):
        if module and module.startswith("featviz."):
            target = module.removeprefix("featviz.")
            assert RUNG[target] < RUNG[name], f"{name} imports {target}, which does not stand below"


@pytest.mark.parametrize("name", SOURCES)
def test_heavy_libraries_are_imported_by_their_owners_alone(name):
    for module, _ in imports_of(MODULES[name]):
        library = module.split(".")[0]
        assert name in OWNERS.get(library, {name}), f"{name} imports {library}"
        known = set(OWNERS) | {"featviz"} | set(sys.stdlib_module_names)
        assert library in known, f"{library} has no owner"


# A motion is asked for by an image and kernels; it traces them itself.
RUNS_ITSELF = {"render.motion.animations"}
NOTHING = ast.parse("")


def loaded_by(name):
    """The modules that a module loads at once, those that they load, and their libraries."""
    loaded, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        loaded.add(current)
        modules = {m for m, inside in imports_of(MODULES.get(current, NOTHING)) if m and not inside}
        waiting += {m.removeprefix("featviz.") for m in modules} - loaded
    return loaded


@pytest.mark.parametrize(
    "name", [n for n in SOURCES if n.startswith("render.") and n not in RUNS_ITSELF]
)
def test_what_draws_takes_values_and_loads_no_tensorflow(name):
    assert not {module.split(".")[0] for module in loaded_by(name)} & {"tensorflow", "keras"}


@pytest.mark.parametrize("name", [*SOURCES, "__init__"])
def test_only_the_doors_import_late(name):
    late = {module.split(".")[0] for module, inside in imports_of(MODULES[name]) if inside}
    allowed = LATE.get(name, set())
    assert allowed is None or late <= allowed, f"{name} imports {late} inside a function"


@pytest.mark.parametrize("name", SOURCES)
def test_modules_and_functions_stay_small(name):
    tree = MODULES[name]
    path = PACKAGE / Path(*name.split(".")).with_suffix(".py")
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            docs = ast.get_docstring(node, clean=False) or ""
            lines = node.end_lineno - node.body[0].lineno + 1 - len(docs.splitlines())
            assert lines <= 80, f"{name}.{node.name} has {lines} lines"


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def functions():
    for name, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield f"{name}.{node.name}", node


@pytest.mark.parametrize("name", sorted(MODULES))
def test_docstrings_begin_with_one_short_sentence(name):
    wrong = []
    for node in ast.walk(MODULES[name]):
        docs = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
        first, *rest = (docs or "Fine.").split("\n")
        if len(first) > 79 or not first.endswith(".") or (rest and rest[0]):
            wrong.append(f"line {getattr(node, 'lineno', 1)}: {first} ({len(first)})")
    assert not wrong, f"{name}: {wrong}"


def nesting(statements, depth=0):
    """How many blocks stand in one another; ``elif`` stands beside its ``if``."""
    deepest = depth
    for node in statements:
        if isinstance(node, (*DOCUMENTED, ast.Lambda)):
            continue  # measured by itself
        inner = depth + isinstance(node, BLOCKS)
        other = getattr(node, "orelse", [])
        chained = isinstance(node, ast.If) and len(other) == 1 and isinstance(other[0], ast.If)
        parts = [(getattr(node, "body", []), inner), (getattr(node, "finalbody", []), inner)]
        parts.append((other, depth if chained else inner))
        branches = [*getattr(node, "handlers", []), *getattr(node, "cases", [])]
        parts += [(branch.body, inner) for branch in branches]
        if isinstance(node, BLOCKS):
            deepest = max(deepest, *(nesting(part, level) for part, level in parts))
    return deepest


def test_nesting_is_counted_as_a_reader_does():
    def depth(text):
        return nesting(ast.parse(text).body)

    assert depth("x = 1") == 0
    assert depth("if a:\n x\nelif b:\n x\nelif c:\n x\nelse:\n x") == 1
    assert depth("if a:\n x\nelse:\n x\n if b:\n  x") == 2
    assert depth("try:\n x\nexcept E:\n for a in b:\n  while c:\n   x") == 3
    assert depth("for a in b:\n def f():\n  if c:\n   x") == 1


def test_functions_nest_at_most_three_blocks():
    assert [name for name, node in functions() if nesting(node.body) > 3] == []


def test_most_functions_are_short():
    lengths = []
    for _, node in functions():
        docs = ast.get_docstring(node, clean=False) or ""
        lengths.append(node.end_lineno - node.body[0].lineno + 1 - len(docs.splitlines()))
    assert statistics.median(lengths) <= 10
    assert sum(length <= 45 for length in lengths) >= 0.95 * len(lengths)


def test_no_word_of_pyplot_or_of_global_settings():
    banned = {"pyplot", "rcParams", "run_functions_eagerly", "allow_pickle=True", "set_seed"}
    seeds = {"set_random_seed", "begin_random_numbers"}
    for name, tree in MODULES.items():
        # The process of the command is our own, and its random weights want to be repeated.
        own = name in ("_networks", "networks.model_files")
        for node in ast.walk(tree):
            words = {getattr(node, "id", ""), getattr(node, "attr", "")}
            assert not words & (banned if own else banned | seeds), name


PUBLIC = [name for name in fv.__all__ if name != "__version__"]
FUNCTIONS = [name for name in PUBLIC if inspect.isfunction(getattr(fv, name))]


def test_the_three_lists_of_public_names_agree():
    tree = MODULES["__init__"]
    for_types = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = {name: f"featviz.{module}" for name, module in fv._HOME_OF.items()}
    assert for_types == homes
    assert sorted(PUBLIC) == sorted(homes)
    assert dir(fv) == sorted(fv.__all__)


def test_no_public_name_is_a_module_name():
    assert not set(PUBLIC) & {name.split(".")[-1] for name in SOURCES}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_at_most_three_arguments_are_positional(name):
    kinds = [p.kind for p in inspect.signature(getattr(fv, name)).parameters.values()]
    positional = [k for k in kinds if k is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    # A cell is one thing, though its row and its column are two arguments.
    assert len(positional) <= (4 if name == "window_sum" else 3)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_say_what_they_take_and_give(name):
    function = getattr(fv, name)
    docs = inspect.getdoc(function)
    for parameter in inspect.signature(function).parameters.values():
        assert f"{parameter.name}:" in docs, f"{name} does not explain {parameter.name}"
