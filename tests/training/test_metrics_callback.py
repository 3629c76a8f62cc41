"""Scores while training: what is logged, when, and what is kept."""

import json
import math
import warnings

import pytest
from run_files import csv_column, csv_rows
from segmenting import untrained_segmenter

from oasis.checkpoint import load
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.scoring import MetricNetworks
from oasis.segmenters import UNetSegmenter
from oasis.training.callbacks.metrics import Metrics

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*generated and.*real images"),
    pytest.mark.filterwarnings("ignore:.*fewer than the"),
]


@pytest.fixture
def measured(ids, tmp_path, monkeypatch):
    """Overrides that switch the scores of an untrained segmenter on."""
    return untrained_segmenter(ids, monkeypatch, tmp_path)


def test_scores_are_logged_beside_floor_and_ceiling(fit, measured, capsys):
    run = fit("run", "trainer.max_epochs=2", *measured)
    for name in ("segmenter/frechet", "segmenter/kernel", "segmenter/miou", "segmenter/pq", "instances/color"):
        assert len(csv_column(run, name)) == 2, name
        for reference in ("real_photos", "untrained"):
            first, second = csv_column(run, f"{reference}/{name}")
            assert first == second
    assert csv_column(run, "real_photos/segmenter/frechet")[0] < csv_column(run, "segmenter/frechet")[0]
    assert not any("iou/" in name for name in csv_rows(run)[0])  # 19 columns too many
    printed = capsys.readouterr().out
    assert "untrained" in printed
    assert "PQ things" in printed


def test_measuring_changes_no_loss(fit, measured):
    without, with_scores = fit("without", "trainer.max_epochs=2"), fit("with", "trainer.max_epochs=2", *measured)
    for name in csv_rows(without)[0]:
        if name.startswith(("generator/", "discriminator/", "val/")):
            assert csv_column(without, name) == csv_column(with_scores, name), name


def test_sanity_batches_are_kept_out(fit, measured):
    """The same scores whether or not validation batches are tried before training."""
    first = fit("first", "trainer.max_epochs=1", *measured)
    second = fit("second", "trainer.max_epochs=1", "trainer.num_sanity_val_steps=2", *measured)
    assert csv_column(first, "segmenter/frechet") == csv_column(second, "segmenter/frechet")
    assert csv_column(first, "segmenter/miou") == csv_column(second, "segmenter/miou")


def test_the_batch_size_of_validation_does_not_matter(fit, measured):
    """Scores of the untrained generator, which has seen no batch of any size, and no statistics of one either."""
    settings = ["trainer.max_epochs=1", "callbacks.ema=null", "generator.init_gain=1", *measured]
    runs = [fit(f"run{size}", f"data.batch_size={size}", *settings) for size in (1, 3)]
    one, three = (csv_column(run, "untrained/segmenter/frechet") for run in runs)
    assert one == pytest.approx(three, rel=1e-4)


def test_best_by_a_score_and_the_untrained_baseline_survive_a_resume(fit, measured):
    monitored = ["callbacks.checkpoints.monitor=segmenter/miou", *measured]
    run = fit("run", "trainer.max_epochs=2", *monitored)
    best = max(csv_column(run, "segmenter/miou"))
    resumed = fit("resumed", "trainer.max_epochs=4", f"resume={run / 'checkpoints' / 'last.ckpt'}", *monitored)
    assert csv_column(resumed, "untrained/segmenter/frechet")[0] == csv_column(run, "untrained/segmenter/frechet")[0]
    later = csv_column(resumed, "segmenter/miou")
    scores = [*csv_column(run, "segmenter/miou"), *later]
    kept = load(resumed / "checkpoints" / "best.ckpt")["progress"]["batches_seen"]
    assert kept == 3 * (scores.index(max(scores)) + 1)
    scores = [
        state["best_score"]
        for state in load(resumed / "checkpoints" / "last.ckpt")["callbacks"].values()
        if "best_score" in state
    ]
    assert scores[0] == pytest.approx(max(best, *later))


@pytest.mark.parametrize("monitor", ["segmenter/miou", "instances/color"])
def test_a_score_that_is_better_when_higher_needs_no_mode(fit, measured, monitor):
    run = fit("run", "trainer.max_epochs=3", f"callbacks.checkpoints.monitor={monitor}", *measured)
    scores = csv_column(run, monitor)
    best = load(run / "checkpoints" / "best.ckpt")["progress"]["batches_seen"]
    assert best == 3 * (scores.index(max(scores)) + 1)


