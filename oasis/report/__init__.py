"""Reports of tables, pictures and text, as HTML, Markdown or for the terminal."""

from oasis.report.html import as_html
from oasis.report.markdown import as_markdown
from oasis.report.page import Cell, Page, Picture, Section, Table, cells

__all__ = ["Cell", "Page", "Picture", "Section", "Table", "as_html", "as_markdown", "cells"]
