"""Ways to spoil the files of a sample: bytes in, bytes out, all random numbers from one generator."""

import io
import struct
import zlib
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

Files = dict[str, bytes]
"""`photo`, `label`, `instance` -> content; a photo is a PNG, JPEG, TIFF or WebP."""
Mutation = Callable[[Files, str, np.random.Generator], bytes]

PNG = b"\x89PNG\r\n\x1a\n"
_FORMATS = ("GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "TGA", "JPEG2000", "PNG", "JPEG")
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK")


def flip_bits(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """Up to 64 bits, anywhere."""
    content = bytearray(files[kind])
    for place in rng.integers(0, 8 * len(content), int(rng.integers(1, 65))).tolist():
        content[place // 8] ^= 1 << place % 8
    return bytes(content)


def truncate(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """Cut off, down to nothing."""
    return files[kind][: int(rng.integers(0, len(files[kind])))]


def overwrite(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """Noise or zeros over a stretch."""
    content = bytearray(files[kind])
    start, length = int(rng.integers(0, len(content))), int(rng.integers(1, 200))
    noise = rng.bytes(length) if rng.random() < 0.5 else bytes(length)
    content[start : start + length] = noise
    return bytes(content)


def splice_bytes(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """The head of one file and the tail of another."""
    other = files[str(rng.choice(list(files)))]
    return files[kind][: int(rng.integers(0, len(files[kind])))] + other[int(rng.integers(0, len(other))) :]


def splice_chunks(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """PNG chunks dropped, doubled, exchanged, or taken from another file; every checksum right."""
    own = _chunks(files[kind])
    if not own:
        return splice_bytes(files, kind, rng)
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(0, len(own)))
        strangers = _chunks(files[str(rng.choice(list(files)))]) or own
        act = int(rng.integers(0, 4))
        if act == 0:
            own.insert(place, own[int(rng.integers(0, len(own)))])
        elif act == 1:
            own[place] = strangers[int(rng.integers(0, len(strangers)))]
        elif act == 2 and len(own) > 1:
            own.pop(place)
        else:
            rng.shuffle(own)  # type: ignore[arg-type]
    return PNG + b"".join(_chunk(name, body) for name, body in own)


def spoil_chunk(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """Noise within the body of a PNG chunk, or another length, with the checksum that belongs to it."""
    own = _chunks(files[kind])
    if not own:
        return flip_bits(files, kind, rng)
    place = int(rng.integers(0, len(own)))
    name, body = own[place]
    spoilt = bytearray(body[: int(rng.integers(0, len(body) + 1))] if rng.random() < 0.3 else body)
    for where in rng.integers(0, max(len(spoilt), 1), 4).tolist():
        if spoilt:
            spoilt[where] = int(rng.integers(0, 256))
    own[place] = (name, bytes(spoilt))
    return PNG + b"".join(_chunk(name, body) for name, body in own)


def strange_chunks(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """Chunks that a reader may stumble over: texts that unpack to megabytes, animations, profiles, palettes."""
    own = _chunks(files[kind])
    if not own:
        return flip_bits(files, kind, rng)
    bomb = zlib.compress(bytes(2**23))
    choices = [
        (b"zTXt", b"comment\0\0" + bomb),
        (b"iTXt", b"comment\0\1\0\0\0" + bomb),
        (b"iCCP", b"profile\0\0" + bomb),
        (b"acTL", rng.bytes(8)),
        (b"fcTL", rng.bytes(26)),
        (b"fdAT", rng.bytes(40)),
        (b"PLTE", rng.bytes(int(rng.integers(0, 900)))),
        (b"tRNS", rng.bytes(int(rng.integers(0, 300)))),
        (b"eXIf", rng.bytes(40)),
        (b"pHYs", rng.bytes(int(rng.integers(0, 12)))),
        (rng.bytes(4), rng.bytes(30)),
    ]
    for _ in range(int(rng.integers(1, 4))):
        own.insert(int(rng.integers(1, len(own))), choices[int(rng.integers(0, len(choices)))])
    return PNG + b"".join(_chunk(name, body) for name, body in own)


def wrong_header(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """Another size, depth, colour type or interlacing in the header, with the right checksum."""
    content = files[kind]
    if not content.startswith(PNG):
        return _jpeg_size(content, *(int(n) for n in rng.integers(0, 300, 2)))
    width, height, *rest = struct.unpack(">IIBBBBB", content[16:29])
    values = [width, height, *rest]
    place = int(rng.integers(0, 7))
    values[place] = int(rng.integers(0, 300)) if place < 2 else int(rng.choice([0, 1, 2, 3, 4, 6, 8, 16, 255]))
    return _with_header(content, struct.pack(">IIBBBBB", *values))


def huge_size(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """A header that claims up to 2^31 pixels a side."""
    content = files[kind]
    width, height = (int(2 ** rng.uniform(8, 31)) for _ in range(2))
    if not content.startswith(PNG):
        return _jpeg_size(content, width % 65536, height % 65536)
    return _with_header(content, struct.pack(">II", width, height) + content[24:29])


def wrong_mode(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """The same size in another mode."""
    with Image.open(io.BytesIO(files[kind])) as picture:
        mode = str(rng.choice(_MODES))
        format_ = "JPEG" if mode == "CMYK" else "PNG"
        return _saved(Image.new(mode, picture.size), format_)


def other_format(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """A picture of another format under the same name."""
    with Image.open(io.BytesIO(files["photo"])) as picture:
        return _saved(picture.convert("RGB"), str(rng.choice(_FORMATS)))


def swapped(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """One of the sample's other files."""
    return files[str(rng.choice([other for other in files if other != kind]))]


def wrong_ids(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """A map with stray ids in places, of noise, or of another class."""
    if kind == "photo":
        return swapped(files, kind, rng)
    with Image.open(io.BytesIO(files[kind])) as picture:
        ids = np.array(picture)
    highest = 255 if kind == "label" else 65535
    row, column = int(rng.integers(0, ids.shape[0])), int(rng.integers(0, ids.shape[1]))
    choice = int(rng.integers(0, 3))
    if choice == 0:
        ids[row : row + 3, column : column + 5] = int(rng.integers(0, highest + 1))
    elif choice == 1:
        ids = rng.integers(0, highest + 1, ids.shape).astype(ids.dtype)
    else:
        ids[ids == ids[row, column]] = int(rng.integers(0, highest + 1))
    return _saved(Image.fromarray(ids), "PNG")


def noise(files: Files, kind: str, rng: np.random.Generator) -> bytes:
    """Random bytes behind a good signature, or nothing that resembles a picture."""
    start = (PNG, b"\xff\xd8\xff\xe0", b"")[int(rng.integers(0, 3))]
    return start + rng.bytes(int(rng.integers(0, 400)))


MUTATIONS: Mapping[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        flip_bits,
        truncate,
        overwrite,
        splice_bytes,
        splice_chunks,
        spoil_chunk,
        strange_chunks,
        wrong_header,
        huge_size,
        wrong_mode,
        other_format,
        swapped,
        wrong_ids,
        noise,
    )
}


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """Name and body of each chunk of a good PNG; none of a JPEG."""
    found, place = [], 8
    while content.startswith(PNG) and place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        found.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _with_header(content: bytes, header: bytes) -> bytes:
    return PNG + _chunk(b"IHDR", header) + content[33:]


def _jpeg_size(content: bytes, width: int, height: int) -> bytes:
    """The JPEG with another size in its frame header."""
    place = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2"))
    return content[: place + 5] + struct.pack(">HH", height, width) + content[place + 9 :] if place > 0 else content


def _saved(picture: Image.Image, format_: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=format_)
    return buffer.getvalue()
