import pytest
import torch

from oasis.data import Cityscapes, LabelMapDataModule
from oasis.encodings import Semantic
from oasis.metrics import FeatureExtractor, frechet_and_kernel
from oasis.segmenters import Prediction, Segmenter


class Oracle(Segmenter):
    """Sees the class whose palette colour a pixel has; every thing class is one single instance."""

    num_features = 3
    fingerprint = "oracle"

    def __init__(self, label_space):
        super().__init__()
        self.label_space = label_space
        self.colors = torch.tensor(label_space.palette, dtype=torch.float32) / 127.5 - 1
        self.calls = 0

    def forward(self, image):
        self.calls += 1
        distance = (image.unsqueeze(1) - self.colors.view(1, -1, 3, 1, 1)).abs().sum(dim=2)
        distance[:, self.label_space.ignore_index] = torch.inf
        label = distance.argmin(dim=1)
        thing = torch.isin(label, torch.tensor(sorted(self.label_space.things)))
        instance = torch.zeros_like(label)
        for i in range(len(label)):
            for number, c in enumerate(label[i][thing[i]].unique(), 1):
                instance[i][label[i] == c] = number
        return Prediction(label, instance)

    def features(self, image):
        return image.mean(dim=(2, 3))


class Sure(Oracle):
    """An oracle that is sure of everything it sees."""

    scores_instances = True

    def forward(self, image):
        seen = super().forward(image)
        return Prediction(seen.label, seen.instance, torch.ones(len(image), int(seen.instance.max())))


class Means(FeatureExtractor):
    """Mean and spread of each colour."""

    num_features = 6
    distances = frechet_and_kernel("means", "means_kernel")
    fingerprint = "means 1"

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, image):
        self.calls += 1
        return torch.cat([image.mean(dim=(2, 3)), image.std(dim=(2, 3))], dim=1)


@pytest.fixture
def oracle(ids):
    return Oracle(ids)


@pytest.fixture
def sure(ids):
    return Sure(ids)


@pytest.fixture
def means():
    return Means()


@pytest.fixture
def data(tiny, ids):
    def make(batch_size=2, **settings):
        sizes = {"height": 32, "width": 64, "num_workers": 0}
        return LabelMapDataModule(
            Cityscapes(tiny.root), Semantic(ids), ids, batch_size=batch_size, **{**sizes, **settings}
        )

    return make


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
