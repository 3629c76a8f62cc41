"""Animations that interpolate between noises, as a GIF or an MP4."""

import importlib
import io
import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

from PIL import Image

from oasis.errors import ConfigurationError
from oasis.synthesis.label_map import LabelMap
from oasis.synthesis.noise import Noise
from oasis.synthesis.synthesizer import Synthesizer

_COLORS = 128  # of a GIF: half the bytes of 256 without visible loss on streets
_WIDEST = 512  # columns of a GIF


class Animation(ABC):
    """A file format of looped animations.

    Attributes:
        suffix: of its files, with the dot.
    """

    suffix: ClassVar[str]

    def require_available(self) -> None:  # noqa: B027  # most need nothing
        """Raise if requirements are missing.

        Raises:
            ConfigurationError: the message says what to install.
        """

    @abstractmethod
    def encode(self, frames: Sequence[Image.Image], seconds: float) -> bytes:
        """Encode frames.

        Args:
            frames: at least one, RGB, all of one size.
            seconds: duration of each frame.

        Returns:
            The bytes of the file.
        """


class GIF(Animation):
    """A GIF of 128 colours, at most 512 pixels wide, small enough for a web page."""

    suffix: ClassVar[str] = ".gif"

    def encode(self, frames: Sequence[Image.Image], seconds: float) -> bytes:
        """See `Animation.encode`."""
        # One palette for all frames, or colours would flicker.
        small = [_at_most(frame, _WIDEST) for frame in frames]
        palette = _common_palette(small)
        first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in small]
        file = io.BytesIO()
        first.save(file, "GIF", save_all=True, append_images=others, duration=round(1000 * seconds), loop=0)
        return file.getvalue()


class MP4(Animation):
    """An MP4, smaller than a GIF, in all colours and at full size; needs ffmpeg, or the package imageio-ffmpeg."""

    suffix: ClassVar[str] = ".mp4"

    def require_available(self) -> None:
        """See `Animation.require_available`."""
        find_ffmpeg()

    def encode(self, frames: Sequence[Image.Image], seconds: float) -> bytes:
        """See `Animation.encode`.

        Raises:
            ConfigurationError: there is no ffmpeg, or it cannot write MP4.
        """
        program = find_ffmpeg()
        width, height = frames[0].size
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{1 / seconds:.4g}"]
        even = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2"]  # chroma is stored for 2x2 pixels
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "frames.mp4"  # the header is written last, which a pipe does not allow
            command = [program, "-v", "error", *source, "-i", "-", *even, "-pix_fmt", "yuv420p", str(path)]
            done = subprocess.run(command, input=b"".join(f.tobytes() for f in frames), capture_output=True)
            if done.returncode != 0:
                said = done.stderr.decode(errors="replace").strip().splitlines() or ["it gave no reason"]
                raise ConfigurationError(f"{program} could not write an MP4: {said[-1]}. Choose a GIF instead.")
            return path.read_bytes()


def find_ffmpeg() -> str:
    """The path of an ffmpeg.

    Raises:
        ConfigurationError: there is none.
    """
    found = shutil.which("ffmpeg")
    if found is not None:
        return found
    try:
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:  # RuntimeError: the package has no binary
        raise ConfigurationError(
            "An MP4 needs ffmpeg, which is not installed: `apt install ffmpeg`, or `pip install imageio-ffmpeg`. A GIF "
            "needs nothing: --interpolate gif."
        ) from error


def interpolate(
    synthesizer: Synthesizer, label_map: LabelMap, noises: Sequence[Noise], steps: int
) -> Iterator[Image.Image]:
    """Generate the frames from each noise to the next, and from the last back to the first.

    Args:
        synthesizer: the model.
        label_map: of all frames.
        noises: at least two.
        steps: frames from one noise to the next, at least 1.

    Yields:
        len(noises) * steps frames of the synthesizer's size. The first one has the first noise itself.
    """
    small = label_map.resized(synthesizer.height, synthesizer.width)  # once, not for every frame

    def generate(noise: Noise) -> Image.Image:
        return synthesizer.synthesize(small, noise=noise)

    if len(noises) == 2:  # the frames back are the same in reverse
        there = [generate(noise) for noise in (*_way(noises[0], noises[1], steps), noises[1])]
        yield from there
        yield from there[-2:0:-1]
    else:
        for here, there_next in pairwise([*noises, noises[0]]):
            yield from map(generate, _way(here, there_next, steps))


def _way(here: Noise, there: Noise, steps: int) -> Iterator[Noise]:
    """Interpolate from one noise up to before the other; lazily, since each may have one vector per pixel."""
    yield here
    for step in range(1, steps):
        yield here.mixed(there, step / steps)


def _at_most(frame: Image.Image, width: int) -> Image.Image:
    if frame.width <= width:
        return frame
    return frame.resize((width, max(1, round(frame.height * width / frame.width))), Image.Resampling.LANCZOS)


def _common_palette(frames: Sequence[Image.Image]) -> Image.Image:
    """A palette picture of the colours of a few evenly spaced frames."""
    chosen = frames[:: max(1, len(frames) // 6)]
    width, height = chosen[0].size
    strip = Image.new("RGB", (width, height * len(chosen)))
    for number, frame in enumerate(chosen):
        strip.paste(frame, (0, number * height))
    return strip.quantize(_COLORS, Image.Quantize.MEDIANCUT)
