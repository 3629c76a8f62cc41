"""The documentation site builds without a warning, says what the repository's pages say, and asks no one for files."""

import importlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from experiments.site.pages import API, files_of_site, lay_out

ROOT = Path(__file__).parents[1]
COUNTED = ("h2", "h3", "h4", "li", "table", "tr", "pre", "img")
PAGES = [path.as_posix() for path in files_of_site() if path.suffix == ".md"]


class Tags(HTMLParser):
    """Tags and attributes of the content of a page, or of all of it."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site's folder, built as `make docs` builds it."""
    config = pytest.importorskip("mkdocs.config")
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings")
    from mkdocs.commands.build import build

    folder = tmp_path_factory.mktemp("site")
    lay_out(folder / "pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        settings = config.load_config(
            str(ROOT / "mkdocs.yml"), docs_dir=str(folder / "pages"), site_dir=str(folder / "site"), strict=True
        )
        settings.plugins.on_startup(command="build", dirty=False)
        build(settings)  # raises Abort if there is a warning: a link or an anchor that leads nowhere, a missing page
    return folder / "site"


def page_of(site, path):
    return site / Path(path).with_name("index.html" if Path(path).name == "README.md" else f"{Path(path).stem}.html")


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_the_structure_that_github_shows(site, path):
    ours = page_of(site, path).read_text().split("<article", 1)[1].split("</article>", 1)[0]
    theirs = MarkdownIt("commonmark").enable("table").render((ROOT / path).read_text())
    counts = [[tag for tag, _ in Tags(html).found].count(tag) for html in (ours, theirs) for tag in COUNTED]
    assert counts[: len(COUNTED)] == counts[len(COUNTED) :], COUNTED


@pytest.mark.parametrize("module", API)
def test_every_public_name_is_documented(site, module):
    page = (site / "api" / f"{module}.html").read_text()
    public = set(getattr(importlib.import_module(module), "__all__", ())) - {"__version__"}
    assert public <= set(re.findall(r'id="oasis\.(?:\w+\.)*(\w+)"', page))
    assert "<h2" in page


def test_no_page_loads_anything_from_elsewhere(site):
    pages = [*site.rglob("*.html")]
    assert len(pages) > len(PAGES)
    for page in pages:
        for tag, attributes in Tags(page.read_text()).found:
            source = attributes.get("href" if tag == "link" else "src") or ""
            assert not re.match(r"(https?:)?//", source), (page, tag, source)


def test_the_notebook_is_a_page_with_its_pictures(site):
    page = (site / "docs" / "quickstart.html").read_text()
    cells = json.loads((ROOT / "docs" / "quickstart.ipynb").read_text())["cells"]
    pictures = [output for cell in cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    assert page.count('src="data:image/png;base64,') == len(pictures) > 0
