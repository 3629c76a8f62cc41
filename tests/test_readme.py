"""The commands in the documentation work."""

import itertools
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import typer
from omegaconf import OmegaConf
from PIL import Image
from plugin_examples import write_examples

from experiments.site.pages import read
from oasis.cli import app

STAND_INS = {"segmenter": "unet"}  # for NAME; elsewhere an encoding's
ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/*.ipynb"), *ROOT.glob("experiments/**/*.md")]
)
README = (ROOT / "README.md").read_text()


def code(text, language):
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL))


def command_lines():
    """Every command line of every page as words, without comments."""
    for page in PAGES:
        text = read(page).replace("\\\n", " ")  # a backslash joins lines
        inline = re.findall(r"`((?:\.venv/bin/)?(?:python|make|oasis train(?!-))\b[^`\n]*)`", text)
        for line in [*code(text, "bash").splitlines(), *inline]:
            words = shlex.split(line, comments=True)
            if words:
                yield page.name, words


def split_environment(words):
    """`A=1 B=2 program argument` as the names A and B, and the command."""
    command = list(itertools.dropwhile(lambda word: re.match(r"[A-Z_]+=", word), words))
    return [word.split("=")[0] for word in words[: len(words) - len(command)]], command


LINES = [
    pytest.param(*split_environment(words), id=f"{page}: {' '.join(words)}"[:90]) for page, words in command_lines()
]
COMMANDS = [pytest.param(param.values[1], id=param.id) for param in LINES]


def training(words):
    """What follows `oasis train`, `python train.py` or `torchrun ... train.py`; None for other commands."""
    if words[0].endswith("oasis") and words[1] == "train":
        return words[2:]
    if "srun" in words[0] and "train" in words:
        return words[words.index("train") + 1 :]
    return words[words.index("train.py") + 1 :] if "train.py" in words else None


def of_oasis(words):
    """Whether this is a command of `oasis` whose options are typer's: those of `oasis train` are Hydra's."""
    return words[0].endswith("oasis") and training(words) is None


def first_of_sweep(override):
    """The first of the values that a sweep runs through."""
    if override.endswith("=glob(*)"):
        folder = ROOT / "conf" / override.split("=")[0]
        return override.replace("glob(*)", min(path.stem for path in folder.glob("*.yaml")))
    return re.sub(r"range\((\d+),\d+\)", r"\1", override).split(",")[0]


@pytest.mark.parametrize("words", [param for param in COMMANDS if training(param.values[0])])
def test_every_training_command_composes(composed, words, tmp_path, monkeypatch):
    write_examples(tmp_path)  # which docs/extending.md names
    monkeypatch.chdir(tmp_path)
    overrides = [word for word in training(words) if word != "-m"]
    swept = [first_of_sweep(override) if "-m" in words else override for override in overrides]
    cfg = composed(
        "paths.output_dir=unused",
        *(override.replace("NAME", STAND_INS.get(override.split("=")[0], "semantic")) for override in swept),
    )
    for override in swept:
        key, value = override.split("=", 1)
        if "." in key and not key.startswith("hydra."):
            assert str(OmegaConf.select(cfg, key)).lower() == {"null": "none"}.get(value, value.lower())


@pytest.mark.parametrize("words", [param for param in COMMANDS if param.values[0][0] == "make"])
def test_every_make_target_exists(words):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wanted = {word for word in words[1:] if "=" not in word}
    assert wanted <= targets


@pytest.mark.parametrize("words", [param for param in COMMANDS if ".venv/bin/" in param.values[0][0]])
def test_every_program_is_installed(words):
    assert (Path(sys.executable).parent / Path(words[0]).name).exists()


@pytest.mark.parametrize("words", [param for param in COMMANDS if of_oasis(param.values[0])])
def test_every_oasis_command_is_understood(composed, words):
    command = typer.main.get_command(app).commands[words[1]]
    context = command.make_context(words[1], words[2:])  # refuses options that do not exist
    named = [*(context.params.get("images") or ()), *(context.params.get("replace") or ())]  # which are no settings
    composed(*(word for word in words[2:] if "=" in word and not word.startswith("-") and word not in named))
    assert context.params


@pytest.mark.parametrize(("variables", "words"), [param for param in LINES if param.values[1][0].endswith(".sh")])
def test_every_script_exists_and_reads_the_variables_that_it_is_given(variables, words):
    script = ROOT / words[0]
    assert os.access(script, os.X_OK)
    for name in variables:
        assert f"${{{name}:-" in script.read_text(), name


@pytest.mark.parametrize("words", [param for param in COMMANDS if "pytest" in param.values[0]])
def test_every_named_test_exists(words):
    paths = [word for word in words[words.index("pytest") + 1 :] if "/" in word]
    assert paths
    for path in paths:
        assert (ROOT / path).exists()


def anchors(page):
    """The anchors that GitHub makes of a page's headings."""
    prose = re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE)
    titles = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", each) for each in re.findall(r"^#+ +(.+)$", prose, re.MULTILINE)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_and_named_file_exists(page):
    text = read(page)
    for target, anchor in re.findall(r"\]\((?!https?:|data:)([^)#\s]*)(?:#([^)\s]+))?\)", text):
        linked = page.parent / target if target else page
        assert linked.is_file(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"
    for path in re.findall(r"`((?:tests|oasis|conf|docs|experiments)/[a-z0-9_/.]+)`", text):
        assert (ROOT / path).exists(), path


def test_three_lines_of_python_generate_a_photo(trained, tiny, tmp_path, monkeypatch):
    lines = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    assert len([line for line in lines.splitlines() if line]) == 3
    checkpoint = trained("readme", "trainer.max_epochs=1") / "checkpoints" / "last.ckpt"
    monkeypatch.chdir(tmp_path)
    Path("runs/demo/run/checkpoints").mkdir(parents=True)
    shutil.copy(checkpoint, "runs/demo/run/checkpoints")
    shutil.copy(tiny.instance("val", "town_000100_000019"), "street_gtFine_instanceIds.png")
    exec(lines, {})
    picture = Image.open("photo.png")
    assert picture.size == (64, 32)
    assert picture.convert("L").getextrema() != (0, 0)


def test_the_python_example_runs():
    namespace = {}
    exec(re.findall(r"```python\n(.*?)```", README, re.DOTALL)[1], namespace)
    assert sum(p.numel() for p in namespace["generator"].parameters()) == 71_107_523
    assert namespace["discriminator"].num_classes == 35


def test_the_table_of_encodings_is_complete():
    named = set(re.findall(r"^\| `(\w+)` \| C", README, re.MULTILINE))
    assert named == {path.stem for path in (ROOT / "conf" / "encoding").glob("*.yaml")}
