"""`oasis train`: train a model."""

import os
import runpy
import sys

import typer

HYDRA_READS_ALL = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def train(context: typer.Context) -> None:
    """Train a model; all arguments are Hydra's: data.root=DIR encoding=NAME, -m for a sweep, --help for the settings.

    With several devices, Lightning starts the other processes as this one: `python -m oasis.cli.training_process`.
    """
    os.environ["PYTHONSAFEPATH"] = "1"  # -m would look for modules in the current folder first
    sys.argv[1:] = context.args
    runpy.run_module("oasis.cli.training_process", run_name="__main__", alter_sys=True)
