"""Checks of device, dataset and loss terms."""

import torch
import torch.nn.functional as F
from pytorch_lightning import Trainer

from oasis.data.samples import Samples
from oasis.encodings import Encoding
from oasis.errors import ConfigurationError
from oasis.models import Discriminator, Generator
from oasis.objectives import LossTerms, Objective


def refuse_unfit_precision(trainer: Trainer) -> None:
    """Refuse precisions in which training fails, or which the device only emulates.

    Raises:
        ConfigurationError: the message names the precision, and the one to use.
    """
    if trainer.precision in ("bf16-true", "16-true"):
        raise ConfigurationError(
            f"trainer.precision={trainer.precision}: weights of 16 bits cannot hold Adam's small steps nor an "
            "average. Use trainer.precision=bf16-mixed."
        )
    cuda = trainer.strategy.root_device.type == "cuda"
    if trainer.precision == "bf16-mixed" and cuda and not torch.cuda.is_bf16_supported(False):
        raise ConfigurationError(
            f"trainer.precision=bf16-mixed: {torch.cuda.get_device_name()} has no bfloat16 and would only imitate "
            "it. Use trainer.precision=16-mixed."
        )


def refuse_missing_instances(dataset: Samples, reason: str) -> None:
    """Refuse a dataset without instance maps.

    Args:
        dataset: the training samples.
        reason: who needs them, and what to choose to do without.

    Raises:
        ConfigurationError: the message names the first sample without one.
    """
    without = [files for files in dataset.files if files.instance is None]
    if without:
        raise ConfigurationError(
            f"{len(without)} of {len(dataset)} samples in {dataset.root} have no instance map "
            f"({dataset.dataset.instance_files}), first {without[0].label}: {reason}. The datasets with instance maps "
            "are listed in docs/data.md."
        )


def require_instances(
    generator: Generator, discriminator: Discriminator, objective: Objective, dataset: Samples
) -> None:
    """Refuse a dataset without instance maps, if a loss term or the generator needs them.

    Raises:
        ConfigurationError: see `refuse_missing_instances`.
    """
    if objective.needs_instances(discriminator):
        refuse_missing_instances(
            dataset,
            "the losses of discriminator=panoptic, instance_adversarial, instance_contrast and boundary_classes, and "
            "of objective/label_mix=segment learn from them. Add them, or train with discriminator=oasis "
            "objective/label_mix=class",
        )
    require_segments(generator, dataset)


def require_segments(generator: Generator, dataset: Samples) -> None:
    """Refuse a dataset without instance maps, for a generator that needs them.

    Raises:
        ConfigurationError: see `refuse_missing_instances`.
    """
    if generator.needs_segments:
        refuse_missing_instances(
            dataset,
            f"{type(generator).__name__} treats each instance by itself. Add them, or train with generator=oasis "
            "generator/panoptic=plain",
        )


def require_classes(generator: Generator, encoding: Encoding) -> None:
    """Refuse an encoding that does not start with the classes, for a generator that reads them there.

    Raises:
        ConfigurationError: the message names both, and what to use.
    """
    if not generator.needs_classes:
        return
    shown, label = _shown_classes(encoding)
    count = encoding.label_space.num_classes
    if len(shown) < count or not shown.argmax(dim=0).equal(label):
        raise ConfigurationError(
            f"{type(generator).__name__} takes the largest of a pixel's first {count} channels for its class, "
            f"which it is not in {type(encoding).__name__}. Use an encoding that starts with one channel a class, such "
            "as all that derive from OneHotPlus, or train with generator=oasis."
        )


def require_class_masks(objective: Objective, encoding: Encoding) -> None:
    """Refuse an encoding whose first channels are not one mask per class, for an objective that sums them.

    Raises:
        ConfigurationError: the message names both, and what to use.
    """
    if not objective.needs_class_masks:
        return
    shown, label = _shown_classes(encoding)
    count = encoding.label_space.num_classes
    if not shown.sign().equal(F.one_hot(label, count).T.float()):
        raise ConfigurationError(
            f"objective/weights_from=encoded_map takes the sums of the first {count} channels for what there is of "
            f"each class, but in {type(encoding).__name__} they are not the masks of the classes: above 0 in a pixel's "
            "own class, and 0 in all others. Use objective/weights_from=label, or encoding=instance_ids, semantic, or "
            "any that derives from OneHotPlus."
        )


def _shown_classes(encoding: Encoding) -> tuple[torch.Tensor, torch.Tensor]:
    """The first C channels of a map with two pixels of each class, without and with an instance, and their classes.

    Returns:
        (C or fewer, 2 C) float32, (2 C,) int64.
    """
    classes = torch.arange(encoding.label_space.num_classes)
    label = torch.stack([classes, classes])[None]
    instance = torch.stack([torch.zeros_like(classes), classes + 1])[None]
    condition: torch.Tensor = encoding(label, instance, [torch.Generator()])
    return condition[0, : len(classes)].flatten(1), label.flatten()


def require_terms(terms: LossTerms, source: str) -> LossTerms:
    """Refuse invalid loss terms, without reading values, which would make the host wait.

    Args:
        terms: by name.
        source: the method that returned them, for the error.

    Raises:
        ConfigurationError: no terms; one that is not a scalar tensor; one without a gradient.
    """
    if not isinstance(terms, dict) or not terms:
        raise ConfigurationError(f"{source} returned no loss terms ({terms!r}): it must return scalars by name.")
    for name, term in terms.items():
        if not isinstance(term, torch.Tensor) or term.dim() > 0:
            found = f"of shape {tuple(term.shape)}" if isinstance(term, torch.Tensor) else f"a {type(term).__name__}"
            raise ConfigurationError(f"{source}: the term {name!r} is {found}, not a scalar tensor; take its mean.")
        if not term.requires_grad:
            raise ConfigurationError(
                f"{source}: the term {name!r} has no gradient, so nothing learns from it. Was it detached, or computed "
                "under torch.no_grad()? Leave it out where its weight is 0."
            )
    return terms
