"""The table of layers in CONTRIBUTING.md: a file imports only from rows above its own."""

import ast
from pathlib import Path

import pytest

from experiments.pictures.layers import draw, table_rows
from experiments.pictures.layers import imports as drawn_imports

ROOT = Path(__file__).parents[1]

# The row of every module; the longest matching prefix counts.
ROWS = {
    "oasis.errors": 0,
    "oasis.labels": 0,
    "oasis.instances": 0,
    "oasis.batch": 0,
    "oasis.randomness": 0,
    "oasis.plugins": 0,
    "oasis.pretrained": 0,
    "oasis.hub_files": 0,
    "oasis.bundled": 0,
    "oasis.run_names": 0,
    "oasis.label_files": 0,
    "oasis.label_formats": 0,
    "oasis.devices": 0,
    "oasis.files": 0,
    "oasis.migration": 0,
    "oasis.encodings": 1,
    "oasis.models": 1,
    "oasis.losses": 1,
    "oasis.metrics": 2,
    "oasis.objectives": 2,
    "oasis.segmenters": 1,
    "oasis.streets": 1,
    "oasis.visualize": 1,
    "oasis.data": 2,
    "oasis.report": 3,
    "oasis.scoring": 3,
    "oasis.inspection": 3,
    "oasis.training": 4,
    "oasis.checkpoint": 5,
    "oasis.evaluation": 6,
    "oasis.synthesis": 6,
    "oasis.synthesis.batch": 7,
    "oasis.export": 6,
    "oasis.publishing": 7,
    "oasis.studies": 7,
    "oasis.usefulness": 7,
    "oasis.app": 7,
    "oasis.cli": 8,
}
FILES = sorted(path for path in (ROOT / "oasis").rglob("*.py") if path != ROOT / "oasis" / "__init__.py")


def place(module: str) -> str:
    fitting = [prefix for prefix in ROWS if module == prefix or module.startswith(prefix + ".")]
    assert fitting, f"{module} stands in no row of the table: give it one here and in CONTRIBUTING.md"
    return max(fitting, key=len)


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_upwards(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    own = place(module)
    for name in imports(path):
        if name.split(".")[0] == "oasis" and name != "oasis":
            other = place(name)
            allowed = other == own or ROWS[other] < ROWS[own] or ROWS[own] == ROWS[other] == 0
            assert allowed, f"{module} (row {ROWS[own]}) imports {name} (row {ROWS[other]})"
        assert name.split(".")[0] not in ("experiments", "tests", "train"), f"{module} imports {name}"


def test_encodings_models_and_losses_know_nothing_of_configuration():
    for path in FILES:
        if {"encodings", "models", "losses"} & set(path.relative_to(ROOT).parts):
            assert not {"hydra", "omegaconf"} & {name.split(".")[0] for name in imports(path)}, path


def test_the_table_is_that_of_the_page_and_the_picture():
    assert table_rows() == ROWS
    assert all(ROWS[own] > ROWS[other] for own, other in drawn_imports(ROWS))


def test_the_picture_can_be_drawn(tmp_path):
    draw(tmp_path / "layers.png")
    assert (tmp_path / "layers.png").stat().st_size > 10_000
