import copy
import hashlib

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset
from torch_fidelity import calculate_metrics
from torchmetrics.image.fid import FrechetInceptionDistance

from oasis.metrics.distances import frechet_distance, kernel_distance, kernel_spread
from oasis.metrics.inception import InceptionFeatures, InceptionFeaturesOASIS, inception_extractors


@pytest.fixture(scope="module")
def extractors(inception_file):
    return inception_extractors(inception_file, sha256=None)


@pytest.fixture(scope="module")
def bytes_features(extractors):
    return extractors[0]


@pytest.fixture(scope="module")
def oasis_features(extractors):
    return extractors[1]


def to_bytes(image):
    """Not the one under test, and other in form: in float64, by numpy."""
    return torch.from_numpy(np.rint((image.double().numpy() + 1) * 127.5).clip(0, 255).astype(np.uint8))


class Pictures(Dataset):
    def __init__(self, pictures):
        self.pictures = to_bytes(pictures)

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, i):
        return self.pictures[i]


def test_fid_and_kid_are_torch_fidelitys(bytes_features, inception_file, draw_pictures):
    """At 299x299, where neither resizes; elsewhere torch-fidelity's own does not antialias."""
    a, b = draw_pictures(6, 299, 299, seed=1), draw_pictures(7, 299, 299, seed=2, contrast=0.7)
    theirs = calculate_metrics(
        input1=Pictures(a),
        input2=Pictures(b),
        fid=True,
        kid=True,
        kid_subsets=20,
        kid_subset_size=5,
        feature_extractor_weights_path=str(inception_file),
        batch_size=6,
        cuda=False,
        cache=False,
        save_cpu_ram=True,  # no worker processes
        verbose=False,
    )
    x, y = bytes_features(a), bytes_features(b)
    assert frechet_distance(x, y) == pytest.approx(theirs["frechet_inception_distance"], rel=1e-3)
    # Its features are bit for bit the same, but it computes the kernel in float32.
    ours = kernel_spread(x, y, subsets=20, subset_size=5)
    assert ours == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-3)
    mean = theirs["kernel_inception_distance_mean"]
    assert abs(kernel_distance(x, y) - mean) < 4 * ours / 20**0.5


def test_fid_is_torchmetrics(bytes_features, inception_file, draw_pictures):
    a, b = draw_pictures(2, 256, 512, seed=3), draw_pictures(3, 256, 512, seed=4, contrast=0.7)
    theirs = FrechetInceptionDistance(feature_extractor_weights_path=str(inception_file))
    theirs.update(to_bytes(a), real=True)
    theirs.update(to_bytes(b), real=False)
    ours = frechet_distance(bytes_features(a), bytes_features(b))
    assert ours == pytest.approx(float(theirs.compute()), rel=1e-3)


def resize(image, size=299):
    """Bilinear, sampled at pixel centres, edges repeated, in float64: (B, 3, H, W) to (B, 3, size, size)."""

    def along(x, length):
        position = ((np.arange(size) + 0.5) * length / size - 0.5).clip(0, length - 1)
        below = np.floor(position).astype(int)
        above = np.minimum(below + 1, length - 1)
        return x[..., below] * (1 - (position - below)) + x[..., above] * (position - below)

    image = along(image, image.shape[-1])
    return along(image.swapaxes(-1, -2), image.shape[-2]).swapaxes(-1, -2)


def numpy_frechet(a, b):
    """tr sqrt(S T) by the eigenvalues of sqrt(S) T sqrt(S), written in the basis of the singular vectors of a."""
    shift = a.mean(0) - b.mean(0)
    a, b = (a - a.mean(0)) / np.sqrt(len(a) - 1), (b - b.mean(0)) / np.sqrt(len(b) - 1)
    _, deviation, axes = np.linalg.svd(a, full_matrices=False)
    inner = (deviation[:, None] * (axes @ b.T)) @ (axes @ b.T).T * deviation
    root = np.sqrt(np.linalg.eigvalsh(inner).clip(0)).sum()
    return shift @ shift + (a**2).sum() + (b**2).sum() - 2 * root


