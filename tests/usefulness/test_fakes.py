"""The files of generated pictures hold what the model generates, and survive interruptions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from oasis.errors import DatasetError, MetricError
from oasis.usefulness import fakes
from oasis.usefulness.fakes import Source

CPU = torch.device("cpu")


def source(model, seeds=(0, 1)):
    return Source.of(model, seeds, CPU)


def complete(one):
    counted = []
    one.complete(CPU, counted.append)
    return sum(counted)


def test_pictures_are_those_of_the_model_to_the_byte(model):
    one = source(model)
    assert complete(one) == 14  # 7 maps, 2 draws
    for seed, draw in one.draws.items():
        expected = []
        for samples in model.data.loader_of("train", range(7)):
            _, fake = model.generate(samples, seed)
            expected += [np.clip(np.rint((picture.numpy() + 1) * 127.5), 0, 255).astype(np.uint8) for picture in fake]
        assert np.array_equal(draw.pictures(), np.stack(expected))
    first, second = (draw.pictures() for draw in one.draws.values())
    assert not np.array_equal(first, second)  # the noise matters


def test_what_is_complete_is_not_generated_again(model, monkeypatch):
    complete(source(model))
    monkeypatch.setattr(fakes, "generated", None)
    again = source(model)
    assert again.missing() == 0
    assert complete(again) == 14


@pytest.mark.parametrize("left", [0, 1, 3, 6.5])
def test_an_interruption_is_continued_with_the_same_bytes(model, left):
    one = source(model, [0])
    complete(one)
    (draw,) = one.draws.values()
    whole = draw.path.read_bytes()
    row = len(whole) // 7
    draw.path.write_bytes(whole[: int(left * row)])
    assert one.missing() == 7 - int(left)
    assert complete(one) == 7
    assert draw.path.read_bytes() == whole


def test_after_an_interruption_whole_batches_are_generated(model, monkeypatch):
    one = source(model, [0])
    complete(one)
    (draw,) = one.draws.values()
    draw.path.write_bytes(draw.path.read_bytes()[: 3 * draw.row.itemsize])
    began, real = [], fakes.generated
    monkeypatch.setattr(fakes, "generated", lambda m, chosen, *rest: began.append(chosen) or real(m, chosen, *rest))
    complete(one)
    assert began == [range(2, 7)]  # batches of 2: row 2 is made together with row 3, as before


def test_a_damaged_row_is_generated_again(model):
    one = source(model, [0])
    complete(one)
    (draw,) = one.draws.values()
    whole = draw.path.read_bytes()
    broken = bytearray(whole)
    broken[4 * draw.row.itemsize + 100] ^= 1
    draw.path.write_bytes(broken)
    assert one.missing() == 3
    complete(one)
    assert draw.path.read_bytes() == whole


def test_other_weights_other_files(model):
    before = {draw.path for draw in source(model).draws.values()}
    next(model.generator.parameters()).data.add_(0.5)
    after = {draw.path for draw in source(model).draws.values()}
    assert len(before | after) == 4
    other = replace(model, generator_config={**model.generator_config, "setting": 1})
    assert not after & {draw.path for draw in source(other).draws.values()}


def test_nan_is_found_at_the_first_picture(model):
    next(model.generator.parameters()).data.fill_(torch.nan)
    with pytest.raises(MetricError, match="hold NaN"):
        complete(source(model))


def test_a_full_disk_is_told_before_generating(model, monkeypatch):
    monkeypatch.setattr(fakes.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(DatasetError, match=r"7 generated pictures need.*--fakes-draws.*PANOPTIC_OASIS_CACHE"):
        complete(source(model))
