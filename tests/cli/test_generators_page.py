"""`oasis encodings --generators`: what each generator sees of one sample."""

import dataclasses
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from oasis.cli import app
from oasis.inspection.detail import Detail, at, seams, segments, touching_pair
from oasis.inspection.generator_cards import NOTE_LINES, generator_cards
from oasis.inspection.samples import synthetic_street
from oasis.inspection.sheet import text_font, wrapped
from oasis.inspection.sights import (
    ABOVE,
    FILL,
    NEIGHBOUR,
    class_shares,
    inade_scales,
    largest_instance,
    seen_neighbours,
    thinnest_class,
    token_measures,
    token_vectors,
    upsampling_sources,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run():
    """Runs `oasis encodings WORDS`; returns exit code, stdout and stderr."""

    def invoke(*words):
        result = CliRunner().invoke(app, ["encodings", *map(str, words)])
        return result.exit_code, result.stdout, result.stderr

    return invoke


@pytest.fixture
def street(ids):
    return synthetic_street(0, 128, 256, ids)


@pytest.fixture
def bare(street):
    """Without instances."""
    return dataclasses.replace(street, instance=torch.zeros_like(street.instance))


# The command


def test_the_page_is_written_alike_every_time(run, tmp_path):
    for name in ("a", "b"):
        output = tmp_path / "deep" / f"{name}.png"
        code, out, err = run("--generators", "--output", output, "--height", 64, "--width", 128)
        assert code == 0, err
        line = rf"What each generator sees of synthetic street 0: .*{name}\.png \(1656x\d+, \d+ kB\)"
        assert re.search(line, out.replace("\n", ""))
    assert (tmp_path / "deep" / "a.png").read_bytes() == (tmp_path / "deep" / "b.png").read_bytes()


def test_a_sample_of_a_dataset_with_and_without_instance_maps(run, tiny, tmp_path):
    words = ("--generators", "data=cityscapes", f"data.root={tiny.root}", "--height", 64, "--width", 128)
    assert run(*words, "-o", tmp_path / "with.png")[0] == 0
    tiny.instance("val", "town_000100_000019").unlink()
    code, _, err = run(*words, "-o", tmp_path / "without.png")
    assert code == 0, err
    one, other = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("with", "without"))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--encoding", "boundary"], r"error: --generators --encoding boundary: .*leave out one of the two"),
        (["--width", "100"], r"error: --width 100: must be a multiple of 32"),
        (["--height", "40"], r"error: --height 40: must be a multiple of 32"),
    ],
)
def test_what_does_not_fit_is_refused(run, tmp_path, words, error):
    code, _, err = run("--generators", "-o", tmp_path / "x.png", *words)
    assert code == 1
    assert re.match(error, err)
    assert not (tmp_path / "x.png").exists()


# The cards


@pytest.mark.parametrize("size", [(32, 32), (64, 128), (96, 160), (64, 448)])
@pytest.mark.parametrize("instances", [True, False])
def test_no_text_is_cut_or_runs_into_another(ids, size, instances):
    sample = synthetic_street(0, *size, ids)
    if not instances:
        sample = dataclasses.replace(sample, instance=torch.zeros_like(sample.instance))
    cards = generator_cards(sample)
    assert sum(len(card.panels) for card in cards) == 18
    for card in cards:
        width = card.panels[0].picture.width
        head = text_font(28).getlength(card.title) + text_font(21).getlength(card.subtitle)
        assert head + 30 < len(card.panels) * (width + 36) - 36, card
        for panel in card.panels:
            assert panel.picture.size == cards[0].panels[0].picture.size
            assert len(wrapped(panel.note, width)) <= NOTE_LINES, panel.note
            assert panel.legend is None or panel.legend.width <= width, panel.note


def test_cards_without_instances_say_so(street, bare):
    told = {card.title for card in generator_cards(bare) if "no instances here" in card.subtitle}
    assert told == {"generator/panoptic=aware", "generator=inade", "generator=segment_tokens"}
    first, *_, last = generator_cards(bare)
    assert "no instances" in first.panels[1].note
    assert "none in this sample" in last.panels[0].note
    assert not any("no instances" in card.subtitle for card in generator_cards(street))


def test_the_numbers_below_the_pictures(street):
    cards = {card.title: [panel.note for panel in card.panels] for card in generator_cards(street)}
    assert f"{int(seams(street).sum())} pixels, yellow" in cards["discriminator=boundary_classes"][0]
    assert f"{len(segments(street).unique())} tokens" in cards["generator=segment_tokens"][0]
    assert "4 x 8 = 32 tokens" in cards["generator=transformer"][0]
    assert "8 x 16 = 128 tokens" in cards["generator=transformer"][1]
    fewer = int((seen_neighbours(street, 8)[1] < 9).sum())
    assert f"{fewer} of 512 pixels" in cards["generator/panoptic=aware"][1]


# What is drawn


