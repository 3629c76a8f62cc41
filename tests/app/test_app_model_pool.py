import os
import threading
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from oasis.app import markup
from oasis.app.checkpoints import newest_demo
from oasis.app.color_map import color_map
from oasis.app.drawing import Stroke
from oasis.app.model_pool import ModelPool
from oasis.app.pictures import Figure
from oasis.app.session import Session
from oasis.bundled import bundled_file
from oasis.checkpoint import Restored
from oasis.encodings import Semantic
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.models import SPADEGenerator
from oasis.synthesis import LabelMap, Synthesizer
from oasis.synthesis.examples import draw_examples


@pytest.fixture
def label_map(street, ids) -> LabelMap:
    return LabelMap(*street, ids, "street")


def same(a: Image.Image, b: Image.Image) -> bool:
    return a.tobytes() == b.tobytes()


def test_newest_demo_is_the_one_written_last(tmp_path):
    for age, run in enumerate(["demo/3", "demo_long/1", "demo/2", "other/4"]):
        path = tmp_path / run / "checkpoints" / "last.ckpt"
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (1000 - age, 1000 - age) if run != "other/4" else (2000, 2000))
    assert newest_demo(tmp_path) == tmp_path / "demo/3/checkpoints/last.ckpt"

    assert newest_demo(tmp_path / "other") is None


def test_without_checkpoints_it_has_the_model_that_comes_along():
    pool = ModelPool.from_checkpoints([])
    assert len(pool.names) == 1
    assert pool.model().checkpoint == bundled_file()


def test_models_of_one_name_are_told_apart(pool):
    plain = pool.model("plain")
    assert ModelPool([plain, plain, plain]).names == ["plain", "plain (2)", "plain (3)"]


def test_studio_needs_a_model_and_knows_which_it_has(pool):
    with pytest.raises(ConfigurationError, match="at least one checkpoint"):
        ModelPool([])
    with pytest.raises(ConfigurationError, match="no model 'nobody' here; there are: plain, outlines"):
        pool.model("nobody")


