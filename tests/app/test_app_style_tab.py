"""The tab Style, without a browser: its answers to what a visitor does."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from oasis.app.limits import Limits
from oasis.app.model_pool import ModelPool
from oasis.checkpoint import Restored
from oasis.encodings import Boundary
from oasis.errors import CheckpointError, ConfigurationError, DatasetError
from oasis.models import FeatureClusters, Pix2PixHDFeatureGenerator
from oasis.synthesis import Synthesizer

HEIGHT, WIDTH = 32, 64


@pytest.fixture(scope="module")
def features(ids):
    torch.manual_seed(0)
    encoding = Boundary(ids)
    sizes = {"channels": 4, "num_halvings": 1, "num_blocks": 1, "encoder_channels": 4, "encoder_halvings": 1}
    generator = Pix2PixHDFeatureGenerator(encoding.channels, ids.num_classes, **sizes)
    for name, parameter in generator.named_parameters():
        if name.endswith("weight"):
            torch.nn.init.kaiming_normal_(parameter)
    synthesizer = Synthesizer(Restored({}, ids, encoding, generator, 0), HEIGHT, WIDTH, "features", "cpu")
    centers = torch.rand(ids.num_classes, 10, 3) * 2 - 1
    synthesizer.clusters = FeatureClusters(centers, torch.full((ids.num_classes,), 10))
    return synthesizer


@pytest.fixture
def tab(features, pool):
    gr = pytest.importorskip("gradio")
    from oasis.app.context import AppContext
    from oasis.app.session import Session
    from oasis.app.style_tab import StyleTab

    both = ModelPool([features, pool.model("plain")])
    assert both.encodes_style
    assert not pool.encodes_style
    with gr.Blocks(), gr.Tab("Style") as inner:
        model = gr.Dropdown(both.names)
        return StyleTab(
            AppContext(both, Limits(upload_bytes=2**20, pixels=2**20), [], gr.State(Session()), model), inner
        )


@pytest.fixture
def session(features, street):
    from oasis.app.session import Session

    session = Session()
    session.take(features.open(*street))
    return session


def click(column, row):
    return SimpleNamespace(x=(column + 0.5) / WIDTH, y=(row + 0.5) / HEIGHT)


CAR = click(12, 15)


def test_a_photo_gives_the_map_its_style(tab, session, tmp_path):
    before = tab.generate(session, "features", 0)
    assert "drawn by the seed" in before[tab.told]
    photo = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.jpg")
    after = tab.take_photo(session, "features", 0, str(tmp_path / "photo.jpg"))
    assert "that of the photo" in after[tab.told]
    assert after[tab.photo] != before[tab.photo]
    assert tab.start_again(session, "features", 0)[tab.photo] == before[tab.photo]
    (tmp_path / "text.jpg").write_text("none")
    with pytest.raises(DatasetError, match=r"^text\.jpg"):
        tab.take_photo(session, "features", 0, str(tmp_path / "text.jpg"))


def test_a_click_gives_a_segment_a_cluster_or_the_photo(tab, session):
    first = tab.click(session, "features", 0, False, 3, CAR)
    assert session.styles == {26000: 3}
    assert "26000: cluster 3" in first[tab.told]
    second = tab.click(session, "features", 0, False, 4, CAR)
    assert second[tab.photo].split("<figcaption")[0] != first[tab.photo].split("<figcaption")[0]
    with pytest.raises(ConfigurationError, match="no photo yet"):
        tab.click(session, "features", 0, True, 4, CAR)
    session.photo = Image.new("RGB", (8, 8), "red")
    told = tab.click(session, "features", 0, True, 4, click(5, 2))[tab.told]
    assert "26000: cluster 4, sky: the photo" in told


def test_a_refused_choice_is_forgotten(tab, session, features, tmp_path):
    tab.click(session, "features", 0, False, 3, CAR)
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    with pytest.raises(ConfigurationError, match="plain: its OASISGenerator has no style encoder"):
        tab.take_photo(session, "plain", 0, str(tmp_path / "photo.png"))
    for seed, cluster in ((-1, 4), (0, 10)):
        with pytest.raises(ConfigurationError, match=r"A seed is a whole number|no such cluster"):
            tab.click(session, "features", seed, False, cluster, click(5, 2))
    assert "style: 26000: cluster 3" in tab.generate(session, "features", 0)[tab.told]
    assert (session.styles, session.photo) == ({26000: 3}, None)


def test_a_click_gives_what_the_picture_shows_a_style(tab, features, street):
    """The model's size is a third of the map's, in which a small person gets lost."""
    from oasis.app.session import Session

    label, instance = (each.repeat(3, 0).repeat(3, 1) for each in street)
    label[0, 0], instance[0, 0] = 24, 24500
    session = Session()
    session.take(features.open(label, instance))
    tab.click(session, "features", 0, False, 3, SimpleNamespace(x=0.0, y=0.0))
    tab.click(session, "features", 0, False, 4, CAR)
    assert session.styles == {"sky": 3, 26000: 4}


def test_a_group_has_no_style_apart_from_that_of_all(tab, features, street):
    from oasis.app.session import Session

    label, instance = (each.copy() for each in street)
    label[:4, :4] = instance[:4, :4] = 26
    session = Session()
    session.take(features.open(label, instance))
    with pytest.raises(ConfigurationError, match=r"what you clicked is car without an instance.*Click a single car"):
        tab.click(session, "features", 0, False, 3, click(1, 1))
    assert session.styles == {}
    instance[instance > 1000] = 26
    session.take(features.open(label, instance))
    tab.click(session, "features", 0, False, 3, click(1, 1))
    assert session.styles == {"car": 3}


def test_models_without_styles_say_so(tab, session):
    with pytest.raises(ConfigurationError, match=r"plain: its OASISGenerator has no style encoder"):
        tab.click(session, "plain", 0, False, 3, CAR)
    assert "drawn by the seed" in tab.generate(session, "plain", 0)[tab.told]


def test_the_app_wants_clusters_at_the_start(trained):
    run = trained("features", "model=pix2pixhd_features", "trainer.max_steps=4")
    with pytest.raises(CheckpointError, match="Compute them: oasis styles"):
        ModelPool.from_checkpoints([run])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # within Gradio, of pandas
def test_in_a_browser(browser, features, visit):
    from oasis.app.server import serving

    with serving(ModelPool([features]), Limits(upload_bytes=2**20, pixels=2**20)) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        visitor = visit(context.new_page(), address)
        visitor.choose_example()
        visitor.tab("Style")
        visitor.told("#style-told", "drawn by the seed")
        before = visitor.picture("#style-photo")
        visitor.page.locator("#style-map img").click()
        visitor.told("#style-told", "cluster 0")
        visitor.changed("#style-photo", before)
        visitor.page.click("#style-again")
        visitor.told("#style-told", "drawn by the seed")
        np.testing.assert_array_equal(visitor.picture("#style-photo"), before)
        assert visitor.elsewhere == []
        context.close()
