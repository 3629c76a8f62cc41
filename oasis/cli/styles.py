"""`oasis styles`: the looks of the segments of the training photos, for models with a style per segment."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from oasis.cli.arguments import require_groups, split_arguments
from oasis.errors import ConfigurationError


def styles(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="CHECKPOINT [SETTING=VALUE...]",
            help="A checkpoint file or run folder; then settings of the data, as for `oasis evaluate`: data.root=DIR. "
            "Default: the data that it was trained on.",
            show_default=False,
        ),
    ],
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps; auto = the best there is.")] = "auto",
) -> None:
    """Cluster the looks of all training segments, from which model=pix2pixhd_features draws."""
    from oasis.checkpoint import find_checkpoint, restore
    from oasis.checkpoint.clusters import cluster_features, clusters_file, write_clusters
    from oasis.cli.evaluation import data_of
    from oasis.devices import find_device
    from oasis.synthesis.batch.training_features import TrainingFeatures

    paths, settings = split_arguments(arguments)
    if len(paths) > 1:
        raise ConfigurationError(f"One checkpoint, but there are {len(paths)}: {', '.join(map(str, paths))}.")
    require_groups(settings, ("data", "label_space"), "styles")
    file, where = find_checkpoint(paths[0]), find_device(device)
    restored = restore(file)
    found = TrainingFeatures(restored, file, data_of(restored, file, settings), where)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("encoding photos", total=found.count)
        features = found.of_classes(lambda photos: progress.advance(task, photos))
    clusters = cluster_features(features)
    write_clusters(clusters, restored.encoding, restored.generator, clusters_file(file))
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for name, rows, count in zip(restored.label_space.names, features, clusters.counts.tolist(), strict=True):
        if count:
            console.print(f"{name}: {count} clusters of {len(rows)} segments")
    console.print(f"Written: {clusters_file(file)}")
