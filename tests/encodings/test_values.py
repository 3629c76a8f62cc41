"""Golden numbers worked out by hand, and settings that are refused."""

import json

import pytest
import torch

from experiments.benchmarks import encodings as benchmark
from oasis.encodings import CenterOffset, InstanceIds, InstanceNoise, Position
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace

#       road cars      group of cars, persons, void
LABEL = [7, 26, 26, 26, 26, 24, 24, 0]
NUMBER = [0, 1, 3, 3, 0, 2, 4, 0]


@pytest.mark.parametrize(
    ("normalized", "expected"), [(False, [1, 1, 2, 2, 1, 1, 2, 1]), (True, [1, 0.5, 1, 1, 0.5, 0.5, 1, 1])]
)
def test_instance_ids_count_within_a_class(ids, normalized, expected):
    label, instance = torch.tensor(LABEL).view(1, 1, -1), torch.tensor(NUMBER).view(1, 1, -1)
    encoded = InstanceIds(ids, normalized=normalized)(label, instance)
    assert encoded.sum(1).flatten().tolist() == expected
    assert torch.equal(encoded.argmax(1), label)


def test_train_ids_count_caravans_among_void():
    space = LabelSpace.cityscapes_train_ids()
    void, instance = torch.full((1, 4, 4), space.ignore_index), torch.ones(1, 4, 4, dtype=torch.int64)
    assert CenterOffset(space)(void, instance)[:, space.num_classes :].sum() == 0


def test_position_runs_from_end_to_end_of_the_box(ids):
    label, instance = torch.tensor(LABEL).view(1, 1, -1), torch.tensor([0, 1, 1, 1, 1, 0, 0, 0]).view(1, 1, -1)
    y, x = Position(ids)(label, instance)[0, 35:, 0]
    assert y.tolist() == [0] * 8
    torch.testing.assert_close(x, torch.tensor([0, -1, -1 / 3, 1 / 3, 1, -1, 1, 0]))


@pytest.mark.parametrize("sigma", [0, -1.0, float("nan"), float("inf")])
def test_a_peak_without_width(ids, sigma):
    with pytest.raises(ConfigurationError, match=rf"encoding\.sigma={sigma}: .*must be above 0"):
        CenterOffset(ids, sigma=sigma)


def test_no_noise(ids):
    with pytest.raises(ConfigurationError, match=r"encoding\.dim=0: .*at least 1"):
        InstanceNoise(ids, dim=0)


def test_noise_is_standard_normal(ids):
    torch.manual_seed(0)
    instance = torch.arange(1, 1024).view(1, 1, -1)
    noise = InstanceNoise(ids, dim=64)(torch.full_like(instance, 26), instance)[:, 35:]
    assert abs(noise.mean()) < 5 / noise.numel() ** 0.5
    assert abs(noise.var() - 1) < 5 * (2 / noise.numel()) ** 0.5


def test_the_benchmark_measures_all(tmp_path, capsys, build, monkeypatch):
    monkeypatch.setattr(benchmark, "MAPS", (2, 32, 64))
    benchmark.main(
        ["--rounds", "1", "--channels", "2", "--height", "64", "--width", "64", "--json", str(tmp_path / "r.json")]
    )
    last = capsys.readouterr().out.splitlines()[-1].split()
    written = json.loads((tmp_path / "r.json").read_text())
    rows = written["rows"]
    assert last[:2] == ["ratio", "encodings"]
    assert float(last[2]) == pytest.approx(written["ratio"], abs=0.01)
    assert {row["name"]: row["channels"] for row in rows}["panoptic"] == build("panoptic").channels
