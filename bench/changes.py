"""From a commit to browsers: hub-websocket's live queries over logical replication, beside a trigger with NOTIFY and Bun's publish.

python3 bench/changes.py BUILD_FOLDER [ROUNDS]   PostgreSQL and hub on CPU 0; who writes (1,000 commits/s) and 5,000 subscribers on CPU 1.
Latency is counted from before the UPDATE is sent, so it holds the commit; deliveries: each change goes to the WATCHERS of its project.
"""
import json
import os
import statistics
import subprocess
import sys
import time

from measure import pinned
from postgres import Postgres, cpu_seconds

build = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
SUBSCRIBERS, RATE, SECONDS = 5000, 1000, 8
root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
cache = f"{root}/.cache/bench"
if not os.path.exists(f"{cache}/node_modules/pg") or not os.path.exists(f"{cache}/node_modules/.bin/bun"):
    subprocess.run(["npm", "install", "--prefix", cache, "--no-audit", "--no-fund", "--silent", "bun@1.4", "ws@8", "pg@8"], check=True)
bun = os.path.realpath(f"{cache}/node_modules/.bin/bun")


def hub(who, p):
    """The process and its port."""
    if who == "bun, NOTIFY":
        program = f"{cache}/changes_peer.mjs"  # where it finds its package
        with open(f"{root}/bench/programs/changes_peer.mjs") as f, open(program, "w") as to:
            to.write(f.read())
        h = pinned(0, [bun, program, f"postgresql://bench@localhost/postgres?host={p.folder}"], stdout=subprocess.PIPE, text=True)
        return h, int(h.stdout.readline())
    port = 20000 + os.getpid() % 20000
    h = pinned(0, [f"{build}/apps/atrium", "hub-websocket", "--database", p.conninfo, "--listen", f"127.0.0.1:{port}", "--log-level", "warn"])
    while subprocess.run(["curl", "-sf", f"http://127.0.0.1:{port}/ready"], stdout=subprocess.DEVNULL).returncode:
        if h.poll() is not None:
            sys.exit("hub-websocket ended")
        time.sleep(0.05)
    return h, port


def measure(who, watchers):
    with Postgres(0, "wal_level=logical") as p:
        load = pinned(1, [f"{build}/bench/bench_changes", p.conninfo, SUBSCRIBERS, watchers, RATE, SECONDS], stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE, text=True)
        assert load.stdout.readline() == "filled\n"
        h, port = hub(who, p)
        load.stdin.write(f"{'peer' if who.startswith('bun') else 'ours'} {port}\n")
        load.stdin.close()
        load.stdout.readline()  # the round that warms up
        assert load.stdout.readline() == "start\n"
        before = cpu_seconds(h.pid), p.cpu_seconds(), cpu_seconds(load.pid), time.monotonic()
        r = json.loads(load.stdout.readline())
        took = time.monotonic() - before[3]
        r["hub_us"] = (cpu_seconds(h.pid) - before[0]) * 1e6 / (RATE * SECONDS)
        r["server_us"] = (p.cpu_seconds() - before[1]) * 1e6 / (RATE * SECONDS)
        r["load_busy"] = (cpu_seconds(load.pid) - before[2]) / took
        h.terminate()
        h.wait()
        load.wait()
        return r


def spread(values):
    return f"{statistics.median(values):.2f} [{min(values):.2f}-{max(values):.2f}]"


names = ("atrium", "bun, NOTIFY")
for watchers in (1, 5):
    results = {}
    for _ in range(rounds):
        for who in names:
            results.setdefault(who, []).append(measure(who, watchers))
    for who, runs in results.items():
        of = lambda f: spread([f(r) for r in runs])
        print(f"{who}, {watchers} watching each project: ms from sending p50 {of(lambda r: r['from_sending']['p50'])}, p99 {of(lambda r: r['from_sending']['p99'])}"
              f" (goals 5, 20), of that the commit p50 {of(lambda r: r['commit']['p50'])}, p99 {of(lambda r: r['commit']['p99'])};"
              f" last watcher after the commit's answer p50 {of(lambda r: r['last_from_answer']['p50'])}, p99 {of(lambda r: r['last_from_answer']['p99'])}")
        print(f"  {of(lambda r: r['rate'])} changes/s, missing {max(r['missing'] for r in runs)}; CPU a change: hub {of(lambda r: r['hub_us'])} us "
              f"({of(lambda r: r['hub_us'] / watchers)} a delivery), PostgreSQL {of(lambda r: r['server_us'])} us; load busy {of(lambda r: r['load_busy'])}")