def test_seen_neighbours_are_those_of_a_loop(street):
    own, counts = seen_neighbours(street, 8)
    numbers = at(segments(street)[0], 8)
    height, width = numbers.shape
    for y, x in product(range(height), range(width)):
        seen = 0
        for tap, (down, right) in enumerate(product((-1, 0, 1), repeat=2)):
            v, u = y + down, x + right
            inside = 0 <= v < height and 0 <= u < width
            same = inside and bool(numbers[v, u] == numbers[y, x])
            assert bool(own[tap, y, x]) == same
            seen += same or not inside
        assert int(counts[y, x]) == seen


def test_upsampling_sources_are_those_of_a_loop(street):
    kinds, sources = upsampling_sources(street, 8)
    coarse, fine = (at(segments(street)[0], divisor) for divisor in (16, 8))
    height, width = coarse.shape
    for y, x in product(range(2 * height), range(2 * width)):
        around = [
            (v, u)
            for v, u in product(range(y // 2 - 1, y // 2 + 2), range(x // 2 - 1, x // 2 + 2))
            if 0 <= v < height and 0 <= u < width and coarse[v, u] == fine[y, x]
        ]
        if not around:
            assert kinds[y, x] == FILL
            continue
        # Of two that are equally far, the one above or below comes first.
        nearest = min(
            around,
            key=lambda at_: ((2 * at_[0] + 0.5 - y) ** 2 + (2 * at_[1] + 0.5 - x) ** 2, abs(2 * at_[1] + 0.5 - x)),
        )
        assert kinds[y, x] == (ABOVE if nearest == (y // 2, x // 2) else NEIGHBOUR)
        assert tuple(sources[:, y, x].int().tolist()) == nearest
    assert set(kinds.unique().tolist()) == {ABOVE, NEIGHBOUR, FILL}


def test_the_detail_has_the_most_pixels_of_seams(street):
    detail = Detail.of(street)
    found = seams(street)
    most = max(
        int(found[y : y + detail.height, x : x + detail.width].sum())
        for y in range(0, 128 - detail.height + 1, 16)
        for x in range(0, 256 - detail.width + 1, 16)
    )
    assert int(detail.cut(found).sum()) == most > 0
    assert torch.equal(at(detail.cut(found), 8), detail.cut(at(found, 8), 8))


def test_two_pixels_of_touching_instances():
    label = torch.zeros(5, 8, dtype=torch.int64)
    instance = torch.zeros_like(label)
    label[1:4, 1:5], instance[1:4, 1:3], instance[1:4, 3:5] = 1, 1, 2
    assert touching_pair(label, instance) == ((2, 2), (2, 3))
    assert touching_pair(label, 0 * instance) == ((2, 4), (2, 5))  # the border of the class
    assert touching_pair(0 * label, 0 * instance)[0][0] in (1, 2)


def test_nearest_misses_cells_that_area_knows(street):
    index = thinnest_class(street)
    for divisor in (16, 32):
        nearest, area = (class_shares(street, divisor, way)[index] for way in ("nearest", "area"))
        cells = (street.label == index).float().unfold(0, divisor, divisor).unfold(1, divisor, divisor)
        assert torch.equal(area, cells.mean((2, 3)))
        assert torch.equal(nearest, cells[:, :, 0, 0])
        assert (nearest > 0).sum() < (area > 0).sum()


def test_drawing_the_noise_of_one_instance_anew(street):
    one = largest_instance(street)
    mask = street.instance == one
    assert int(mask.sum()) == int(street.instance[street.instance > 0].bincount().max())
    scales, again = inade_scales(street, 0), inade_scales(street, 0, one)
    assert (scales != again).any(0)[mask].all()
    assert torch.equal(scales[:, ~mask], again[:, ~mask])
    assert not torch.equal(scales, inade_scales(street, 1))
    vectors = token_vectors(street, 0)
    change = (token_vectors(street, 0, one) - vectors).norm(dim=0)
    assert (change > 0).all()
    assert change[mask].min() > change[~mask].max()
    for number in segments(street).unique().tolist():
        inside = segments(street)[0] == number
        for values in (scales, vectors):
            assert (values[:, inside] == values[:, inside][:, :1]).all()


def test_boxes_of_tokens(street):
    numbers = segments(street)[0]
    for number, row in zip(numbers.unique().tolist(), token_measures(street), strict=True):
        rows, columns = (numbers == number).nonzero(as_tuple=True)
        top, left = row[4] * 128, row[5] * 256
        assert (round(float(top)), round(float(left))) == (int(rows.min()), int(columns.min()))
        assert round(float(row[2] * 128)) == int(rows.max() - rows.min()) + 1


def test_drawing_leaves_torchs_random_state_alone(street):
    before = torch.get_rng_state()
    generator_cards(street)
    assert torch.equal(before, torch.get_rng_state())


def test_the_picture_on_the_page_is_small_enough_to_load_at_once():
    assert (ROOT / "docs" / "instances.png").stat().st_size < 620_000
