import pytest
import torch

from oasis.scoring.store import stored


class Counted:
    def __init__(self, value):
        self.value = value
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return torch.full((2, 3), self.value)


def test_computed_once_for_each_key():
    compute = Counted(1.5)
    for _ in range(3):
        assert torch.equal(stored({"a": 1}, compute), torch.full((2, 3), 1.5))
    assert compute.calls == 1
    other = Counted(2.5)
    assert stored({"a": 2}, other).mean() == 2.5
    assert (compute.calls, other.calls) == (1, 1)


@pytest.mark.parametrize("damage", [b"", b"torn", None])
def test_a_damaged_file_is_computed_anew(own_cache, damage):
    compute = Counted(1.0)
    stored({"a": 1}, compute)
    (path,) = own_cache.rglob("*.pt")
    if damage is None:
        torch.save({"key": "of something else", "tensor": torch.zeros(1)}, path)
    else:
        path.write_bytes(damage)
    assert stored({"a": 1}, compute).mean() == 1
    assert stored({"a": 1}, compute).mean() == 1
    assert compute.calls == 2


def test_nothing_in_the_cache_is_ever_run(own_cache, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    compute = Counted(1.0)
    stored({"a": 1}, compute)
    (path,) = own_cache.rglob("*.pt")
    torch.save({"key": '{"a": 1}', "tensor": Trap()}, path)
    stored({"a": 1}, compute)
    assert compute.calls == 2
    assert not (tmp_path / "sprung").exists()


def test_goes_on_where_nothing_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "file" / "below"))
    assert stored({"a": 1}, Counted(3.0)).mean() == 3
