"""How long is it from a click in the web app to the picture?

    python -m experiments.benchmarks.app [--clicks 10] [--json FILE] [--device cuda] [--bf16]

A generator of full width with made-up weights generates synthetic streets of 256x512 in the app, and a Chromium on the
same machine clicks from street to street, once warm. Wants chromium, playwright and gradio (the extra `app`). The last
line is `ratio app VALUE`, the time from click to picture over that of generating alone.
"""

import shutil
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING

import torch
from hydra.utils import instantiate
from rich.console import Console
from rich.table import Table

from experiments.benchmarks.inference import new_generator
from experiments.benchmarks.measuring import arguments, report
from oasis.app.model_pool import ModelPool
from oasis.app.server import serving
from oasis.checkpoint import Restored
from oasis.cli.conf import load_config
from oasis.synthesis import Synthesizer
from oasis.synthesis.examples import draw_examples

if TYPE_CHECKING:
    from playwright.sync_api import Page

GOAL = 1.5  # seconds
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync")
_LONGEST = 120_000  # milliseconds that a picture may take


def main(arguments_given: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = _options(arguments_given)
    synthesizer = new_synthesizer(options)
    pool = ModelPool([synthesizer])
    with serving(pool) as address:
        clicks = seconds_of_clicks(address, options.clicks)
    pictures = seconds_of_generating(synthesizer, options.clicks)
    rows: list[dict[str, str | float]] = [
        {"what": "from click to picture", "median": median(clicks), "slowest": max(clicks)},
        {"what": "painting alone", "median": median(pictures), "slowest": max(pictures)},
    ]
    table = Table("", "median s", "slowest s", title=f"{options.height}x{options.width}, {options.channels} channels")
    for row in rows:
        table.add_row(str(row["what"]), f"{row['median']:.2f}", f"{row['slowest']:.2f}")
    Console().print(table)
    print(f"goal: at most {GOAL} s from click to picture: {median(clicks):.2f}")
    report("app", median(clicks) / median(pictures), rows, options)


def new_synthesizer(options: Namespace) -> Synthesizer:
    """One that looks trained, of full width unless told otherwise."""
    label_space = instantiate(load_config([]).label_space)
    encoding = instantiate(load_config([f"encoding={options.encoding}"]).encoding)
    generator = new_generator(options, encoding.channels)
    restored = Restored({}, label_space, encoding, generator, 0)
    return Synthesizer(restored, options.height, options.width, "benchmark", options.device, options.bf16)


def seconds_of_clicks(address: str, clicks: int) -> list[float]:
    """From each click on an example to its photo in the page; the first round through the examples does not count."""
    with browser_page() as page:
        page.goto(address)
        examples = page.locator("#examples button")
        examples.first.wait_for()
        many, seconds, shown = examples.count(), [], ""
        for number in range(many + clicks):
            start = time.perf_counter()
            shown = click_for_photo(page, number % many, shown)
            seconds.append(time.perf_counter() - start)
    return seconds[many:]


@contextmanager
def browser_page() -> Iterator["Page"]:
    """An empty page of a Chromium."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(_LONGEST)
        yield page
        browser.close()


def click_for_photo(page: "Page", example: int, shown: str) -> str:
    """Clicks an example of the app's first tab, and waits for another photo than the one shown (its `src`, or "")."""
    page.locator("#examples button").nth(example).click()
    page.wait_for_function(
        "shown => (document.querySelector('#upload-photo img') || {src: shown}).src != shown", arg=shown
    )
    return page.locator("#upload-photo img").get_attribute("src") or ""


def seconds_of_generating(synthesizer: Synthesizer, pictures: int) -> list[float]:
    """What `Synthesizer.synthesize` takes for the same streets."""
    streets = [example.label_map for example in draw_examples(synthesizer)]
    seconds = []
    for number in range(1 + pictures):
        start = time.perf_counter()
        synthesizer.synthesize(streets[number % len(streets)], seed=0)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def _options(arguments_given: Sequence[str] | None) -> Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--clicks", type=int, default=10)
    parser.add_argument("--encoding", default="semantic")
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--channels", type=int, default=64, help="base width of the generator")
    parser.add_argument("--bf16", action="store_true")
    parser.set_defaults(threads=torch.get_num_threads())
    return parser.parse_args(arguments_given)


if __name__ == "__main__":
    main()
