"""`trust=`: values that name no package."""

import pytest

from oasis.errors import ConfigurationError
from oasis.plugins import installed_plugins, trust, trusted_packages


def test_null_trusts_nothing_else(fit):
    before = trusted_packages()
    run = fit("run", "trust=null", "trainer.max_epochs=1", "trainer.limit_train_batches=1")
    assert (run / "checkpoints" / "last.ckpt").is_file()
    assert trusted_packages() == before >= installed_plugins()


@pytest.mark.parametrize("packages", [3, [3], [None], ["no_such_package"], "no such package"])
def test_what_is_no_package_is_refused(packages):
    with pytest.raises(ConfigurationError, match=r"trust: no package '.*' can be imported here"):
        trust(packages)
