"""What 50,000 pods cost manage-state: memory and CPU of the first list, and of 100 changes of pods a second.

python3 bench/watch.py BUILD_FOLDER [PODS]   PostgreSQL (with as many running projects) and manage-state on CPU 0, an API double on CPU 1.
"""
import re
import subprocess
import sys
import time
import urllib.request

from measure import kubeconfig, pinned
from postgres import Postgres, cpu_seconds, programs

build = sys.argv[1]
pods = int(sys.argv[2]) if len(sys.argv) > 2 else 50000


def memory_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        kb = sum(int(line.split()[1]) for line in f if line.startswith(("Private_Clean", "Private_Dirty")))
    with open(f"/proc/{pid}/status") as f:
        peak = int(re.search(r"VmHWM:\s+(\d+)", f.read())[1])
    return kb / 1024, peak / 1024


with Postgres(0) as p:
    def psql(sql):
        return subprocess.run([f"{programs}/psql", "-XAtq", p.conninfo, "-c", sql], check=True, capture_output=True, text=True).stdout

    subprocess.run([f"{build}/apps/atrium", "migrate", "--database", p.conninfo], check=True, stdout=subprocess.DEVNULL)
    ids = psql("""INSERT INTO projects (project_id, title, users, state, created, last_edited, secret_token) SELECT gen_random_uuid(), 'Bench',
      '{}', '{"state": "running", "time": "2026-01-01T00:00:00.000Z"}', now(), now(), 'x' FROM generate_series(1, %d) RETURNING project_id""" % pods)
    api = pinned(1, [f"{build}/bench/bench_watch_api", 100], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    api.stdin.write(ids)
    api.stdin.close()
    port, size = map(int, api.stdout.readline().split())
    address = f"{p.folder}/state.sock"
    began = time.monotonic()
    w = pinned(0, [f"{build}/apps/atrium", "manage-state", "--database", p.conninfo, "--kubeconfig", kubeconfig(port), "--log-level", "warn",
                   "--listen", f"unix:{address}", "--usage-interval", "1h"])
    ready = ["curl", "-sf", "--unix-socket", address, "http://x/ready"]
    while subprocess.run(ready, stdout=subprocess.DEVNULL).returncode:
        if w.poll() is not None:
            sys.exit("manage-state ended")
        time.sleep(0.02)
    listed, list_cpu = time.monotonic() - began, cpu_seconds(w.pid)
    time.sleep(20)
    before = cpu_seconds(w.pid)
    time.sleep(20)
    private, peak = memory_mb(w.pid)
    print(f"{pods} pods of {size} bytes: {private:.1f} MB private, {peak:.1f} MB at most (goal 100); first list {listed:.1f} s, {list_cpu:.2f} s of CPU; "
          f"100 changes/s: {(cpu_seconds(w.pid) - before) * 1e6 / 2000:.0f} us of CPU a change")
    for process in (w, api):
        process.terminate()
        process.wait()
