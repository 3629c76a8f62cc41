"""Draws docs/layers.png from the imports: `python -m experiments.pictures.layers`.

Rows are those of the table in CONTRIBUTING.md. An arrow leads from a room to each room that it imports from; those to
row 0, which everything imports, are left out.
"""

import ast
import re
from pathlib import Path

import matplotlib.pyplot as plt

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "layers.png"
_COLUMN, _BOX = 2.4, (2.0, 0.5)


def table_rows() -> dict[str, int]:
    """Module -> row, as CONTRIBUTING.md has it."""
    found = {}
    for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines():
        cells = line.split("|")
        if len(cells) > 3 and cells[1].strip().isdigit():
            for path in re.findall(r"`(oasis/[\w/.]+)`", cells[2]):
                found[path.removesuffix(".py").rstrip("/").replace("/", ".")] = int(cells[1])
    return found


def place(module: str, rows: dict[str, int]) -> str | None:
    """The room of a module: the longest prefix in the table."""
    return max((each for each in rows if f"{module}.".startswith(f"{each}.")), key=len, default=None)


def imports(rows: dict[str, int]) -> set[tuple[str, str]]:
    """(room, room that it imports from), without row 0 and without a room's own files."""
    found = set()
    for path in (ROOT / "oasis").rglob("*.py"):
        own = place(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), rows)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            other = place(node.module or "", rows) if isinstance(node, ast.ImportFrom) else None
            if own is not None and other is not None and own != other and rows[own] > 0 and rows[other] > 0:
                found.add((own, other))
    return found


def draw(path: Path = PICTURE) -> None:
    """Draw the rooms row by row, and the imports between them as arrows."""
    rows = table_rows()
    rooms = {row: sorted(each for each, its in rows.items() if its == row) for row in sorted(set(rows.values()))}
    places = {
        room: (_COLUMN * (position - (len(inside) - 1) / 2), -1.5 * row)
        for row, inside in rooms.items()
        if row > 0
        for position, room in enumerate(inside)
    }
    figure, axes = plt.subplots(figsize=(11, 10))
    for own, other in sorted(imports(rows)):
        (x, y), (to_x, to_y) = places[own], places[other]
        style = {"arrowstyle": "-|>", "color": "#7a869a", "alpha": 0.5, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (to_x, to_y - _BOX[1] / 2), (x, y + _BOX[1] / 2), arrowprops=style, zorder=1)
    for room, (x, y) in places.items():
        box = {"boxstyle": "round,pad=0.35", "facecolor": "#e8eef7", "edgecolor": "#3b5b8c"}
        axes.text(x, y, room.removeprefix("oasis."), ha="center", va="center", bbox=box, zorder=2, fontsize=11)
    foundation = ", ".join(room.removeprefix("oasis.") for room in rooms[0])
    axes.text(0, 0, f"row 0, imported by all: {foundation}", ha="center", va="center", fontsize=9, style="italic")
    widest = max(map(len, (inside for row, inside in rooms.items() if row > 0)))
    axes.set_xlim(-_COLUMN * widest / 2, _COLUMN * widest / 2)
    axes.set_ylim(-1.5 * max(rooms) - 0.7, 0.7)
    axes.axis("off")
    figure.savefig(path, dpi=80, bbox_inches="tight")
    plt.close(figure)


if __name__ == "__main__":
    draw()
    print(f"Written: {PICTURE}")
