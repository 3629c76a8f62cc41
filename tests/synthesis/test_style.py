"""The style of a photo: by an encoder, and by searching a noise."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from oasis.checkpoint import Restored
from oasis.encodings import InstanceNoise, Semantic
from oasis.errors import ConfigurationError, DatasetError
from oasis.models import SPADEGenerator
from oasis.synthesis import Synthesizer, imitate
from oasis.synthesis.style import photo_tensor

HEIGHT, WIDTH = 32, 128
COLORS = {"sunset": (200, 90, 40), "night": (30, 40, 110), "meadow": (60, 170, 80)}
MAP = np.full((HEIGHT, WIDTH), 23, np.uint8)  # a sky, a road, a car
MAP[16:], MAP[12:24, 40:70] = 7, 26


def photo(name):
    """Stripes of black, a color and white: the encoder's instance norms see colors only beside others."""
    stripes = np.array([(0, 0, 0), COLORS[name], (255, 255, 255), COLORS[name]], np.uint8)
    return Image.fromarray(stripes[None].repeat(15, 1).repeat(40, 0))


def tensor(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1


@pytest.fixture(scope="module")
def encoding():
    from oasis.labels import LabelSpace

    return Semantic(LabelSpace.cityscapes_ids())


@pytest.fixture(scope="module")
def generator(encoding):
    """Trained for a moment to paint a map in the color of a photo."""
    torch.manual_seed(1)
    sizes = {"height": HEIGHT, "width": WIDTH, "norm": "batch", "init_gain": 1.0}
    generator = SPADEGenerator(encoding.channels, 6, 2, encoder_channels=2, spade_channels=4, **sizes)
    label = torch.from_numpy(MAP).long().expand(3, -1, -1)
    condition = encoding(label, torch.zeros_like(label))
    photos = torch.cat([tensor(photo(name)) for name in COLORS])
    wanted = (torch.tensor(list(COLORS.values())) / 127.5 - 1)[:, :, None, None].expand(-1, -1, HEIGHT, WIDTH)
    optimizer = torch.optim.Adam(generator.parameters(), lr=1e-2)
    for _ in range(200):
        style = generator.encode_style(photos, label)
        loss = F.l1_loss(generator(condition, style.mean), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    generator.zero_grad()
    return generator.eval()


def synthesizer_of(generator, encoding):
    return Synthesizer(Restored({}, encoding.label_space, encoding, generator, 0), HEIGHT, WIDTH, "small", "cpu")


@pytest.fixture
def synthesizer(generator, encoding):
    return synthesizer_of(generator, encoding)


def test_pictures_have_the_colors_of_the_photo(synthesizer):
    pictures = {name: synthesizer.synthesize(MAP, seed=0, style=photo(name)) for name in COLORS}
    means = {name: np.asarray(picture, float).mean((0, 1)) for name, picture in pictures.items()}
    for name, mean in means.items():
        nearest = min(COLORS, key=lambda other: abs(mean - COLORS[other]).mean())
        assert nearest == name
        assert abs(mean - COLORS[name]).mean() < 35
    again = synthesizer.synthesize(MAP, seed=1, style=photo("night"))
    assert np.array_equal(again, pictures["night"]), "the seed does not matter"
    arrays = [np.asarray(picture, float) for picture in pictures.values()]
    assert min(abs(arrays[i] - arrays[j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))) > 20


def test_the_style_is_the_encoders_mean(synthesizer, street, tmp_path):
    photo("meadow").save(tmp_path / "meadow.png")
    picture = synthesizer.synthesize(street.label, style=tmp_path / "meadow.png")
    resized = photo("meadow").resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    opened = synthesizer.open(street.label)
    with torch.no_grad():
        mean = synthesizer.generator.style_encoder(tensor(resized)).mean
        condition = synthesizer.encoding(
            torch.from_numpy(opened.class_indices).long()[None], torch.zeros(1, HEIGHT, WIDTH).long()
        )
        expected = synthesizer.generator(condition, mean)[0].permute(1, 2, 0)
    assert abs(np.asarray(picture) - (expected.numpy() + 1) * 127.5).max() < 0.51
    with pytest.raises(DatasetError, match=r"gone\.jpg"):
        synthesizer.synthesize(street.label, style=tmp_path / "gone.jpg")


@pytest.mark.parametrize("case", ["turned", "grey of 16 bits"])
def test_a_photo_is_the_same_opened_and_as_a_file(synthesizer, tmp_path, case):
    shades = np.linspace(0, 255, 60 * 40).reshape(40, 60)
    if case == "turned":
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(np.stack([shades, 255 - shades, shades.T.reshape(40, 60)], 2).astype(np.uint8)).save(
            tmp_path / "photo.png", exif=exif
        )
    else:
        Image.fromarray((shades * 257).astype(np.uint16)).save(tmp_path / "photo.png")
    with Image.open(tmp_path / "photo.png") as opened:
        expected, found = (photo_tensor(given, 60, 40) for given in (tmp_path / "photo.png", opened))
        pictures = [synthesizer.synthesize(MAP, seed=0, style=given) for given in (tmp_path / "photo.png", opened)]
    assert torch.equal(found, expected)
    assert found.std() > 0.3
    assert np.array_equal(*pictures)


def test_random_encodings_keep_their_seed(ids, street):
    torch.manual_seed(0)
    encoding = InstanceNoise(ids)
    sizes = {"height": HEIGHT, "width": WIDTH, "norm": "instance", "init_gain": 1.0}
    generator = SPADEGenerator(encoding.channels, 6, 2, encoder_channels=2, spade_channels=4, **sizes).eval()
    synthesizer = synthesizer_of(generator, encoding)
    opened = synthesizer.open(street.label, street.instance)
    first, same, other = (synthesizer.synthesize(opened, seed=seed, style=photo("night")) for seed in (0, 0, 1))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_models_without_an_encoder_say_which_have_one(make_synthesizer, street):
    with pytest.raises(ConfigurationError, match=r"OASISGenerator has no style encoder.*model=spade_vae.*--like PHOTO"):
        make_synthesizer().synthesize(street.label, style=photo("night"))


def test_one_latent_vector_cannot_be_resampled_in_part(synthesizer, street):
    opened = synthesizer.open(street.label)
    noise = synthesizer.noise(0).resampled(opened.class_mask("car"), 1)
    with pytest.raises(ConfigurationError, match="one vector an image"):
        synthesizer.synthesize(opened, noise=noise)


# Searching


def distance(picture, other):
    return abs(np.asarray(picture, float) - np.asarray(other, float)).mean()


@pytest.mark.parametrize("model", ["per pixel", "one vector"])
def test_a_search_comes_nearer(make_synthesizer, synthesizer, street, model):
    """The photo is a picture of another seed, so that there is a noise to be found."""
    ours = make_synthesizer() if model == "per pixel" else synthesizer
    goal = ours.synthesize(street.label, seed=3)
    losses = []
    found = imitate(ours, street.label, goal, steps=40, noise=ours.noise(0), on_step=losses.append)
    assert losses == found.losses
    assert (len(losses), found.loss, found.measure) == (40, min(losses), "mean difference")
    start = distance(ours.synthesize(street.label, seed=0), goal)
    assert distance(found.picture, goal) < (0.5 if model == "per pixel" else 1) * start
    assert distance(found.picture, goal) == pytest.approx(127.5 * found.loss, abs=0.6)
    assert all(parameter.grad is None for parameter in ours.generator.parameters())


def test_what_cannot_be_searched(make_synthesizer, street):
    with pytest.raises(ConfigurationError, match=r"OASISGenerator has no noise.*model=oasis and model=spade_vae"):
        imitate(make_synthesizer(noise_dim=0), street.label, photo("night"))
    with pytest.raises(ConfigurationError, match=r"steps=0"):
        imitate(make_synthesizer(), street.label, photo("night"), steps=0)
