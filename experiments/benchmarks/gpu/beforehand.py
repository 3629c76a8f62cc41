"""What has to be there before a GPU's minutes are spent; imports nothing that may be missing."""

import shutil
from importlib.util import find_spec
from pathlib import Path

# Name of the module: name of the package.
PACKAGES = {
    "torch": "torch",
    "torchvision": "torchvision",
    "pytorch_lightning": "pytorch-lightning",
    "hydra": "hydra-core",
    "omegaconf": "omegaconf",
    "torchmetrics": "torchmetrics",
    "torch_fidelity": "torch-fidelity",
    "cityscapesscripts": "cityscapesscripts",
    "rich": "rich",
    "typer": "typer",
    "matplotlib": "matplotlib",
    "numpy": "numpy",
    "scipy": "scipy",
    "PIL": "pillow",
    "jinja2": "jinja2",
    "pytest": "pytest",
    "hypothesis": "hypothesis",
}
_GB = 10**9


def missing(folders: list[Path], gigabytes: float) -> list[str]:
    """What is missing, and what to do about it; one text each.

    Args:
        folders: that will be written to, and need not exist.
        gigabytes: that have to be free in each.
    """
    found = []
    packages = [package for module, package in PACKAGES.items() if find_spec(module) is None]
    if packages:
        found.append(
            f"Missing packages: {', '.join(packages)}. Install them with `python -m pip install {' '.join(packages)}`; "
            "where there is no network, from wheels that were fetched elsewhere: --no-index --find-links FOLDER."
        )
    for folder in folders:
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(there).free / _GB
        if free < gigabytes:
            found.append(
                f"{folder}: {free:.1f} GB are free, but {gigabytes:g} GB are needed. Free some, or set OUT and "
                "PANOPTIC_OASIS_CACHE to other places."
            )
    return found


def notes() -> list[str]:
    """What works less well here; one text each."""
    if any(shutil.which(compiler) for compiler in ("cc", "gcc", "clang")):
        return []
    return ["There is no C compiler, which torch.compile needs: compiled lines will fail. Install gcc."]
