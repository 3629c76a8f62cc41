"""What is compiled is kept, and told beforehand."""

import os
import warnings
from functools import partial

import pytest
import torch
from torch import nn
from torch._dynamo.backends.common import aot_autograd

from oasis.training.compilation import Compiled

VARIABLE = "TORCHINDUCTOR_CACHE_DIR"


@pytest.fixture
def unset(monkeypatch):
    monkeypatch.setenv(VARIABLE, "")  # so that it is restored afterwards
    monkeypatch.delenv(VARIABLE)


@pytest.fixture
def folder(unset, monkeypatch, tmp_path):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path))
    return tmp_path / "compiled" / f"torch-{torch.__version__}"


@pytest.fixture
def uncompiled(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, dynamic: function)


def test_each_torch_has_a_folder_in_the_cache(folder, uncompiled):
    assert Compiled(torch.neg, "generator").folder == folder
    assert os.environ[VARIABLE] == str(folder)


def test_a_folder_that_the_user_has_set_has_precedence(unset, uncompiled, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "own"))
    assert Compiled(torch.neg, "generator").folder == tmp_path / "own"
    assert os.environ[VARIABLE] == str(tmp_path / "own")


def test_what_compiling_takes_is_told_once_for_each_shape(folder, uncompiled, capsys):
    def told(compiled, *shape):
        compiled(torch.zeros(shape))
        return capsys.readouterr().out

    first, second = Compiled(torch.neg, "generator"), Compiled(torch.neg, "generator")
    assert f"compiling the generator, which may take minutes. Its code is kept in {folder}" in told(first, 1, 2)
    assert not told(first, 1, 2)
    assert "may take minutes" in told(first, 3, 2)
    assert "compiling the generator, which took 0 s the last time" in told(second, 1, 2)


def test_gradients_are_told_apart_from_what_has_none(folder, uncompiled, capsys):
    compiled = Compiled(torch.neg, "generator")
    compiled(torch.zeros(1))
    with torch.no_grad():
        compiled(torch.zeros(1))
    compiled(torch.zeros(1, requires_grad=True))
    assert capsys.readouterr().out.count("may take minutes") == 3


@pytest.mark.parametrize("content", ["{", "[1]", '{"a": "b"}'])
def test_an_unreadable_record_is_written_anew(folder, uncompiled, capsys, content):
    folder.mkdir(parents=True)
    (folder / "seconds.json").write_text(content)
    for words in ("may take minutes", "took 0 s the last time"):
        Compiled(torch.neg, "generator")(torch.zeros(1))
        assert words in capsys.readouterr().out


def test_a_gradient_that_cannot_be_compiled_is_computed_as_it_is(folder, monkeypatch):
    def broken(graph, inputs):
        raise OSError("x.main.so: file too short")

    backend = aot_autograd(fw_compiler=lambda graph, inputs: graph, bw_compiler=broken)
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    torch.compiler.reset()
    layer = nn.Linear(2, 1)
    with pytest.warns(UserWarning, match=r"\(x.main.so: file too short\).*delete the folder"):
        output = Compiled(layer, "generator")(torch.ones(1, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        output.sum().backward()
    assert layer.weight.grad.tolist() == [[1, 1]]
