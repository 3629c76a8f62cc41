"""A model with INADE through training and the command line."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from PIL import Image
from typer.testing import CliRunner

from oasis.cli import app
from oasis.encodings import Semantic
from oasis.errors import ConfigurationError
from oasis.models import INADEGenerator, OASISGenerator
from oasis.training.requirements import require_classes


class Reversed(Semantic):
    """One-hot, the last class first."""

    def forward(self, label, instance, generators=None):
        return torch.nn.functional.one_hot(label, self.channels).permute(0, 3, 1, 2).flip(1).float()


@pytest.mark.parametrize("name", ["semantic", "panoptic", "instance_ids_normalized", "per_instance_masks"])
def test_encodings_start_with_the_classes(composed, name):
    encoding = instantiate(composed(f"encoding={name}").encoding)
    generator = INADEGenerator(encoding.channels, encoding.label_space.num_classes, 2, 1, 2)
    before = torch.get_rng_state()
    require_classes(generator, encoding)
    assert torch.get_rng_state().equal(before)


def test_an_encoding_that_does_not(ids):
    encoding = Reversed(ids)
    with pytest.raises(ConfigurationError, match=r"INADEGenerator takes the largest.*first 35.*not in Reversed"):
        require_classes(INADEGenerator(35, 35, 2, 1, 2), encoding)
    require_classes(OASISGenerator(35, 2, 1, 2), encoding)


def test_it_is_refused_before_training(fit, monkeypatch):
    monkeypatch.setattr("oasis.encodings.Semantic.forward", Reversed.forward)
    with pytest.raises(ConfigurationError, match="not in Semantic"):
        fit("run", "model=inade", "encoding=semantic")


def test_one_car_is_drawn_again(trained, tiny, tmp_path):
    run, source = trained("inade", "model=inade", "trainer.max_steps=4"), tiny.instance("val", "town_000100_000019")
    arguments = ["generate", run, source, "-o", tmp_path / "out", "--samples", 2, "--resample", "26000"]
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    pictures = sorted(path for path in (tmp_path / "out").rglob("*.png") if "sheet" not in path.name)
    first, second = (np.asarray(Image.open(path)).astype(int) for path in pictures)
    change = np.abs(first - second).sum(axis=2)
    car = np.asarray(Image.open(source).resize((64, 32), Image.Resampling.NEAREST)) == 26000
    assert (change[car] > 0).mean() > 0.9
    columns = np.flatnonzero(car.any(axis=0))
    reach = 2 * (1 + 2) + 2 + 1  # of two blocks at half and full size, the stem and the last convolution
    assert change[:, : max(columns.min() - reach, 0)].sum() == 0
    assert change[:, columns.max() + reach + 2 :].sum() == 0


@pytest.mark.parametrize("choice", ["generator=inade", "generator=segment_tokens", "generator/panoptic=aware"])
def test_a_dataset_without_instances_is_refused(fit, trained, tiny, choice, tmp_path):
    network = ["model=inade"] if choice == "generator=inade" else [choice]
    run = trained("run", *network, "trainer.max_steps=4")
    for split in ("train", "val"):
        next((tiny.root / "gtFine" / split).glob("*/*_instanceIds.png")).unlink()
    message = r"(?s)1 of 7 samples.*no instance map.*generator=oasis generator/panoptic=plain.*docs/data\.md"
    with pytest.raises(ConfigurationError, match=message):
        fit("without", *network)
    arguments = ["evaluate", run, f"data.root={tiny.root}", "metrics=none", "segmenter=none", "-o", tmp_path / "report"]
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code != 0
    assert "no instance map" in " ".join(done.output.split())
