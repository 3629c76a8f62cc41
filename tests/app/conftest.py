"""A pool of two tiny models, the app in the background, and a browser to visit it with.

With OASIS_APP_SCREENSHOTS=FOLDER and OASIS_APP_CHECKPOINTS=RUN[:RUN...], the tests of the tabs take the pictures of the
documentation.
"""

import base64
import io
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from oasis.app.limits import Limits
from oasis.app.model_pool import ModelPool
from oasis.checkpoint import Restored
from oasis.encodings import Boundary, Encoding, Semantic
from oasis.labels import LabelSpace
from oasis.models import OASISGenerator
from oasis.synthesis import Synthesizer

HEIGHT, WIDTH = 32, 64
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SNAPSHOTS = os.environ.get("OASIS_APP_SCREENSHOTS")
CHECKPOINTS = [Path(path) for path in os.environ.get("OASIS_APP_CHECKPOINTS", "").split(os.pathsep) if path]
MOST_BYTES = 290_000  # of a picture for the documentation
SECONDS = 20_000  # milliseconds that anything may take
LIMITS = Limits(upload_bytes=2**20, pixels=2**20)


def tiny_synthesizer(encoding: Encoding, name: str) -> Synthesizer:
    """A generator with random weights, whose pictures depend on each class and the noise."""
    torch.manual_seed(0)
    generator = OASISGenerator(encoding.channels, 8, 4, 2, spade_channels=8, norm="batch", init_gain=1)
    for weight in generator.parameters():
        if weight.dim() == 4:
            nn.init.kaiming_normal_(weight)
    generator.train()
    with torch.no_grad():
        for _ in range(20):  # BatchNorm statistics for eval mode
            generator(torch.rand(4, generator.condition_channels, HEIGHT, WIDTH))
    restored = Restored({"name": name}, encoding.label_space, encoding, generator.eval(), 0)
    return Synthesizer(restored, HEIGHT, WIDTH, name, device="cpu")


class Visitor:
    """A visitor with their own browser window."""

    def __init__(self, page, address: str) -> None:
        self.page = page
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        page.set_default_timeout(SECONDS)
        page.on("request", self._look_at)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.goto(address)
        page.wait_for_selector("#examples button")

    def _look_at(self, request) -> None:
        if not request.url.startswith(("http://127.0.0.1", "http://localhost", "data:", "blob:")):
            self.elsewhere.append(request.url)

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    def picture(self, place: str, number: int = 0) -> np.ndarray:
        """Waits for a picture in the page; returns its (H, W, 3) pixels."""
        image = self.page.locator(f"{place} img").nth(number)
        image.wait_for()
        return self._decoded(image.get_attribute("src"))

    def changed(self, place: str, before: np.ndarray) -> np.ndarray:
        """Waits until an element shows another picture; returns it."""
        for _ in range(SECONDS // 100):
            if not np.array_equal(self.picture(place), before):
                break
            self.page.wait_for_timeout(100)
        assert not np.array_equal(self.picture(place), before)
        return self.picture(place)

    @staticmethod
    def _decoded(url: str) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1]))).convert("RGB"), int)

    def told(self, place: str, text: str) -> str:
        """Waits until an element of the page has this text; returns its text."""
        self.page.locator(place).filter(has_text=re.compile(text)).wait_for()
        return self.page.inner_text(place)

    def choose_example(self, number: int = 0) -> np.ndarray:
        self.page.locator("#examples button").nth(number).click()
        self.told("#upload-told", "Generated in")
        return self.picture("#upload-photo")

    def stroke(self, brush: str, points: list[tuple[float, float]], size: int | None = None) -> None:
        """Draws with the mouse; points are shares of width and height."""
        self.page.click(f'#canvas .brushes button[data-name="{brush}"]')
        if size is not None:
            self.page.locator("#canvas .size input").fill(str(size))
        box = self.page.locator("#canvas canvas").bounding_box()
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places:
            self.page.mouse.move(*place, steps=4)
        self.page.mouse.up()

    def upload(self, content: bytes, name: str = "map.png", box: str = "#label-file") -> None:
        self.page.set_input_files(f"{box} input[type=file]", {"name": name, "mimeType": "image/png", "buffer": content})

    def snapshot(self, name: str) -> None:
        """A screenshot of the page, for the documentation."""
        if SNAPSHOTS:
            self.page.wait_for_timeout(400)  # spinners fade out
            self.page.mouse.move(5, 5)
            path = Path(SNAPSHOTS) / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
            picture.save(path, optimize=True)
            if path.stat().st_size > MOST_BYTES:
                picture.quantize(256, kmeans=1).save(path, optimize=True)


@pytest.fixture(scope="session")
def ids() -> LabelSpace:
    return LabelSpace.cityscapes_ids()


@pytest.fixture(scope="session")
def pool(ids: LabelSpace) -> ModelPool:
    """`plain` ignores instances, `outlines` needs them."""
    return ModelPool([tiny_synthesizer(Semantic(ids), "plain"), tiny_synthesizer(Boundary(ids), "outlines")])


@pytest.fixture
def narrow() -> Synthesizer:
    """Of a stranger's checkpoint: it knows sky and houses, and its third class runs a script where it is no text."""
    names = ("void <img src=x onerror=\"document.title='script ran'\">", "sky", "house")
    colors = ((0, 0, 0), (70, 130, 180), (70, 70, 70))
    space = LabelSpace(names, colors, frozenset(), 0, (0, 1, 2, *(-1,) * 253), frozenset({1, 2}))
    return tiny_synthesizer(Semantic(space), "narrow")


@pytest.fixture
def street() -> tuple[np.ndarray, np.ndarray]:
    """Sky, a road and two cars that touch: label map uint8 and instance map int32."""
    label = np.full((HEIGHT, WIDTH), 23, np.uint8)
    label[HEIGHT // 2 :] = 7
    instance = label.astype(np.int32)
    for k, left in enumerate((10, 22)):
        label[12:22, left : left + 12] = 26
        instance[12:22, left : left + 12] = 26000 + k
    return label, instance


@pytest.fixture(scope="session")
def address(pool: ModelPool) -> Iterator[str]:
    """Of the app, running in this process; with real checkpoints where OASIS_APP_CHECKPOINTS names some."""
    pytest.importorskip("gradio")
    from oasis.app.server import serving

    with serving(ModelPool.from_checkpoints(CHECKPOINTS, "cpu") if CHECKPOINTS else pool, LIMITS) as url:
        yield url


@pytest.fixture(scope="module")  # its event loop must not exist for other modules
def browser() -> Iterator:
    """Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def visitor(browser, address) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    visitor = Visitor(context.new_page(), address)
    yield visitor
    assert visitor.elsewhere == []
    context.close()


@pytest.fixture
def visit() -> type[Visitor]:
    """Opens the app in a window."""
    return Visitor


@pytest.fixture
def tiny_models() -> None:
    """For tests of what the tiny models generate."""
    if CHECKPOINTS:
        pytest.skip("the app uses other checkpoints")


@pytest.fixture
def as_png() -> Callable[[np.ndarray], bytes]:
    """A picture as the bytes of a PNG."""

    def encode(array: np.ndarray) -> bytes:
        file = io.BytesIO()
        Image.fromarray(array).save(file, "PNG")
        return file.getvalue()

    return encode
