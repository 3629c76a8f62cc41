"""Training the project's own segmenter: losses, learning, determinism."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from pytorch_lightning import Trainer

from oasis.batch import Batch
from oasis.data import Cityscapes, LabelMapDataModule, Streets
from oasis.encodings import Semantic
from oasis.errors import ConfigurationError, NonFiniteLossError
from oasis.labels import LabelSpace
from oasis.segmenters import UNetSegmenter
from oasis.streets import SyntheticStreets
from oasis.training.segmenter import SegmenterTraining, train_segmenter

SMALL = {"channels": 8, "depth": 3}
CARAVAN, CAR, ROAD, PARKING = 29, 26, 7, 9


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    root = tmp_path_factory.mktemp("streets") / "drawn"
    streets = SyntheticStreets(train=24, val=8, height=32, width=64, root=str(root))
    streets.write(workers=1, progress=False)
    return streets


@pytest.fixture
def data_of_streets(streets):
    def build(space, **settings):
        return LabelMapDataModule(
            Streets(streets), Semantic(space), space, height=32, width=64, batch_size=4, num_workers=0, **settings
        )

    return build


def trainer(epochs=1, **settings):
    return Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **settings,
    )


def batch_of(label, instance=None, seed=0):
    label = torch.tensor(label)[None]
    instance = torch.zeros_like(label) if instance is None else torch.tensor(instance)[None]
    image = torch.randn(1, 3, *label.shape[1:], generator=torch.Generator().manual_seed(seed))
    return Batch(
        image,
        label,
        instance,
        label,
        image,
        name=["a"],
        index=torch.zeros(1, dtype=torch.int64),
        counted=torch.ones(1) > 0,
    )


def accuracy(segmenter, batches):
    """The share of evaluated pixels named rightly."""
    right = total = 0
    for batch in batches:
        counts = torch.isin(batch.label, torch.tensor(sorted(segmenter.label_space.evaluated)))
        right += int((segmenter(batch.image).label == batch.label)[counts].sum())
        total += int(counts.sum())
    return right / total


def test_it_learns(data_of_streets):
    space = LabelSpace.cityscapes_train_ids()
    data = data_of_streets(space)
    segmenter = train_segmenter(partial(SegmenterTraining, **SMALL), data, trainer(30), facts={"why": "a test"})
    assert segmenter.facts == {"height": 32, "width": 64, "train_images": 24, "epochs": 30, "why": "a test"}
    photos = [data.encode(sample) for sample in data.val_dataloader()]
    torch.manual_seed(0)
    untrained = UNetSegmenter(space, **SMALL)
    assert accuracy(untrained, photos) < 0.35
    assert accuracy(segmenter, photos) > 0.55
    noise = [replace(batch, image=torch.randn_like(batch.image)) for batch in photos]
    assert accuracy(segmenter, noise) < 0.45
    module = SegmenterTraining(space, **SMALL).eval()
    module.network.load_state_dict(segmenter.network.state_dict())
    taught, naive = (
        torch.stack([torch.stack(list(m.losses(b).values())) for b in photos]).mean(0)
        for m in (module, SegmenterTraining(space, **SMALL).eval())
    )
    assert (taught[1:] < 0.9 * naive[1:]).all()  # centres and offsets


def test_the_same_seed_gives_the_same_segmenter(data_of_streets, ids):
    prints = [
        train_segmenter(partial(SegmenterTraining, **SMALL), data_of_streets(ids), trainer(1), seed=seed).fingerprint
        for seed in (3, 3, 4)
    ]
    assert prints[0] == prints[1] != prints[2]


def test_the_semantic_loss_by_hand(ids):
    module = SegmenterTraining(ids, **SMALL, balance=0.5, max_weight=1.5)
    batch = batch_of([[CAR, ROAD, ROAD, ROAD], [ROAD, PARKING, 0, CARAVAN]])
    module.seen += torch.tensor([{CAR: 1, ROAD: 4}.get(c, 0) for c in sorted(ids.evaluated)])
    frequency = {CAR: 1 / 5, ROAD: 4 / 5}
    scale = sum(f**0.5 for f in frequency.values())
    weight = {c: min(1.5, f**-0.5 / scale) for c, f in frequency.items()}
    assert weight[CAR] == 1.5  # limited
    torch.nn.init.normal_(module.network.semantic[-1].weight)
    logits = module.network.eval()(batch.image).logits.detach()
    expected = total = 0.0
    for y, x, c in [(0, 0, CAR), (0, 1, ROAD), (0, 2, ROAD), (0, 3, ROAD), (1, 0, ROAD)]:
        pixel = logits[0, :, y, x]
        expected += weight[c] * float(pixel.logsumexp(0) - pixel[sorted(ids.evaluated).index(c)])
        total += weight[c]
    assert math.isclose(module.losses(batch)["semantic"].item(), expected / total, rel_tol=1e-5)


def test_small_instances_count_more(ids):
    module = SegmenterTraining(ids, **SMALL, balance=0.0, small_weight=3.0, small_area=1 / 16).eval()
    label = [[CAR] * 8 for _ in range(8)]
    numbers = [[1] * 8 for _ in range(8)]
    for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        numbers[y][x] = 2  # 4 of 64 pixels are just small enough
    batch = batch_of(label, numbers)
    module.seen += module._pixels(module.target_of[batch.label])
    for layer in (module.network.semantic[-1], module.network.instances[1]):
        torch.nn.init.normal_(layer.weight)
    with torch.no_grad():
        output = module.network(batch.image)
    car = sorted(ids.evaluated).index(CAR)
    semantic = offset = weights = shares = 0.0
    for y in range(8):
        for x in range(8):
            mine = [(i, j) for i in range(8) for j in range(8) if numbers[i][j] == numbers[y][x]]
            weight = 3.0 if len(mine) <= 4 else 1.0
            pixel = output.logits[0, :, y, x]
            semantic += weight * float(pixel.logsumexp(0) - pixel[car])
            weights += weight
            share = len(mine) ** -0.5
            for axis, here in enumerate((y, x)):
                way = sum(point[axis] for point in mine) / len(mine) - here
                offset += share * abs(float(output.offset[0, axis, y, x]) - way / 8)
            shares += share
    terms = module.losses(batch)
    assert math.isclose(terms["semantic"].item(), semantic / weights, rel_tol=1e-5)
    assert math.isclose(terms["offset"].item(), 10 * offset / shares, rel_tol=1e-5)


def test_what_no_segmenter_names_costs_nothing(ids):
    module = SegmenterTraining(ids, **SMALL).eval()
    for parameter in module.network.instances[1].parameters():
        torch.nn.init.normal_(parameter)
    known = [[ROAD] * 8 for _ in range(8)]
    module.seen += 1
    other = [row[:] for row in known]
    numbers = [[0] * 8 for _ in range(8)]
    for y, x in ((2, 3), (2, 4), (3, 3), (3, 4)):
        other[y][x], numbers[y][x] = CARAVAN, 1
    void = [[0 if c == CARAVAN else c for c in row] for row in other]
    caravan, nothing = module.losses(batch_of(other, numbers)), module.losses(batch_of(void))
    assert {name: term.item() for name, term in caravan.items()} == {n: t.item() for n, t in nothing.items()}
    assert caravan["offset"].item() == 0
    car = [[CAR if c == CARAVAN else c for c in row] for row in other]
    assert module.losses(batch_of(car, numbers))["offset"].item() > 0


def test_a_batch_of_void_is_no_nan(ids):
    terms = SegmenterTraining(ids, **SMALL).losses(batch_of([[0] * 16] * 16))
    assert {name: term.item() for name, term in terms.items()} == {"semantic": 0, "center": 0, "offset": 0}


def test_the_segmenter_takes_part_of_the_balance_back(ids):
    module = SegmenterTraining(ids, **SMALL, correction=0.5, balance=1.0, max_weight=1e9)
    index = {c: i for i, c in enumerate(sorted(ids.evaluated))}
    module.seen[index[ROAD]], module.seen[index[CAR]] = 900, 100
    image = torch.randn(1, 3, 16, 16)
    shift = module.segmenter().network(image).logits - module.network.eval()(image).logits
    gap = shift[:, index[ROAD]] - shift[:, index[CAR]]
    torch.testing.assert_close(gap, torch.full_like(gap, math.log(900 / 100) / 2))
    others = [i for c, i in index.items() if c not in (ROAD, CAR)]
    assert (shift[:, others] == 0).all()


def test_without_instance_maps_it_learns_classes_and_says_so(tiny, ids):
    for split in ("train", "val"):
        for file in (tiny.root / "gtFine" / split).glob("*/*instanceIds.png"):
            file.unlink()
    data = LabelMapDataModule(
        Cityscapes(tiny.root), Semantic(ids), ids, height=32, width=64, batch_size=2, num_workers=0
    )
    with pytest.warns(UserWarning, match="7 of 7 samples in .* have no instance map .* classes only"):
        segmenter = train_segmenter(partial(SegmenterTraining, **SMALL), data, trainer(1))
    assert segmenter(data.first_samples("val", 2, torch.device("cpu")).image).instance.max() == 0


def test_a_loss_that_is_not_finite_ends_training(data_of_streets, ids):
    def ruined(space):
        module = SegmenterTraining(space, **SMALL)
        module.network.stem[0].weight.data.fill_(math.nan)
        return module

    with pytest.raises(
        NonFiniteLossError, match=r"batch 0: the segmenter's loss is nan; .* lower learning_rate than 0\.01"
    ):
        train_segmenter(ruined, data_of_streets(ids), trainer(1))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate=0.0: must be above 0"),
        ({"small_weight": 0.0}, "small_weight=0.0: must be above 0"),
        ({"max_weight": -1.0}, "max_weight=-1.0: must be above 0"),
        ({"balance": 1.5}, "balance=1.5: must be within 0 and 1"),
        ({"correction": -0.1}, "correction=-0.1: must be within 0 and 1"),
        ({"channels": 3}, "channels=3: must be even"),
        ({"offset_weight": -1.0}, "offset_weight=-1.0"),
    ],
)
def test_impossible_settings(wrong, message, ids):
    with pytest.raises(ConfigurationError, match=message):
        SegmenterTraining(ids, **wrong)


def test_a_plain_cross_entropy_without_balance(ids):
    module = SegmenterTraining(ids, **SMALL, balance=0.0)
    batch = batch_of([[CAR, ROAD, ROAD, ROAD]] * 4)
    module.seen += module._pixels(module.target_of[batch.label])
    torch.nn.init.normal_(module.network.semantic[-1].weight)
    logits = module.network.eval()(batch.image).logits
    expected = F.cross_entropy(logits, module.target_of[batch.label])
    torch.testing.assert_close(module.losses(batch)["semantic"], expected)
