"""Options of a part are in its name: they make arms, as other choices do."""

import pytest
from made_up_runs import make_run

from experiments.panoptic_encodings.make_table import table_of
from experiments.panoptic_encodings.variety import result_file
from oasis.errors import ConfigurationError
from oasis.studies import assemble, read_runs_table, write_report, write_runs_table
from oasis.studies.folders import read_run_folder
from oasis.studies.naming import with_options_in_names
from oasis.studies.overall import factors
from oasis.studies.pairs import choice_pairs, comparisons, differences_from

COMMON = {"data.height": 64, "batches": 20, "generator.channels": 8}
CHOICES = {"model": "oasis_small", "generator": "oasis", "objective": "oasis"}
PUBLISHED = {"generator/panoptic": "plain", "objective/label_mix": "class"}
# Arm -> its choices, its settings.
ARMS = {
    "semantic": ({}, {}),
    "noise": ({"encoding": "instance_noise"}, {}),
    "area": ({}, {"generator.condition_resize": "area"}),
    "aware": ({"generator/panoptic": "aware"}, {"generator.panoptic._target_": "Aware"}),
    "inade": ({"generator": "inade", "model": "inade_small"}, {"generator._target_": "INADE", "generator.noise": 16}),
    "boundary": ({"discriminator": "boundary_classes"}, {}),
    "contrast": ({"discriminator": "instance_contrast"}, {}),
}


def run_of(arm, seed, pq=0.3, **settings):
    choices, own = ARMS[arm]
    usual = {"generator.condition_resize": "nearest", "generator.panoptic._target_": "Plain"}
    run = make_run(
        "semantic", seed, pq, choices={**CHOICES, **PUBLISHED, **choices}, origin=f"{arm}/{seed}",
        settings={**COMMON, **usual, **own, **settings},
    )  # fmt: skip
    return with_options_in_names(run)


def look():
    return [run_of(arm, seed, 0.3 + 0.01 * place + 0.02 * seed) for place, arm in enumerate(ARMS) for seed in (0, 1)]


@pytest.mark.parametrize(
    ("recorded", "settings", "part", "name"),
    [
        ({"generator/panoptic": "plain"}, {"generator.condition_resize": "nearest"}, "generator", "oasis"),
        ({"generator/panoptic": "aware"}, {}, "generator", "oasis panoptic=aware"),
        ({}, {"generator.condition_resize": "area"}, "generator", "oasis condition_resize=area"),
        (
            {"generator/panoptic": "aware"}, {"generator.condition_resize": "area"}, "generator",
            "oasis panoptic=aware condition_resize=area",
        ),
        ({"objective/label_mix": "segment"}, {}, "objective", "oasis label_mix=segment"),
        ({"objective/weights_from": "encoded_map"}, {}, "objective", "oasis weights_from=encoded_map"),
        ({"objective/weights_from": "label"}, {}, "objective", "oasis"),
        ({"discriminator/backbone": "timm"}, {}, "discriminator", "oasis backbone=timm"),
        ({"discriminator/backbone": "convnext_tiny"}, {}, "discriminator", "oasis"),
        ({}, {}, "generator", "oasis"),
    ],
)  # fmt: skip
def test_names_mention_what_is_not_as_published(recorded, settings, part, name):
    run = with_options_in_names(make_run(choices={**CHOICES, **recorded}, settings={**COMMON, **settings}))
    assert run.choices[part] == name
    assert run.settings == COMMON
    assert not [group for group in run.choices if "/" in group]


def test_what_has_no_recorded_name_stays_a_setting():
    aware = {"generator.panoptic._target_": "Aware"}
    assert with_options_in_names(make_run(choices=CHOICES, settings=aware)).settings == aware
    before_choices = make_run(settings={"generator.condition_resize": "area"})
    assert with_options_in_names(before_choices) == before_choices


def test_folders_are_read_with_these_names(folders):
    choices = {"encoding": "semantic", "discriminator": "oasis", **CHOICES, **PUBLISHED}
    plain = folders.summarized("plain", choices=choices)
    aware = folders.summarized("aware", choices={**choices, "generator/panoptic": "aware"})
    area = folders.summarized("area", choices=choices, config={"generator": {"condition_resize": "area"}})
    read = [read_run_folder(folder) for folder in (plain, aware, area)]
    assert [run.choices["generator"] for run in read] == [
        "oasis",
        "oasis panoptic=aware",
        "oasis condition_resize=area",
    ]
    assert read[0].settings == read[1].settings == read[2].settings
    assert len(assemble(read).groups[0].arms) == 3


