"""Paths with characters that mean something to Hydra: quoted they work, unquoted the error says how to quote."""

import shlex

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException

from oasis.cli.conf import conf_dir, load_config
from oasis.errors import ConfigurationError
from oasis.training.error_reporting import explained, report_errors
from oasis.training.runs.quoting import for_shell, quoted_value

PATHS = ["/a=b/c", "/a,b/c", "/a (1)/c", "/a(b", "/a[b]", "/a{b}", "/a#b", "/größe/ü", "~/a", 'a"b', "a'b", "a\\'b"]
FINE = ["/a/b-c_d.e", "runs/seed-1_x"]


@pytest.mark.parametrize("path", [*PATHS, *FINE, "/my photos", "/a\\", "$HOME/`x`!", ""])
def test_a_quoted_path_arrives(path):
    (typed,) = shlex.split(for_shell(f"data.root={path}"))  # what a shell hands on
    assert load_config([typed]).data.root == path


@pytest.mark.parametrize("path", PATHS)
def test_an_unquoted_path_is_explained(path, capsys):
    setting = f"data.root={path}"
    with pytest.raises(ConfigurationError, match=r"needs quotes, for Hydra and for the shell") as refused:
        load_config([setting])
    assert f"Type {for_shell(setting)}" in str(refused.value)

    def main():
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            compose("train", overrides=[setting])

    with pytest.raises(SystemExit):
        report_errors(main)
    said = capsys.readouterr().err
    assert said.startswith(f"error: {setting}: ")
    assert f"Type {for_shell(setting)}" in said


@pytest.mark.parametrize("path", FINE)
def test_what_needs_no_quotes_gets_none(path):
    assert quoted_value(path) == path
    assert load_config([f"data.root={path}"]).data.root == path


def test_the_form_that_the_documentation_shows():
    assert for_shell("data.root=/a=b") == "\"data.root='/a=b'\""


def test_the_second_half_of_a_path_with_a_space():
    with pytest.raises(ConfigurationError, match=r"photos/city: not a setting, .*\"data\.root='/my photos'\""):
        load_config(["data.root=/my", "photos/city"])


def test_other_errors_of_hydra_stay_as_they_are():
    assert explained(HydraException("something else")) == "something else"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["data.heigt=3"], r"^data\.heigt: no such setting\. Did you mean data\.height"),
        (["encodng=semantic"], r"^encodng: no such setting\. Did you mean encoding\?"),
        (["data=folder", "data.photo=x"], r"^data\.photo: no such setting\. Did you mean data\.photos"),
        (["data.photos=x"], r"^data\.photos: no such setting"),
        (["zzz=1"], r"^zzz: no such setting\. `oasis train --cfg job` prints all"),
        (["encoding=semantik"], r"(?s)^In 'train': Could not find 'encoding/semantik'.*\n\tsemantic$"),
    ],
)
def test_a_setting_that_does_not_exist(typed, told):
    with pytest.raises(ConfigurationError, match=told):
        load_config(typed)
    with pytest.raises(ConfigurationError, match="colour"):
        load_config(["data.colour=red"])
