"""The crowded streets: pictures, what may stand where, and the dataset."""

import json
from functools import cache

import numpy as np
import pytest
from touching_pairs import touching_pairs

from oasis.data import Streets
from oasis.errors import DatasetError
from oasis.streets import SyntheticCrowds, SyntheticStreets, draw_crowd
from oasis.streets.camera import Camera, Place
from oasis.streets.standing import Extent, Standings
from oasis.streets.street import Street

THINGS = (24, 25, 26, 27, 28, 32, 33)
CAR = Extent(0.9, 4.5, 1.5)


@cache
def crowds() -> tuple[Street, ...]:
    return tuple(draw_crowd(np.random.SeedSequence([7, i]), 64, 128) for i in range(30))


@cache
def larger() -> tuple[Street, ...]:
    return tuple(draw_crowd(np.random.SeedSequence([7, i]), 256, 512) for i in range(4))


@cache
def pairs() -> tuple[set[tuple[int, int]], ...]:
    return tuple(touching_pairs(street.instance) for street in crowds())


def sizes(street: Street) -> dict[int, int]:
    idents, counts = np.unique(street.instance[street.instance >= 1000], return_counts=True)
    return dict(zip(idents.tolist(), counts.tolist(), strict=True))


# --- pictures -----------------------------------------------------------------------------------


def test_things_are_large_enough_to_be_seen():
    pixels = np.array([count for street in crowds() for count in sizes(street).values()])
    assert np.median(pixels) > 90
    assert np.mean(pixels >= 60) > 0.8
    assert max(pixels) < 64 * 128 / 3  # none fills the picture


def test_number_of_things():
    counts = np.array([len(sizes(street)) for street in crowds()])
    assert counts.min() >= 2
    assert counts.max() <= 18
    assert 6 < counts.mean() < 12


def test_things_of_one_class_touch():
    assert np.mean([len(found) > 0 for found in pairs()]) > 0.9
    touching = sum(len({ident for pair in found for ident in pair}) for found in pairs())
    assert touching / sum(len(sizes(street)) for street in crowds()) > 0.55


def test_people_and_cars_touch():
    kinds = [ident // 1000 for found in pairs() for pair in found for ident in pair]
    assert min(kinds.count(24), kinds.count(26)) > 20


def test_every_thing_is_an_instance():
    for street in crowds():
        assert (street.instance[np.isin(street.label, THINGS)] >= 1000).all()


def test_they_are_streets():
    for kind in (7, 8, 11, 21, 23):  # road, sidewalk, building, vegetation, sky
        assert np.mean([(street.label == kind).sum() > 40 for street in crowds()]) > 0.6


def test_neighbours_differ_in_colour():
    gaps = []
    for street, found in zip(crowds(), pairs(), strict=True):
        for pair in found:
            first, second = (np.median(street.photo[street.instance == ident], axis=0) for ident in pair)
            gaps.append(np.abs(first - second).max())
    assert len(gaps) > 60
    assert np.median(gaps) > 20


def test_composition_does_not_depend_on_size():
    for fine, coarse in zip(larger(), crowds(), strict=False):
        assert sizes(coarse).keys() <= sizes(fine).keys()
        assert (fine.instance[2::4, 2::4] == coarse.instance).mean() > 0.92


def test_photo_depends_on_nothing_but_the_seed():
    again = draw_crowd(np.random.SeedSequence([7, 3]), 64, 128)
    np.testing.assert_array_equal(again.photo, crowds()[3].photo)
    np.testing.assert_array_equal(again.instance, crowds()[3].instance)
    assert not np.array_equal(again.photo, crowds()[2].photo)


# --- what may stand where -----------------------------------------------------------------------


@pytest.fixture
def standings():
    made = Standings(Camera(focal=1.4, horizon=0.45, centre=1.0, eye=1.6, bend=0.0, aspect=2.0))
    assert made.takes(Place(0.0, 8.0), CAR)
    return made


@pytest.mark.parametrize(
    ("place", "free"),
    [
        (Place(0.5, 9.0), False),  # in the first car
        (Place(0.0, 14.0), False),  # behind it, hidden
        (Place(2.2, 8.0), True),  # beside it
        (Place(2.2, 14.0), True),  # behind it, seen
        (Place(-0.1, 3.5), False),  # hides it
        (Place(3.0, 60.0), False),  # too small
        (Place(40.0, 8.0), False),  # outside of the picture
        (Place(0.0, -8.0), False),  # behind the camera
    ],
)
def test_a_thing_stands_where_it_is_seen(standings, place, free):
    assert standings.takes(place, CAR) is free


def test_what_was_refused_takes_no_room(standings):
    assert not standings.takes(Place(1.0, 9.0), CAR)
    assert standings.takes(Place(2.2, 9.0), CAR)


# --- the dataset --------------------------------------------------------------------------------


def small(kind, root):
    return kind(train=2, val=1, height=32, width=64, root=str(root))


def test_caches_tell_crowds_from_streets(monkeypatch, tmp_path):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path))
    assert SyntheticCrowds(64, 8, height=64, width=128).folder() == tmp_path / "crowds-v1-64x128-seed0-64-8-0"
    crowds, streets = Streets(SyntheticCrowds()).identity(), Streets(SyntheticStreets()).identity()
    size = {"train": 2000, "val": 200, "test": 0, "height": 256, "width": 512, "seed": 0}
    assert streets == {"class": "Streets", "streets": size}
    assert crowds == {"class": "Streets", "streets": {"kind": "crowds", "version": 1, **size}}


def test_files_are_those_of_the_drawings(tmp_path):
    root = small(SyntheticCrowds, tmp_path / "crowds").write(progress=False)
    assert json.loads((root / "streets.json").read_text())["kind"] == "crowds"
    photos = Streets(SyntheticCrowds(), root).listing("train").samples()
    drawn = draw_crowd(np.random.SeedSequence([1, 0, 0, 0]), 32, 64)
    labels = [Streets(SyntheticCrowds(), root).read_label(files.label) for files in photos]
    assert any(np.array_equal(label, drawn.label) for label in labels)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (SyntheticStreets, SyntheticCrowds, "kind is None, not crowds"),
        (SyntheticCrowds, SyntheticStreets, "kind is crowds, not None"),
    ],
)
def test_neither_is_taken_for_the_other(tmp_path, first, second, message):
    small(first, tmp_path / "streets").write(progress=False)
    with pytest.raises(DatasetError, match=message):
        small(second, tmp_path / "streets").write(progress=False)
