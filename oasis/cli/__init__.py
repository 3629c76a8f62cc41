"""The command `oasis`: one sub-command per file; `oasis --help` lists them."""

import importlib.metadata
import os
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from oasis.cli.arguments import is_setting
from oasis.cli.classes import classes
from oasis.cli.convert import convert
from oasis.cli.data_check import data_check
from oasis.cli.encodings import encodings
from oasis.cli.evaluate import evaluate
from oasis.cli.export import export
from oasis.cli.fixable import text_of
from oasis.cli.generate import generate
from oasis.cli.import_official import import_official
from oasis.cli.prepare import prepare
from oasis.cli.push import push
from oasis.cli.report import report
from oasis.cli.styles import styles
from oasis.cli.train import HYDRA_READS_ALL, train
from oasis.cli.train_segmenter import train_segmenter
from oasis.cli.web_app import app as app_command
from oasis.plugins import trust

_SPINS = "3000"  # 300000 by default


class _OneLineErrors(TyperGroup):
    """Prints an error that the user can fix without its traceback, and ends with status 1."""

    _trusted: list[str]
    _has_settings: bool

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Handle `--trust PACKAGE`, which every command accepts; `oasis train` has trust=[PACKAGE]."""
        self._trusted, left, words = [], [], iter(args)
        for word in words:
            name, given, value = word.partition("=")
            if name == "--trust":
                self._trusted.append(value if given else next(words, ""))
            else:
                left.append(word)
        self._has_settings = any(is_setting(word) for word in left)
        return super().parse_args(ctx, left)

    def invoke(self, ctx: Any) -> Any:
        try:
            trust(self._trusted)
            return super().invoke(ctx)
        except Exception as error:
            if ctx.invoked_subcommand == "train":
                raise  # it reports its errors itself, and this one with a traceback
            text = text_of(error, self._has_settings)
            if text is None:
                raise
            Console(stderr=True, soft_wrap=True, highlight=False).print(f"error: {text}", markup=False)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_OneLineErrors,
    help="Panoptic OASIS: label maps in, street photos out.",
    epilog="Any command: --trust PACKAGE, for checkpoints with classes of a package of yours; see docs/extending.md.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # whatever still has a traceback is a bug
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(importlib.metadata.version("panoptic-oasis"))
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """The options of no command in particular."""
    # Before torch is loaded. Its OpenMP lets threads that wait for each other spin, which is fast on a quiet machine;
    # where another program has a core, they spin on the one that the thread which they wait for could have.
    os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)


app.command(context_settings=HYDRA_READS_ALL)(train)
for _command in (
    data_check,
    classes,
    prepare,
    convert,
    encodings,
    train_segmenter,
    evaluate,
    report,
    styles,
    generate,
    import_official,
    export,
    push,
):
    app.command()(_command)
app.command("app")(app_command)

__all__ = ["app"]
