"""The examples of docs/extending.md as files."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "extending.md").read_text()
EXAMPLES = {
    match[1]: match[2] for match in re.finditer(r"```(?:python|yaml)\n# (my_\w+/\S+)\n(.*?)```", PAGE, flags=re.DOTALL)
}


def write_examples(folder: Path) -> None:
    """Write the package `my_models` and the yaml files in `my_conf`, as the page has them."""
    for name, text in EXAMPLES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "my_models" / "__init__.py").write_text("")
