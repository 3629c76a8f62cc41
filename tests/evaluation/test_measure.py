"""Checkpoints, measured with metric_networks whose answers can be worked out."""

import pytest
import torch
from mean_colors import Means

from oasis.checkpoint import load
from oasis.checkpoint.own_data import own_data
from oasis.errors import CheckpointError, ConfigurationError, MetricError
from oasis.evaluation import Evaluation, open_models, untrained
from oasis.metrics.distances import frechet_distance
from oasis.scoring import MetricNetworks

CPU = torch.device("cpu")
pytestmark = pytest.mark.filterwarnings("ignore:.*generated and.*real images", "ignore:.*fewer than the")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """An own cache folder, without the machine's features and weights."""
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def run(trained):
    return trained("run", "trainer.max_epochs=1", "generator.init_gain=1", "encoding=instance_noise")


def evaluation(**settings):
    return Evaluation(MetricNetworks([Means()]), CPU, **{"diversity_images": 0, "progress": False, **settings})


def test_scores_are_those_of_pictures_generated_one_by_one(run):
    """Each label map alone, in eval mode, with its own noise: a slow reference."""
    (model,) = open_models([run], own_data)
    comparison = evaluation().run([model])
    dataset = model.data.dataset("val")
    photos = torch.stack([dataset[i]["image"] for i in range(3)]) / 127.5 - 1
    for number, seed in enumerate(comparison.seeds):
        fakes = []
        for sample in model.data.loader_of("val", range(3)):
            for i in range(len(sample["name"])):
                one = {key: value[i : i + 1] for key, value in sample.items()}
                fakes.append(model.generate(one, seed)[1])
        expected = frechet_distance(photos.mean(dim=(2, 3)), torch.cat(fakes).mean(dim=(2, 3)))
        assert comparison.columns[0].scores["means"].values[number] == pytest.approx(expected, rel=1e-5)
    assert len(set(comparison.columns[0].scores["means"].values)) == 3  # the noise matters


def test_the_batch_size_does_not_matter(run):
    def scores(size):
        models = open_models([run], own_data)
        models[0].data.batch_size = size
        return evaluation().run(models).columns[0].scores["means"].values

    assert scores(1) == pytest.approx(scores(3), rel=1e-5)


def test_evaluating_twice_gives_the_same(run):
    first, second = (evaluation().run(open_models([run], own_data)) for _ in range(2))
    assert first.columns == second.columns


def test_references_are_real_photos_and_the_untrained_generator(run):
    (model,) = open_models([run], own_data)
    before = untrained(model)
    weights = zip(before.generator.parameters(), model.generator.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in weights)
    comparison = evaluation().run([model], [before])
    real, baseline = comparison.references
    assert real.name == "real photos"
    assert len(real.scores["means"].values) == 1
    assert baseline.name == "untrained"
    assert len(baseline.scores["means"].values) == 3
    assert comparison.images == 3
    assert {"generator", "extractor", "data", "real photos"} <= comparison.seconds.keys()


def test_distances_from_training_photos(run):
    models = open_models([run], own_data)
    comparison = evaluation(reference="train").run(models, [untrained(models[0])])
    assert all(set(column.scores) >= {"means_train"} for column in comparison.all_columns())
    assert "means" not in comparison.metrics()
    assert "as many photos of val against those of train" in comparison.references[0].origin
    assert "Distances are measured from all 7 photos of train, not from those of val." in comparison.notes
    usual = evaluation().run(models)
    assert "means" in usual.metrics()
    assert "as many training photos against those of val" in usual.references[0].origin
    assert not any("measured from" in note for note in usual.notes)


def test_few_images_are_noted_with_their_number(run):
    notes = evaluation().run(open_models([run], own_data)).notes
    assert any("3 generated and 3 real images" in note for note in notes)


def test_draws_of_a_generator_without_noise_do_not_differ(trained):
    silent = trained("silent", "trainer.max_epochs=1", "generator.noise_dim=0", "generator.init_gain=1")
    loud = trained("loud", "trainer.max_epochs=1", "generator.init_gain=1")
    models = open_models([silent, loud], own_data)
    first, second = evaluation(diversity_images=2).run(models).columns
    assert first.scores["diversity/ms_ssim"].mean == 0
    assert second.scores["diversity/ms_ssim"].mean > 0
    assert len(set(first.scores["means"].values)) == 1


def test_sample_grids_show_every_model_and_draw(run):
    one = evaluation(shown=2)
    one.run(open_models([run], own_data))
    (_, side_by_side), (caption, draws) = one.sample_grids()
    assert side_by_side.width > side_by_side.height > 0
    assert "draws" in caption
    assert draws.width > side_by_side.width  # label map and three draws, against photo, label map and one


def test_names_tell_checkpoints_apart(trained, run):
    again = trained("other", "trainer.max_epochs=1", "seed=1")
    named = open_models([run, again], own_data)
    assert [model.name for model in named] == ["test seed 0", "test seed 1"]
    assert named[0].facts["encoding"] == "InstanceNoise"
    twice = open_models([run, run / "checkpoints" / "last.ckpt"], own_data)
    assert len({model.name for model in twice}) == 2


@pytest.mark.parametrize("seeds", [(0, 1), (0, 1, 1)])
def test_a_spread_needs_three_seeds(run, seeds):
    with pytest.raises(ConfigurationError, match="3 different ones"):
        evaluation(seeds=seeds).run(open_models([run], own_data))


def test_checkpoints_of_two_sizes_are_not_compared(trained, run):
    other = trained("wide", "trainer.max_epochs=1", "data.width=128")
    with pytest.raises(ConfigurationError, match=r"32x64.*32x128|data\.height=256"):
        open_models([run, other], own_data)


def test_nan_weights_are_found_at_the_first_picture(run):
    (model,) = open_models([run], own_data)
    next(model.generator.parameters()).data.fill_(torch.nan)
    with pytest.raises(MetricError, match="hold NaN"):
        evaluation().run([model])


def test_a_checkpoint_may_not_have_anything_called(run):
    checkpoint = load(run / "checkpoints" / "last.ckpt")
    checkpoint["config"]["data"]["_target_"] = "os.system"
    torch.save(checkpoint, run / "evil.ckpt")
    with pytest.raises(CheckpointError, match=r"evil\.ckpt.*os\.system"):
        open_models([run / "evil.ckpt"], own_data)
