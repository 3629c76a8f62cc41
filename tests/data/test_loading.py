"""Reading processes that die or hang: an error that says what to do, in time."""

import gc
import multiprocessing
import os
import signal
import time

import pytest
from pytorch_lightning import Trainer
from starting import starter

from oasis.data import Cityscapes, FileSamples, LabelMapDataModule
from oasis.data.loading import worker_failure
from oasis.encodings import Semantic
from oasis.errors import ConfigurationError, DatasetError, message

DEADLY = '''
import os, signal, time
from pytorch_lightning import Callback
from oasis.data import FileSamples

class Deadly(Callback):
    """Kills the process that reads the second sample."""

    def setup(self, trainer, pl_module, stage):
        main, read = os.getpid(), FileSamples.__getitem__

        def deadly(self, index):
            if index == 1 and os.getpid() != main:
                time.sleep(1)  # until the forks are over
                os.kill(os.getpid(), signal.SIGKILL)
            return read(self, index)

        FileSamples.__getitem__ = deadly
'''


@pytest.fixture
def module(tiny, ids):
    def make(**settings):
        ours = {"height": 32, "width": 64, "batch_size": 2, "num_workers": 1, "use_cache": False, **settings}
        return LabelMapDataModule(Cityscapes(tiny.root), Semantic(ids), ids, **ours)

    return make


@pytest.fixture(autouse=True)
def no_process_stays():
    yield
    gc.collect()
    for child in multiprocessing.active_children():
        child.kill()
        child.join()


@pytest.fixture
def at_second(monkeypatch):
    """Does something in the process that reads the second sample."""

    def arrange(act):
        read = FileSamples.__getitem__

        def acting(self, index):
            if index == 1:
                act()
            return read(self, index)

        monkeypatch.setattr(FileSamples, "__getitem__", acting)

    return arrange


def test_a_killed_worker(module, at_second):
    at_second(lambda: os.kill(os.getpid(), signal.SIGKILL))
    wanted = r"A process that reads data died \(DataLoader worker \(pid.*memory.*data\.num_workers=0"
    with pytest.raises(DatasetError, match=wanted):
        list(module().val_dataloader())


def test_a_hanging_worker(module, at_second):
    at_second(lambda: time.sleep(4))
    start = time.monotonic()
    with pytest.raises(DatasetError, match=r"within data\.worker_timeout seconds.*file system"):
        list(module(worker_timeout=1).val_dataloader())
    assert time.monotonic() - start < 4


def test_a_death_that_no_signal_tells_of(module, at_second, monkeypatch):
    """As in the second training of a process, where Lightning took torch's handler away."""
    monkeypatch.setattr("oasis.data.loading._LOOK", 0.5)
    before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        at_second(lambda: os.kill(os.getpid(), signal.SIGKILL))
        start = time.monotonic()
        with pytest.raises(DatasetError, match="A process that reads data died"):
            list(module().val_dataloader())
        assert time.monotonic() - start < 30  # not the 300 of the timeout
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_slow_batches_come_whole_and_in_order(module, at_second, monkeypatch):
    """Torch's timeout passes several times while one is waited for."""
    monkeypatch.setattr("oasis.data.loading._LOOK", 0.1)
    at_second(lambda: time.sleep(1))
    slow = [name for batch in module(worker_timeout=60).val_dataloader() for name in batch["name"]]
    assert slow == [f"town_{number}_000019" for number in ("000100", "000101", "000102")]


def test_a_bus_error_means_shared_memory(module, at_second):
    at_second(lambda: os.kill(os.getpid(), signal.SIGBUS))
    with pytest.raises(DatasetError, match=r"Shared memory is too small.*--shm-size"):
        list(module().val_dataloader())


def test_what_goes_wrong_within_a_worker_is_no_death():
    text = "Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback ...\nRuntimeError: a bug"
    assert worker_failure(RuntimeError(text)) is None


def test_a_death_that_torch_tells_of_elsewhere(module):
    """Its signal handler raises wherever the training process is, in the middle of a step too."""
    error = RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. ")
    module().on_exception(error)
    assert isinstance(error.__cause__, DatasetError)
    assert "data.num_workers=0" in message(error)
    for other in (RuntimeError("CUDA error"), ValueError("DataLoader worker (pid 7)"), DatasetError("timed out")):
        assert worker_failure(other) is None


def test_a_run_ends_with_it(tiny_overrides, tmp_path):
    """In a process of its own: torch's handler raises wherever the main thread is. Where that is the release of the
    logging module's lock, which follows each fork, it stays locked for all other threads, and a later test hangs.
    """
    (tmp_path / "deadly.py").write_text(DEADLY)
    settings = ("data.num_workers=1", "data.use_cache=false", "+callbacks.deadly._target_=deadly.Deadly")
    code, said = starter(tmp_path)(*tiny_overrides, "trainer.max_epochs=3", *settings)
    assert code == 1, said
    assert "A process that reads data died" in said
    assert "data.num_workers=0" in said
    assert "Traceback" not in said


def test_timeouts_that_are_none(module):
    for seconds in (-1, float("inf"), float("nan")):
        with pytest.raises(ConfigurationError, match=r"data\.worker_timeout="):
            module(worker_timeout=seconds)
    assert module(worker_timeout=0).val_dataloader().timeout == 0
    assert module(num_workers=0).val_dataloader().timeout == 0


@pytest.mark.filterwarnings("ignore:Bad sample")
def test_a_run_that_skips_lists_what_it_skipped(fit, tiny, tmp_path):
    for split, number in (("train", 3), ("val", 101)):
        path = tiny.photo(split, f"town_{number:06d}_000019")
        path.write_bytes(path.read_bytes()[:-40])
    folder = tmp_path / "listed"
    skip = ("data.on_bad_sample=skip", "data.max_bad_share=0.5", f"++trainer.default_root_dir={folder}")
    run = fit("run", "trainer.max_epochs=2", "data.use_cache=false", *skip)
    assert (run / "checkpoints" / "last.ckpt").is_file()
    lines = (folder / "bad_samples.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["val", "town_000101_000019"],
        ["train", "town_000003_000019"],
    ]


def test_lightning_may_make_the_loader_anew(module, tiny):
    """As for `trainer.overfit_batches`; bad samples are still reported."""
    path = tiny.photo("train", "town_000000_000019")
    path.write_bytes(path.read_bytes()[:-40])
    data = module(num_workers=0, on_bad_sample="skip", max_bad_share=0.5)
    data.trainer = Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    loader = data.train_dataloader()
    again = type(loader)(loader.dataset, batch_size=7, collate_fn=loader.collate_fn)
    with pytest.warns(UserWarning, match="Bad sample town_000000"):
        (batch,) = again
    assert len(batch["name"]) == 7