def test_a_list_of_arms_is_one_group_and_each_is_compared_with_the_usual_one():
    study = assemble(look())
    (group,) = study.groups
    assert len(group.arms) == len(ARMS)
    pairs = {
        part: sorted((arm[part], other[part]) for arm, other in choice_pairs(group, part)) for part in group.choices[1:]
    }
    assert pairs == {
        "discriminator": [("boundary_classes", "oasis"), ("instance_contrast", "oasis")],
        "model": [],
        "generator": [
            ("inade", "oasis"), ("oasis condition_resize=area", "oasis"), ("oasis panoptic=aware", "oasis")
        ],
    }  # fmt: skip
    titles = [one.title for one in comparisons(group)]
    assert titles == [
        "Differences from semantic", "Differences from the discriminator oasis", "Differences from the generator oasis",
    ]  # fmt: skip
    levels = {factor.name: (factor.levels, factor.blocks) for factor in factors(group)}
    assert levels == {"encoding": (2, 2), "discriminator": (3, 2), "generator": (4, 2), "seed": (2, 7)}


def test_other_sizes_behind_an_option_still_separate_runs():
    other = assemble([*look(), run_of("aware", 2, **{"generator.channels": 16})])
    assert [len(group.runs) for group in other.groups] == [2 * len(ARMS), 1]
    assert other.groups[1].unlike == ("generator.channels: not set / 16",)
    plain = [
        run_of("semantic", 0),
        run_of("aware", 0, **{"generator.channels": 16}),
    ]  # no generator differs but in this
    assert len(assemble(plain).groups) == 2


def test_models_with_parts_of_their_own_are_compared():
    runs = [
        make_run("semantic", seed, discriminator=name, choices={"model": name, "generator": name, "objective": name})
        for name in ("oasis", "spade", "pix2pixhd")
        for seed in (0, 1)
    ]
    (group,) = assemble(runs).groups
    assert len(choice_pairs(group, "model")) == 2
    assert choice_pairs(group, "discriminator") == []


def test_every_arm_against_each_baseline(tmp_path):
    group = assemble(look()).groups[0]
    compared = differences_from(group, "instance_noise")
    assert len(compared.pairs) == len(ARMS) - 1
    assert {str(other) for _, other in compared.pairs} == {
        "encoding=instance_noise, discriminator=oasis, model=oasis_small, generator=oasis"
    }
    inade = next(pair for pair in compared.pairs if pair[0]["generator"] == "inade")
    assert dict(group.difference(*inade, "segmenter/pq").values) == pytest.approx({0: 0.03, 1: 0.03})
    with pytest.raises(ConfigurationError, match=r"No run of encoding=panoptic, .* to compare all others with"):
        differences_from(group, "panoptic")
    write_runs_table(group.runs, tmp_path / "runs.csv")
    text = table_of(tmp_path / "runs.csv", ["semantic", "instance_noise"])
    assert text.count("generator=oasis panoptic=aware | 2 |") == 3  # both of these, and that of generators


def test_a_table_of_runs_keeps_the_names(tmp_path):
    study = assemble(look())
    write_report(study, tmp_path, samples=0)
    again = assemble(read_runs_table(tmp_path / "runs.csv"))
    assert [group.arms for group in again.groups] == [group.arms for group in study.groups]


def test_measured_variety_is_kept_by_folder(tmp_path):
    runs = [make_run(origin=str(tmp_path / "runs" / arm / "seed_0")) for arm in ("area", "aware")]
    found = [result_file(run, [tmp_path / "runs"], tmp_path) for run in runs]
    assert found == [tmp_path / "area" / "seed_0.json", tmp_path / "aware" / "seed_0.json"]
    places = [tmp_path / "runs" / "area", tmp_path / "runs" / "aware"]
    assert [result_file(run, places, tmp_path) for run in runs] == found
    assert result_file(runs[0], [tmp_path / "runs" / "area" / "seed_0"], tmp_path) == tmp_path / "seed_0.json"
