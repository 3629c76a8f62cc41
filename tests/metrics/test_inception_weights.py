import hashlib
import os
from urllib.error import URLError

import pytest
import torch

from oasis.errors import ConfigurationError, MissingWeightsError
from oasis.metrics import weights as weight_files
from oasis.metrics.inception import inception_extractors


def test_a_file_whose_hash_is_known(inception_file):
    digest = hashlib.sha256(inception_file.read_bytes()).hexdigest()
    assert inception_extractors(inception_file, sha256=digest[:8].upper())[0].fingerprint.endswith(digest)


def test_another_file_is_refused_by_its_hash(inception_file):
    digest = hashlib.sha256(inception_file.read_bytes()).hexdigest()
    with pytest.raises(
        ConfigurationError, match=rf"random\.pth: .*{digest}.*start with 6726825d.*Fetch https://.*metrics\.sha256=null"
    ):
        inception_extractors(inception_file)


def test_a_named_file_that_is_missing(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere\.pth: no such file.*https://github\.com/toshas") as caught:
        inception_extractors(tmp_path / "nowhere.pth")
    assert not isinstance(caught.value, MissingWeightsError), "a path that is wrong is no reason to go on without"


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_code_in_a_file_is_not_run(tmp_path):
    path, sign = tmp_path / "bomb.pth", tmp_path / "it_ran"
    torch.save({"Conv2d_1a_3x3.conv.weight": Bomb(sign)}, path)
    with pytest.raises(ConfigurationError, match=r"bomb\.pth: not a state dict saved by torch\.save"):
        inception_extractors(path, sha256=None)
    assert not sign.exists()
    torch.load(path, weights_only=False)
    assert sign.exists(), "the bomb of this test is a dud"


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 torn", b"\x80\x02."])
def test_not_a_torch_file(tmp_path, content):
    path = tmp_path / "page.pth"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"page\.pth: not a state dict"):
        inception_extractors(path, sha256=None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "holds a list"),
        ({"epoch": 3}, "holds a int at 'epoch'"),
        ({"features.0.weight": torch.zeros(1)}, r"not the 2015 Inception network .*Missing key"),
    ],
)
def test_another_network(tmp_path, content, message):
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(ConfigurationError, match=r"other\.pth: " + message):
        inception_extractors(path, sha256=None)


def test_weights_of_another_shape(inception_file, tmp_path):
    path = tmp_path / "other.pth"
    state = torch.load(inception_file, weights_only=True)
    torch.save(state | {"fc.weight": torch.zeros(1000, 2048)}, path)  # torchvision's own
    with pytest.raises(ConfigurationError, match=r"other\.pth: not the 2015 Inception network .*fc\.weight") as caught:
        inception_extractors(path, sha256=None)
    assert len(str(caught.value)) < 600, "load_state_dict's list of keys is long"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"


@pytest.mark.parametrize("name", ["weights-inception-2015-12-05-6726825d.pth", "pt_inception-2015-12-05-6726825d.pth"])
def test_the_cache_of_torch_hub(hub, inception_file, name):
    (hub / name).symlink_to(inception_file)
    assert len(inception_extractors(sha256=None)) == 2


def test_a_torn_file_in_the_cache(hub):
    (hub / "weights-inception-2015-12-05-6726825d.pth").write_bytes(b"torn")
    with pytest.raises(MissingWeightsError, match=r"6726825d\.pth: its SHA-256 is .*Delete it.*metrics\.weights=PATH"):
        inception_extractors()


def test_no_network(hub, monkeypatch):
    def fail(*args, **kwargs):
        raise URLError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(
        MissingWeightsError, match=r"no route.*Fetch https://github.*6726825d\.pth.*metrics\.weights=PATH"
    ):
        inception_extractors()


def test_the_download_is_checked_and_silent(hub, inception_file, monkeypatch, capfd):
    """torch.hub's own download, of a file here."""
    digest = hashlib.sha256(inception_file.read_bytes()).hexdigest()
    monkeypatch.setattr(weight_files, "URL", inception_file.as_uri())
    with pytest.raises(MissingWeightsError, match=f"invalid hash value.*6726825d.*{digest}"):
        inception_extractors()
    assert not list(hub.iterdir()), "nothing is left behind"
    monkeypatch.setattr(weight_files, "SHA256", digest[:8])
    assert len(inception_extractors(sha256=digest[:8])) == 2
    assert [path.name for path in hub.iterdir()] == ["weights-inception-2015-12-05-6726825d.pth"]
    assert capfd.readouterr() == ("", "")
