"""Collects the pages of the documentation site: `python -m experiments.site.pages build/pages`, then mkdocs.

Each file keeps its place in the repository, so that a link that works on GitHub works on the site, and the other way
round. What a page links to is taken along, whatever it is: no address of a repository is needed.
"""

import ast
import re
import shutil
import sys
from pathlib import Path

from experiments.site.notebook import as_markdown

ROOT = Path(__file__).parents[2]
FIRST_PAGES = (
    "README.md",
    "docs/*.md",
    "docs/*.ipynb",
    "docs/*.css",
    "experiments/README.md",
    "experiments/*/README.md",
)
LINK = re.compile(r"\]\((?!https?:|data:|#)([^)#\s]+)")
API = {
    "oasis": "Generating from Python",
    "oasis.synthesis": "Label maps and noise",
    "oasis.labels": "Label spaces",
    "oasis.instances": "Geometry of instances",
    "oasis.batch": "The batch",
    "oasis.encodings": "Encodings",
    "oasis.models": "Networks",
    "oasis.objectives": "Objectives",
    "oasis.losses": "Losses",
    "oasis.data": "Data",
    "oasis.streets": "Synthetic streets",
    "oasis.segmenters": "Segmenters",
    "oasis.metrics": "Metrics",
    "oasis.evaluation": "Evaluation",
    "oasis.checkpoint": "Checkpoints",
    "oasis.export": "Export",
    "oasis.errors": "Errors",
}
"""Module -> title of its page: what is documented for use from Python."""


def files_of_site() -> list[Path]:
    """The first pages and all files that are linked from them, or from a page among those; relative to the root.

    Raises:
        FileNotFoundError: a link leads nowhere; the message names page and link.
    """
    waiting = [path for pattern in FIRST_PAGES for path in sorted(ROOT.glob(pattern))]
    found: dict[Path, None] = {}
    while waiting:
        path = waiting.pop(0)
        if path in found:
            continue
        found[path] = None
        for target in LINK.findall(read(path)) if path.suffix in (".md", ".ipynb") else []:
            linked = (path.parent / target).resolve()
            if not linked.is_file():
                raise FileNotFoundError(f"{path.relative_to(ROOT)} links to {target}, which is no file")
            waiting.append(linked)
    return [path.relative_to(ROOT) for path in found]


def read(path: Path) -> str:
    """The Markdown of a page; of a notebook, with its outputs."""
    return as_markdown(path) if path.suffix == ".ipynb" else path.read_text(encoding="utf-8")


def reference(module: str, title: str) -> str:
    """The page of a module's public names, from their docstrings; the options are in mkdocs.yml."""
    shadowed = "".join(
        f"\n::: {name}\n    options:\n      show_root_heading: true\n      heading_level: 2\n"
        for name in _shadowed(module)
    )
    return f"# {title}\n\n::: {module}\n{shadowed}"


def _shadowed(module: str) -> list[str]:
    """Names of a package that are also those of a file in it, which the reference would show in their place."""
    folder = ROOT / module.replace(".", "/")
    if not folder.is_dir():
        return []
    imports = ast.walk(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    names = [(node.module, each.name) for node in imports if isinstance(node, ast.ImportFrom) for each in node.names]
    return [f"{origin}.{name}" for origin, name in names if (folder / f"{name}.py").is_file()]


def lay_out(folder: Path) -> None:
    """Write all pages below a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in files_of_site():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".md", ".ipynb"):
            text = re.sub(r"(\]\([^)\s]+)\.ipynb\)", r"\1.md)", read(ROOT / path))
            target.with_suffix(".md").write_text(text, encoding="utf-8")
        else:
            shutil.copy(ROOT / path, target)
    (folder / "api").mkdir()
    for module, title in API.items():
        (folder / "api" / f"{module}.md").write_text(reference(module, title), encoding="utf-8")


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