@pytest.mark.parametrize("monitor", ["fid", "kid", "segmenter/pq", "instances/color"])
def test_a_score_that_nobody_measures_is_refused_before_training(fit, monitor):
    with pytest.raises(ConfigurationError, match=rf"monitor={monitor}.*nothing in this run measures it"):
        fit("run", f"callbacks.checkpoints.monitor={monitor}")


@pytest.mark.parametrize(
    ("monitor", "meant"),
    [
        ("segmenter/mious", "segmenter/miou"),
        ("fidd", "fid"),
        ("instance/color", "instances/color"),
        ("val/generator_adverserial", "val/generator_adversarial"),
        ("generator/adversariel", "generator/adversarial"),
    ],
)
@pytest.mark.parametrize("mode", ["null", "max"])
def test_a_misspelt_metric_is_refused_before_training(fit, monitor, meant, mode):
    with pytest.raises(Exception, match=rf"(?s)monitor={monitor}: no such metric.*Did you mean .*{meant}") as refused:
        fit("run", f"callbacks.checkpoints.monitor={monitor}", f"callbacks.checkpoints.mode={mode}")
    assert isinstance(refused.value.__cause__ or refused.value, ConfigurationError)


def test_an_unknown_score_needs_a_mode(composed, tiny_overrides, fit):
    with pytest.raises(Exception, match="not known which direction is better"):
        fit("run", "callbacks.checkpoints.monitor=some/thing")


def test_without_weights_one_warning_and_training_goes_on(fit, measured, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        overrides = ["metrics=inception", "segmenter=unet"]
        run = fit("run", "trainer.max_epochs=1", *overrides)
    texts = [str(warning.message) for warning in caught if "metrics.weights" in str(warning.message)]
    assert len(texts) == 1
    assert "weights-inception-2015-12-05-6726825d.pth" in texts[0]
    assert "oasis train-segmenter" in texts[0]
    assert not any(name.startswith(("fid", "kid", "segmenter")) for name in csv_rows(run)[0])


def test_a_segmenter_of_other_classes_is_refused_before_training(fit, measured, tmp_path):
    space = LabelSpace.cityscapes_train_ids()
    names = ("carriageway", *space.names[1:])
    other = LabelSpace(names, space.palette, space.things, space.ignore_index, space.raw_to_class, space.evaluated)
    UNetSegmenter(other, channels=4, depth=3).save(tmp_path / "other.pt")
    with pytest.raises(ConfigurationError, match="another label space"):
        fit("run", *measured, f"segmenter.weights={tmp_path / 'other.pt'}")


def test_no_score_is_ever_nan_in_the_log(fit, measured):
    run = fit("run", "trainer.max_epochs=1", *measured)
    assert not any(math.isnan(float(value)) for row in csv_rows(run) for value in row.values() if value)
    json.dumps(csv_rows(run), allow_nan=False)


def test_a_single_validation_photo_has_a_mean_iou(fit, measured, tiny):
    for path in [*tiny.root.glob("*/val/*/town_000101*"), *tiny.root.glob("*/val/*/town_000102*")]:
        path.unlink()
    with pytest.warns(UserWarning, match="has a single photo: segmenter/frechet compares sets of at least 2"):
        run = fit("run", "trainer.max_epochs=1", *measured)
    for name in ("segmenter/miou", "segmenter/pq", "untrained/segmenter/miou", "real_photos/segmenter/miou"):
        assert len(csv_column(run, name)) == 1, name
    assert "segmenter/frechet" not in csv_rows(run)[0]
    with pytest.raises(ConfigurationError, match=r"monitor=segmenter/frechet.*nothing in this run measures it"):
        fit("other", "callbacks.checkpoints.monitor=segmenter/frechet", *measured)


@pytest.mark.parametrize(("finds_instances", "provided"), [(True, True), (False, False)])
def test_a_segmenter_of_classes_only_gives_the_mean_iou_alone(ids, finds_instances, provided):
    segmenter = UNetSegmenter(ids, channels=4, depth=1)
    segmenter.finds_instances = finds_instances
    metrics = Metrics()
    metrics._metric_networks = MetricNetworks(segmenter=segmenter)
    assert metrics.provides("segmenter/miou")
    for name in ("segmenter/pq", "segmenter/sq_things", "segmenter/touching_recall"):
        assert metrics.provides(name) == provided
    assert not metrics.provides("segmenter/iou/car")
    assert not metrics.provides("segmenter/frechet")
