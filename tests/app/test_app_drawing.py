import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oasis.app.drawing import MOST_POINTS, Drawing, Stroke
from oasis.app.empty_street import empty_start, empty_street
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.synthesis import LabelMap

HEIGHT, WIDTH = 24, 48
IDS = LabelSpace.cityscapes_ids()
shares = st.floats(-0.3, 1.3)
strokes = st.builds(
    Stroke,
    raw_id=st.sampled_from([7, 23, 24, 26]),
    points=st.lists(st.tuples(shares, shares), min_size=1, max_size=6).map(tuple),
    radius=st.floats(0.001, 0.3),
    filled=st.booleans(),
)


def empty():
    label = empty_street(HEIGHT, WIDTH, IDS)
    return label, label.astype(np.int32)


@pytest.fixture
def drawing() -> Drawing:
    return Drawing(*empty(), IDS)


def slow_mask(stroke: Stroke) -> np.ndarray:
    """Pixel by pixel: is any line of the stroke within the radius of this pixel's centre?"""
    radius = max(stroke.radius * HEIGHT, 0.71)
    corners = [(x * WIDTH, y * HEIGHT) for x, y in stroke.points]
    lines = list(pairwise(corners)) or [(corners[0], corners[0])]
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            x, y = column + 0.5, row + 0.5
            for (ax, ay), (bx, by) in lines:
                length = math.hypot(bx - ax, by - ay)
                along = 0.0 if length < 1e-6 else ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length**2
                along = min(max(along, 0.0), 1.0)
                mask[row, column] |= math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)) <= radius
    return mask


@settings(max_examples=25, deadline=None)
@given(strokes)
def test_brush_covers_what_is_within_its_radius(stroke):
    brush = Stroke(stroke.raw_id, stroke.points, stroke.radius)
    differing = (brush.mask(HEIGHT, WIDTH) != slow_mask(brush)).sum()
    assert differing <= 2  # pixels exactly on the rim, by rounding


def test_filled_stroke_covers_what_it_encloses():
    outline = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
    thin = Stroke(7, outline, 0.01).mask(96, 192)
    filled = Stroke(7, outline, 0.01, filled=True).mask(96, 192)
    assert not thin[48, 96]
    assert filled[48, 96]
    assert filled.mean() == pytest.approx(0.36, abs=0.03)
    assert not filled[1, 1]


@settings(max_examples=25, deadline=None)
@given(st.lists(strokes, max_size=5))
def test_undo_takes_back_every_stroke_to_the_pixel(strokes):
    drawing = Drawing(*empty(), IDS)
    before = [(drawing.label.copy(), drawing.instance.copy())]
    for stroke in strokes:
        drawing.draw(stroke)
        before.append((drawing.label.copy(), drawing.instance.copy()))
    for label, instance in reversed(before[:-1]):
        assert drawing.undo()
        np.testing.assert_array_equal(drawing.label, label)
        np.testing.assert_array_equal(drawing.instance, instance)
    assert not drawing.undo()