def test_pictures_are_generated_one_after_the_other(pool, label_map, monkeypatch):
    at_work, most = [], []

    def slow(*_args, **_kwargs):
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.02)
        at_work.pop()
        return Image.new("RGB", (4, 4))

    monkeypatch.setattr(pool.model("plain"), "synthesize", slow)
    visitors = [threading.Thread(target=pool.generate, args=("plain", label_map)) for _ in range(5)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert most == [1] * 5


def test_a_photo_is_what_the_synthesizer_generates(pool, label_map):
    photo = pool.generate("outlines", label_map, seed=3)
    assert same(photo.image, pool.model("outlines").synthesize(label_map, seed=3))
    assert photo.seconds > 0


def test_session_without_map_says_where_to_get_one(pool):
    with pytest.raises(ConfigurationError, match="no map yet: click a street in the first tab"):
        Session().require_map()


def test_strokes_go_into_the_map_and_out_again(pool, label_map):
    session = Session()
    session.take(label_map)
    session.draw(Stroke(26, ((0.5, 0.9),), 0.1), pool.model(), undo=5)
    assert session.strokes == 1
    assert 26002 in session.require_map().instance  # beside the two cars that were there
    assert 26002 not in label_map.instance  # which others may use
    assert session.undo()
    np.testing.assert_array_equal(session.require_map().instance, label_map.instance)
    assert not session.undo()


def test_large_map_is_drawn_on_at_the_models_size(pool, street, ids):
    large = LabelMap(street[0].repeat(3, 0).repeat(3, 1), None, ids, "large")
    session = Session()
    session.take(large)
    session.draw(Stroke(24, ((0.5, 0.5),), 0.1), pool.model(), undo=5)
    assert session.require_map().label.shape == street[0].shape
    assert session.require_map().instance_ids == (24000,)  # the cars of `large` are not told apart


def test_strokes_have_the_classes_of_the_brushes(pool, narrow, ids):
    """Whatever the classes of the map: an upload has those of the selected model, the brushes those of the first."""
    sky, session = np.ones((32, 64), np.uint8), Session()
    session.take(LabelMap(sky, None, narrow.label_space, "sky.png"))
    session.draw(Stroke(26, ((0.5, 0.5),), 0.1), pool.model(), undo=5)
    assert session.require_map().label_space == ids
    assert session.require_map().class_names == ("sky", "car")
    assert session.require_map().instance_ids == (26000,)


def test_map_without_the_classes_of_the_brushes_is_not_drawn_on(pool, narrow):
    town = LabelMap(np.full((32, 64), 2, np.uint8), None, narrow.label_space, "town.png")
    session = Session()
    session.take(town)
    with pytest.raises(ConfigurationError, match=r"town\.png: the brushes .* classes of plain.*shows house\. Start"):
        session.draw(Stroke(26, ((0.5, 0.5),), 0.1), pool.model(), undo=5)
    assert session.require_map() is town
    assert session.strokes == 0


@pytest.mark.parametrize(("noise_dim", "said"), [(0, "has no noise"), (8, "has one latent vector a picture")])
def test_nothing_is_drawn_anew_where_nothing_can_change_alone(label_map, ids, noise_dim, said):
    sizes = {"height": 32, "width": 64, "norm": "instance"}
    generator = SPADEGenerator(ids.num_classes, noise_dim, 2, spade_channels=4, **sizes)
    model = Synthesizer(Restored({}, ids, Semantic(ids), generator, 0), 32, 64, "spade", "cpu")
    session = Session()
    session.take(label_map)
    with pytest.raises(ConfigurationError, match=f"spade: its SPADEGenerator {said}"):
        session.resample("spade", model, 0, label_map.segment_at(15, 12), whole_class=False)
    assert session.resampled == []


def test_resampling_changes_the_instance_and_every_time_anew(pool, label_map):
    model, session = pool.model("plain"), Session()
    session.take(label_map)
    car = label_map.segment_at(15, 12)
    pictures = [model.synthesize(label_map, noise=session.noise("plain", model, 1))]
    for _ in range(2):
        session.resample("plain", model, 1, car, whole_class=False)
        pictures.append(model.synthesize(label_map, noise=session.noise("plain", model, 1)))
    changed = [np.abs(np.asarray(a, int) - np.asarray(b, int)).mean(2) for a, b in pairwise(pictures)]
    for change in changed:
        assert change[car.mask].mean() > 3
        assert change[:, -8:].mean() < 0.01 * 255
    assert session.resampled == ["car 26000", "car 26000"]
    session.start_again()
    assert same(model.synthesize(label_map, noise=session.noise("plain", model, 1)), pictures[0])


def test_resampling_a_class_covers_all_of_it(pool, label_map):
    model, session = pool.model("plain"), Session()
    session.take(label_map)
    session.resample("plain", model, 1, label_map.segment_at(15, 12), whole_class=True)
    rows = session.noise("plain", model, 1).rows(*label_map.label.shape)
    changed = rows != rows[0, 0]
    np.testing.assert_array_equal(changed, label_map.label == 26)
    assert session.resampled == ["all of car"]


def test_noise_is_fresh_for_another_seed_or_model(pool, label_map):
    model, session = pool.model("plain"), Session()
    session.take(label_map)
    session.resample("plain", model, 1, label_map.segment_at(15, 12), whole_class=False)
    session.noise("plain", model, 2)
    assert session.resampled == []


def test_color_map_has_palette_colours_and_white_contours_alone(pool, label_map, ids):
    picture = np.asarray(color_map(label_map, pool.model()))
    factor = picture.shape[0] // 32
    middles = picture[factor // 2 :: factor, factor // 2 :: factor]
    np.testing.assert_array_equal(middles, np.asarray(ids.palette, np.uint8)[label_map.label])
    seam = 22 * factor  # between the two cars, which are of one colour
    assert (picture[15 * factor, seam] == 255).all()
    assert (picture[15 * factor, seam - 1] == 255).all()
    assert (picture[15 * factor, seam - 2] == ids.palette[26]).all()


def test_examples_are_streets_at_the_models_size(pool):
    examples = draw_examples(pool.model(), seeds=(32, 33))
    assert [each.name for each in examples] == ["Street 1", "Street 2"]
    for each in examples:
        assert each.label_map.label.shape == (32, 64)
        assert {"road", "car"} <= set(each.label_map.class_names)


def test_no_examples_for_a_model_of_other_classes(pool, monkeypatch):
    other = LabelSpace(("a", "b"), ((0, 0, 0), (9, 9, 9)), frozenset(), 0, (0, 1) + (-1,) * 254, frozenset({1}))
    monkeypatch.setattr(pool.model(), "label_space", other)
    assert draw_examples(pool.model()) == []


@pytest.mark.parametrize("missing", ["pole", "vegetation"])
def test_no_street_with_ids_that_are_no_class_or_another(pool, ids, monkeypatch, missing):
    """As for a class file of CamVid's 11 classes at Cityscapes' ids."""
    index = ids.names.index(missing)
    without = tuple(-1 if found == index else found for found in ids.raw_to_class)
    renamed = tuple("tree" if name == missing else name for name in ids.names)
    for change in ({"raw_to_class": without}, {"names": renamed}):
        monkeypatch.setattr(pool.model(), "label_space", replace(ids, **change))
        assert draw_examples(pool.model()) == []


def test_streets_of_a_model_without_things_have_no_instances(pool, ids, monkeypatch):
    monkeypatch.setattr(pool.model(), "label_space", replace(ids, things=frozenset()))
    for each in draw_examples(pool.model(), seeds=(32,)):
        np.testing.assert_array_equal(each.label_map.instance, each.label_map.label)


def test_brushes_are_the_evaluated_classes_with_their_raw_ids():
    ids, train_ids = (markup.brushes(space()) for space in (LabelSpace.cityscapes_ids, LabelSpace.cityscapes_train_ids))
    assert ids == train_ids  # a map holds raw ids, whatever classes a model makes of them
    assert len(ids) == 19
    car = next(brush for brush in ids if brush.name == "car")
    assert (car.raw_id, car.color, car.is_thing) == (26, (0, 0, 142), True)
    assert [brush.is_thing for brush in ids] == sorted(brush.is_thing for brush in ids)


def test_legend_names_the_classes_of_the_map_largest_first(label_map):
    text = markup.legend(label_map)
    places = [text.index(f"</i>{name}<") for name in ("sky", "road", "car")]
    assert places == sorted(places)
    assert "person" not in text
    assert "rgb(0,0,142)" in text


def test_text_from_outside_is_no_markup():
    assert "<script>" not in markup.problem("<script>alert(1)</script>.png")
    assert "<script>" not in markup.status(["<script>"], ["<script>"])
    assert "<script>" not in Figure(Image.new("RGB", (2, 2)), "<script>", file_name='"><script>').html()
