"""The identity of a model, however it is stored."""

import hashlib

from oasis.encodings import Encoding
from oasis.models import Generator


def fingerprint(encoding: Encoding, generator: Generator) -> str:
    """A hash of the generator's weights and the encoding, independent of the file format: 16 hexadecimal digits."""
    hashed = hashlib.sha256(repr(encoding).encode())
    for name, tensor in sorted(generator.state_dict().items()):
        hashed.update(name.encode())
        hashed.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return hashed.hexdigest()[:16]
