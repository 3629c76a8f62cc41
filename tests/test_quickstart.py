"""docs/quickstart.ipynb runs from its first cell to its last, offline, and ends with scores."""

import base64
import io
import math
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from experiments.site.notebook import run
from oasis.evaluation import read_json

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "quickstart.ipynb"

pytestmark = pytest.mark.timeout(1200)  # 60 seconds of one core


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("quickstart")


@pytest.fixture(scope="module")
def cells(folder):
    """The code cells after they ran."""
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")  # for `oasis`
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("PANOPTIC_OASIS_CACHE", str(folder / "cache"))
        patch.setenv("https_proxy", "http://127.0.0.1:9")  # where nothing answers: it needs no network
        return code_cells(run(NOTEBOOK, folder))


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def pictures(cell):
    data = [output["data"]["image/png"] for output in cell["outputs"] if "image/png" in output.get("data", {})]
    return [Image.open(io.BytesIO(base64.b64decode(each))).convert("RGB") for each in data]


def printed(cell):
    return "".join("".join(output.get("text", "")) for output in cell["outputs"])


def test_cells_show_the_pictures_that_the_text_promises(cells, folder):
    assert [cell["execution_count"] for cell in cells] == [*range(1, len(cells) + 1)]
    shown = [picture for cell in cells for picture in pictures(cell)]
    assert len(shown) == 5
    assert min(len(picture.getcolors(2**20)) for picture in shown) > 50  # none is blank
    grid = Image.open(max((folder / "runs" / "semantic" / "samples").glob("*.png")))
    assert shown[2].size == grid.size


def test_commands_leave_runs_and_finite_scores(cells, folder):
    for encoding in ("semantic", "panoptic"):
        assert (folder / "runs" / encoding / "checkpoints" / "last.ckpt").is_file()
    results = read_json(folder / "report" / "results.json")
    assert [column.facts["encoding"] for column in results.columns] == ["Semantic", "Concat"]
    miou = {column.name: column.scores["segmenter/miou"].mean for column in results.all_columns()}
    assert len(miou) == 4  # both, real photos and an untrained generator
    assert all(math.isfinite(value) and 0 <= value <= 100 for value in miou.values())
    assert all(name in printed(cells[-1]) for name in ("mIoU", "PQ"))
