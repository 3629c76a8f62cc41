import pytest
import rich.console
import torch
from torch import nn

from oasis.models import OASISDiscriminator, OASISGenerator, summarize


def test_multiply_adds_of_the_published_networks():
    with torch.device("meta"):
        generator, discriminator = OASISGenerator(35), OASISDiscriminator(35)
        condition, image = torch.empty(1, 35, 256, 512), torch.empty(1, 3, 256, 512)
    summary = summarize(generator, condition)
    assert summary.multiply_adds == pytest.approx(318e9, rel=0.01)
    assert summary.parameters == 71_107_523
    assert summarize(discriminator, image).parameters == 22_251_364


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_rows_add_up(depth):
    summary = summarize(OASISGenerator(5, channels=4), torch.zeros(1, 5, 64, 64), depth=depth)
    assert sum(row.parameters for row in summary.rows) == summary.parameters
    assert sum(row.multiply_adds for row in summary.rows) == summary.multiply_adds
    assert summary.rows[0].name == "stem"
    assert summary.rows[-1].name == "to_image"
    assert summary.rows[-1].output_shape == (1, 3, 64, 64)


def test_counts_by_hand():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 10))
    summary = summarize(network, torch.zeros(2, 3, 4, 4))
    assert [row.type for row in summary.rows] == ["Conv2d", "ReLU", "Flatten", "Linear"]
    assert [row.multiply_adds for row in summary.rows] == [2 * 16 * 8 * 3 * 9, 0, 0, 2 * 128 * 10]
    assert [row.parameters for row in summary.rows] == [8 * 3 * 9, 0, 0, 128 * 10 + 10]


def test_the_network_itself_is_left_alone():
    generator = OASISGenerator(5, channels=4)
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    summarize(generator, torch.zeros(1, 5, 64, 64))
    assert all(tensor.equal(before[name]) for name, tensor in generator.state_dict().items())
    assert not any(layer._forward_hooks for layer in generator.modules())


def test_printed_as_a_table():
    console = rich.console.Console(width=120, record=True)
    console.print(summarize(OASISDiscriminator(5, channels=4), torch.zeros(1, 3, 64, 64)))
    text = console.export_text()
    assert "OASISDiscriminator" in text
    assert "down.0" in text
    assert "1x6x64x64" in text