@settings(max_examples=25, deadline=None)
@given(st.lists(strokes, min_size=1, max_size=6))
def test_maps_stay_consistent_and_hold_nothing_but_what_was_drawn(strokes):
    drawing = Drawing(*empty(), IDS)
    allowed = set(np.unique(drawing.label)) | {stroke.raw_id for stroke in strokes}
    for stroke in strokes:
        drawing.draw(stroke)
    assert set(np.unique(drawing.label)) <= allowed
    things = np.isin(drawing.label, [24, 26])
    np.testing.assert_array_equal(drawing.instance[things] // 1000, drawing.label[things])
    np.testing.assert_array_equal(drawing.instance[~things], drawing.label[~things])


def test_each_stroke_of_a_thing_is_a_new_instance(drawing):
    def dab(raw_id, x):
        return drawing.draw(Stroke(raw_id, ((x, 0.5),), 0.1))

    assert [dab(26, 0.2), dab(26, 0.5), dab(24, 0.8), dab(7, 0.35)] == [26000, 26001, 24000, 7]
    assert set(np.unique(drawing.instance)) >= {26000, 26001, 24000}


def test_new_instance_is_none_that_the_map_holds_already(drawing):
    drawing.instance[0, 0] = 26000
    assert drawing.draw(Stroke(26, ((0.5, 0.5),), 0.1)) == 26001


def test_one_point_in_the_picture_draws_at_least_a_pixel(drawing):
    drawing.draw(Stroke(24, ((0.501, 0.501),), 1e-6))
    assert (drawing.label == 24).sum() >= 1


def test_undo_reaches_as_far_back_as_it_was_told():
    drawing = Drawing(*empty(), IDS, undo=2)
    for _ in range(5):
        drawing.draw(Stroke(26, ((0.5, 0.5),), 0.1))
    assert [drawing.undo() for _ in range(3)] == [True, True, False]


def test_thousand_instances_of_a_class_are_all_there_is_room_for(drawing):
    drawing.instance.reshape(-1)[:1000] = np.arange(26000, 27000)
    with pytest.raises(ConfigurationError, match="room for 1000 of a class"):
        drawing.draw(Stroke(26, ((0.5, 0.9),), 0.1))
    assert drawing.strokes == 0


@pytest.mark.parametrize("raw_id", [-1, 34, 200, 256, 10**9])
def test_id_that_means_nothing_is_refused(drawing, raw_id):
    before = drawing.label.copy()
    with pytest.raises(ConfigurationError, match=f"no class of the id {raw_id}"):
        drawing.draw(Stroke(raw_id, ((0.5, 0.5),), 0.1))
    np.testing.assert_array_equal(drawing.label, before)


@pytest.mark.parametrize(
    "message",
    [
        None,
        "text",
        {},
        {"raw_id": 26, "points": [], "radius": 0.1},
        {"raw_id": 26, "points": [[0.1]], "radius": 0.1},
        {"raw_id": 26, "points": [[0.1, "x"]], "radius": 0.1},
        {"raw_id": 26, "points": [[0.1, float("nan")]], "radius": 0.1},
        {"raw_id": 26, "points": [[0.1, 1e300]], "radius": 0.1},
        {"raw_id": 26, "points": [[0.1, 0.1]], "radius": float("nan")},
        {"raw_id": 26, "points": [[0.1, 0.1]], "radius": 0},
        {"raw_id": 26, "points": [[0.1, 0.1]], "radius": 50},
        {"raw_id": float("inf"), "points": [[0.1, 0.1]], "radius": 0.1},
        {"raw_id": 26, "points": [[0.1, 0.1]] * (MOST_POINTS + 1), "radius": 0.1},
    ],
    ids=range(13),
)
def test_what_is_no_stroke_is_refused(message):
    with pytest.raises(ConfigurationError, match=r"no stroke|A stroke has|A brush of radius"):
        Stroke.from_message(message)


def test_empty_street_holds_the_classes_of_a_street_and_no_thing():
    label = empty_street(64, 128, IDS)
    names = {IDS.names[raw] for raw in np.unique(label)}
    assert names == {"sky", "building", "sidewalk", "road"}
    np.testing.assert_array_equal(label, label[:, ::-1])


@pytest.mark.parametrize(
    ("names", "table", "name", "raw"),
    [
        (IDS.names, IDS.raw_to_class, "Empty street", None),
        (("void", "sky", "road"), (-1,) * 9 + (0, 1, 2), "Empty canvas (void)", 9),
        (("void", "sky", "road"), (-1, -1, 2, 1), "Empty canvas (road)", 2),  # nothing is void
        (("void", "sky", "building", "road", "sidewalk"), (0, 1, 2, 4), "Empty canvas (void)", 0),  # no id is a road
    ],
)
def test_no_class_stands_for_another_in_the_empty_map(names, table, name, raw):
    classes = range(len(names))
    colors, table = [(i, i, i) for i in classes], (*table, *(-1,) * (256 - len(table)))
    space = LabelSpace(names, colors, frozenset(), 0, table, frozenset(classes) - {0})
    start = empty_start(SimpleNamespace(label_space=space, height=16, width=32))
    assert start.name == name
    if raw is not None:
        assert set(np.unique(start.label_map.label)) == {raw}


def test_strokes_of_class_0_stay_apart():
    """As persons of COCO-Stuff, whose raw id is 0: 0 * 1000 + k would be plain ids."""
    space = LabelSpace.coco_stuff()
    assert space.names[space.raw_to_class[0]] == "person"
    sky = np.full((HEIGHT, WIDTH), 156, np.uint8)
    drawing = Drawing(sky, sky.astype(np.int32), space)
    strokes = [Stroke(0, ((x, 0.5),), 0.2) for x in (0.2, 0.3)]
    assert [drawing.draw(stroke) for stroke in strokes] == [256_000, 256_001]
    found = LabelMap(drawing.label, drawing.instance, space)
    assert found.instance_ids == (256_000, 256_001)
    np.testing.assert_array_equal(found.instance_mask(256_001), strokes[1].mask(HEIGHT, WIDTH))