@pytest.mark.parametrize("size", [(64, 96), (256, 512)])
def test_fid_oasis_is_a_plain_float64_reference(oasis_features, draw_pictures, size):
    a, b = draw_pictures(2, *size, seed=5), draw_pictures(3, *size, seed=6, contrast=0.7)
    network = nn.Sequential(*[child for child in oasis_features.network.children() if not isinstance(child, nn.Linear)])

    @torch.no_grad()
    def reference(image, dtype):
        resized = torch.from_numpy(resize(image.double().numpy())).to(dtype)
        return copy.deepcopy(network).to(dtype)(resized).flatten(1).double().numpy()

    ours = frechet_distance(oasis_features(a), oasis_features(b))
    same_network = numpy_frechet(reference(a, torch.float32), reference(b, torch.float32))
    assert ours == pytest.approx(same_network, rel=1e-6)
    # What the network's own float32 costs.
    assert ours == pytest.approx(numpy_frechet(reference(a, torch.float64), reference(b, torch.float64)), rel=1e-5)


def test_the_protocols_differ_where_a_picture_shrinks(extractors, draw_pictures):
    a, b = draw_pictures(2, 256, 512, seed=7), draw_pictures(2, 256, 512, seed=8)
    antialiased, plain = (frechet_distance(extractor(a), extractor(b)) for extractor in extractors)
    assert abs(antialiased / plain - 1) > 0.01


@pytest.mark.parametrize("protocol", [0, 1])
def test_identical_sets_and_batches(extractors, draw_pictures, protocol):
    extractor = extractors[protocol]
    a, b = draw_pictures(3, 128, 256, seed=9), draw_pictures(3, 128, 256, seed=10, contrast=0.7)
    together, other = extractor(a), extractor(b)
    one_by_one = torch.cat([extractor(x[None]) for x in a.flip(0)]).flip(0)
    assert frechet_distance(together, one_by_one) < 1e-3
    far = frechet_distance(together, other)
    assert far > 1
    # Convolutions sum in another order when a batch has another size.
    assert frechet_distance(one_by_one, other) == pytest.approx(far, rel=1e-5)


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
@pytest.mark.parametrize("protocol", [0, 1])
def test_a_broken_pixel_shows(extractors, draw_pictures, protocol, broken):
    """As a byte NaN is 0, infinity is 255; and shrinking without antialiasing skips pixels."""
    image = draw_pictures(2, 300, 1200, seed=11)
    image[1, 0, 7, 1] = broken
    features = extractors[protocol](image)
    assert features[0].isfinite().all()
    assert features[1].isnan().all()


def test_one_frozen_network_that_stays_in_eval(extractors, draw_pictures):
    image = draw_pictures(2, 32, 48, seed=12).requires_grad_()
    before = [extractor(image) for extractor in extractors]
    assert extractors[0].network is extractors[1].network
    for extractor, features in zip(extractors, before, strict=True):
        assert features.shape == (2, extractor.num_features) == (2, 2048)
        assert features.dtype == torch.float32
        assert not features.requires_grad
        assert not any(parameter.requires_grad for parameter in extractor.parameters())
        extractor.train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert extractor(image).equal(features)
        assert not any(module.training for module in extractor.network.modules())


def test_names(extractors, inception_file):
    fid, oasis = extractors
    assert isinstance(fid, InceptionFeatures)
    assert isinstance(oasis, InceptionFeaturesOASIS)
    assert list(fid.distances) == ["fid", "kid", "kid_std"]
    assert list(oasis.distances) == ["fid_oasis"]
    assert fid.fingerprint != oasis.fingerprint
    digest = hashlib.sha256(inception_file.read_bytes()).hexdigest()
    assert digest in fid.fingerprint
    assert digest in oasis.fingerprint


def test_measuring_draws_no_random_numbers(inception_file):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    inception_extractors(inception_file, sha256=None)
    assert torch.get_rng_state().equal(before)
