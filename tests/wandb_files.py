"""Reads the files of the W&B logger, for its tests: W&B itself can no longer read its own files in Python."""

import json
import struct
import time
from types import SimpleNamespace

import wandb
from google.protobuf.message import DecodeError
from wandb.proto import wandb_internal_pb2

ENVIRONMENT = ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "WANDB_RUN_ID", "WANDB_IDENTITY_TOKEN_FILE",
               "WANDB_PROJECT", "WANDB_ENTITY", "WANDB_TAGS", "WANDB_RUN_GROUP", "WANDB_SWEEP_ID")  # fmt: skip


def isolate(monkeypatch, folder):
    """Logged out, with W&B's files in a folder of the test; makes W&B read its settings again."""
    wandb.teardown()
    monkeypatch.setenv("WANDB_X_STATS_SAMPLING_INTERVAL", "0.5")
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(folder / "no_netrc"))
    for name in ("DATA", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(folder / "w_and_b" / name))


def files_of(run):
    """The W&B files of a run folder, in the order in which they were begun; waits for their ends."""
    files = sorted(run.glob("wandb/offline-run-*/run-*.wandb"), key=lambda file: file.stat().st_mtime_ns)
    ends = time.monotonic() + 20  # W&B's own process may write on for a moment
    while any(contents(file).exit_code is None for file in files) and time.monotonic() < ends:
        time.sleep(0.05)
    return files


def frames(content):
    """The complete frames of a LevelDB log behind W&B's own header of 7 bytes; of a killed run the last is cut off."""
    position, parts = 7, b""
    while True:
        if (left := 32768 - position % 32768) < 7:  # a header never straddles two blocks
            position += left
        if position + 7 > len(content):
            return
        _, length, kind = struct.unpack_from("<IHB", content, position)
        data = content[position + 7 : position + 7 + length]
        if len(data) < length or not 1 <= kind <= 4:
            return
        position += 7 + length
        parts = data if kind in (1, 2) else parts + data  # 1: complete, 2: first part
        if kind in (1, 4):  # 4: last part
            yield parts


def records(file):
    """W&B's messages in a run file, as far as they were written."""
    for data in frames(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        try:
            record.ParseFromString(data)
        except DecodeError:  # still being written
            return
        yield record


def contents(file):
    """The records of a run file, by kind."""
    found = SimpleNamespace(
        rows=[], artifacts=[], metrics={}, run=None, updates=[], summary={}, stats=0, exit_code=None
    )
    for record in records(file):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found.run = record.run
        elif kind == "config":
            found.updates.append(nested(record.config.update))
        elif kind == "history":
            found.rows.append(nested(record.history.item))
        elif kind == "metric":
            found.metrics[record.metric.name] = record.metric
        elif kind == "summary":
            found.summary |= nested(record.summary.update)
        elif kind == "artifact":
            found.artifacts.append(record.artifact)
        elif kind == "stats":
            found.stats += 1
        elif kind == "exit":
            found.exit_code = record.exit.exit_code
    return found


def nested(items):
    """Names and values as they were logged; names of metrics have slashes themselves."""
    out = {}
    for item in items:
        first, *rest = list(item.nested_key) or [item.key]
        value = json.loads(item.value_json)
        if rest:
            out.setdefault(first, {})["/".join(rest)] = value
        else:
            out[first] = value
    return out


def numbers(rows):
    """W&B's rows: step -> name -> value, without pictures and W&B's own columns."""
    return {
        row["_step"]: {k: v for k, v in row.items() if type(v) in (int, float) and k[0] != "_" and k != "batches_seen"}
        for row in rows
    }
