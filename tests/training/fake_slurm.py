"""As much of SLURM as one job array of one task each needs, on this machine: `sbatch`, `sacct`, `scontrol`.

Called by whichever of these names it is linked to. Beside it lie `script` (what was submitted), `ID.state`, and `asked`
(what `scontrol` was asked). `node` runs what was submitted until there is a file `closed`; the first start of job 0 is
told that its time is up as soon as it has a checkpoint in `FAKE_SLURM_RUNS`.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
ARRAY = "17"


def sbatch(script):
    text = Path(script).read_text()
    first, last = re.search(r"--array=(\d+)-(\d+)", text).groups()
    for task in range(int(first), int(last) + 1):
        (HERE / f"{ARRAY}_{task}.state").write_text("PENDING")
    (HERE / "environment").write_text(json.dumps(dict(os.environ)))
    (HERE / "part").write_text(text)
    (HERE / "part").rename(HERE / "script")
    print(f"Submitted batch job {ARRAY}")


def node():
    """The machine that the jobs run on."""
    while not (HERE / "script").exists():
        if (HERE / "closed").exists():
            return
        time.sleep(0.02)
    environment = json.loads((HERE / "environment").read_text())
    line = next(line for line in (HERE / "script").read_text().splitlines() if line.startswith("srun"))
    tasks = [path.stem.partition("_")[2] for path in HERE.glob(f"{ARRAY}_*.state")]
    jobs = [threading.Thread(target=run, args=(task, line, environment)) for task in tasks]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()


def run(task, line, environment):
    """One job, run as often as it is queued."""
    job = f"{ARRAY}_{task}"
    words = shlex.split(line)
    log = words[words.index("--output") + 1].replace("%A_%a", job).replace("%t", "0")
    command = words[words.index("-u") - 1 :]
    while not list(Path(log).parent.glob("*_submitted.pkl")):  # submitit writes it once `sbatch` has returned
        time.sleep(0.02)
    own = {"JOB_ID": str(100 + int(task)), "ARRAY_JOB_ID": ARRAY, "ARRAY_TASK_ID": task, "JOB_NAME": "train"}
    alone = {"NTASKS": "1", "NTASKS_PER_NODE": "1", "NNODES": "1", "PROCID": "0", "LOCALID": "0", "NODEID": "0"}
    variables = {f"SLURM_{name}": value for name, value in (own | alone).items()}
    restart = 0
    while restart < 3:
        (HERE / f"{job}.state").write_text("RUNNING")
        with open(log, "a") as output:
            process = subprocess.Popen(
                command,
                env=environment | variables | {"SUBMITIT_EXECUTOR": "slurm"},
                stdout=output,
                stderr=output,
            )
            if task == "0" and restart == 0:
                warn(process, environment["FAKE_SLURM_RUNS"])
            process.wait()
        if not (HERE / f"{job}.requeue").exists():
            break
        (HERE / f"{job}.requeue").unlink()
        restart += 1
    (HERE / f"{job}.state").write_text("COMPLETED" if process.returncode == 0 else "FAILED")


def warn(process, runs):
    while process.poll() is None:
        if any(Path(runs).glob("**/seed-0/checkpoints/last.ckpt")):
            process.send_signal(signal.SIGUSR1)
            return
        time.sleep(0.02)


def sacct(*arguments):
    print("JobID|State|NodeList")
    for path in sorted(HERE.glob("*.state")):
        print(f"{path.stem}|{path.read_text()}|here")


def scontrol(verb, job):
    with (HERE / "asked").open("a") as file:
        file.write(f"{verb} {job}\n")
    (HERE / f"{job}.requeue").touch()


if __name__ == "__main__":
    tools = {"sbatch": sbatch, "sacct": sacct, "scontrol": scontrol}
    if sys.argv[1:] == ["node"]:
        node()
    else:
        tools[Path(sys.argv[0]).name](*sys.argv[1:])
