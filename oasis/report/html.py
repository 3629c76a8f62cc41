"""A report as one HTML file, without scripts or links to other files."""

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from oasis.report.page import Page

_JPEG = b"\xff\xd8"


def as_html(page: Page) -> str:
    """The report as one HTML file with its pictures inside."""
    # Autoescape, since names of runs, checkpoints, classes and files are inserted into the page.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["uri"] = data_uri
    return environment.get_template("page.html.j2").render(page=page)


def data_uri(content: bytes) -> str:
    """A PNG or JPEG as a data URI."""
    kind = "jpeg" if content.startswith(_JPEG) else "png"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
