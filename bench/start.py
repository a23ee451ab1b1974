"""From a committed request to the POST of its Pod: manage-action on a real PostgreSQL and an API double, beside JupyterHub's KubeSpawner and the least that could do it.

python3 bench/start.py BUILD_FOLDER [ROUNDS]   PostgreSQL and worker on CPU 0, the double (which answers a POST after 5 ms) and whoever asks on CPU 1.
From the commit (the UPDATE is answered) to the POST's arrival: 200 requests one at a time, and 1,000 that one UPDATE makes.
"""
import json
import os
import statistics
import subprocess
import sys

from measure import kubeconfig, pinned
from postgres import Postgres, cpu_seconds

build = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
IDLE, BURST = 200, 1000
root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
peers = f"{root}/.cache/bench/kubespawner"
if not os.path.exists(f"{peers}/bin/python"):
    subprocess.run([sys.executable, "-m", "venv", peers], check=True)
    subprocess.run([f"{peers}/bin/pip", "install", "-q", "jupyterhub-kubespawner==7.1.0", "asyncpg"], check=True)


def worker(who, p, port):
    if who == "libpq floor":
        return [f"{build}/bench/bench_start_floor", p.conninfo, port], None
    if who == "KubeSpawner":
        return [f"{peers}/bin/python", f"{root}/bench/programs/kubespawner_peer.py", p.conninfo], {**os.environ, "KUBECONFIG": kubeconfig(port)}
    return [f"{build}/apps/atrium", "manage-action", "--database", p.conninfo, "--kubeconfig", kubeconfig(port), "--log-level", "warn"], None


def measure(who):
    with Postgres(0, "fsync=on") as p:
        stage = pinned(1, [f"{build}/bench/bench_start", p.conninfo, IDLE, BURST], stdout=subprocess.PIPE, text=True)
        port = int(stage.stdout.readline())
        command, env = worker(who, p, port)
        w = pinned(0, command, stdout=subprocess.DEVNULL, stderr=None if who == "atrium" else subprocess.DEVNULL, env=env)
        lines = []
        for line in stage.stdout:
            lines.append({**json.loads(line), "worker_cpu": cpu_seconds(w.pid)})
        if stage.wait():
            sys.exit("bench_start failed")
        w.terminate()
        w.wait()
        return lines


def spread(values):
    return f"{statistics.median(values):8.2f} [{min(values):.2f}-{max(values):.2f}]"


results = {}
for _ in range(rounds):
    for who in ("atrium", "KubeSpawner", "libpq floor"):
        results.setdefault(who, []).append(measure(who))
for who, runs in results.items():
    idle = [r for run in runs for r in run if r["phase"] == "idle"]
    bursts = [r for run in runs for r in run if r["phase"] == "burst"]
    print(f"{who}: idle, ms from the commit: p50 {spread([r['posted']['p50'] for r in idle])}, p99 {spread([r['posted']['p99'] for r in idle])}"
          f" (goals 5, 20); the UPDATE itself took p50 {spread([r['asking']['p50'] for r in idle])}, p99 {spread([r['asking']['p99'] for r in idle])}")
    print(f"{who}: {BURST} at once, ms from the commit: half out {spread([r['posted']['p50'] for r in bursts])}, all out {spread([r['posted']['max'] for r in bursts])}"
          f" (goal 2000), written down {spread([r['finished'] for r in bursts])}, refused {max(r['refused'] for r in bursts)}")
    cpu = []
    for run in runs:
        for before, after in zip(run, run[1:]):
            if after["phase"] == "burst":
                cpu.append((after["worker_cpu"] - before["worker_cpu"]) * 1e3 / BURST)
    print(f"  {spread(cpu)} ms of the worker's CPU a start")
