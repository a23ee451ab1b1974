"""Prepared selects by primary key on one connection: our pipeline beside a bare libpq loop and pgbench.

python3 bench/pg.py BUILD_FOLDER [ROUNDS]   a PostgreSQL of its own on CPU 0; clients on CPU 1. CPU is the client's.
"""
import json
import os
import re
import subprocess
import sys

from measure import Table, pinned
from postgres import Postgres, programs

build = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 8
database = Postgres(0)
folder, conninfo = database.folder, database.conninfo
subprocess.run([f"{programs}/pgbench", "-i", "-q", "-h", folder, "-U", "bench", "postgres"], check=True, stderr=subprocess.DEVNULL)
with open(f"{folder}/pipelined.sql", "w") as f:
    f.write("\\startpipeline\n" + "\\set aid random(1, 100000)\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n" * 64 + "\\endpipeline\n")


def client(who):
    p = pinned(1, [f"{build}/bench/bench_pg_client", who, conninfo, "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(p.communicate(timeout=30)[0])


def pgbench(script, statements):
    before = os.times()
    p = pinned(1, [f"{programs}/pgbench", "-n", "-M", "prepared", "-T", "1", "-h", folder, "-U", "bench", *script, "postgres"],
               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    out = p.communicate(timeout=30)[0].decode()
    after = os.times()
    done = int(re.search(r"actually processed: (\d+)", out)[1]) * statements
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"per_second": done, "cpu_us": cpu * 1e6 / done, "p50_us": 0, "load_busy": 0}


batch, single = Table("64 pipelined prepared selects, each", "us of client CPU"), Table("one prepared select a round trip", "us of client CPU")
for _ in range(rounds):
    batch.add("atrium", client("ours"))
    batch.add("libpq loop", client("libpq"))
    batch.add("pgbench, one sync a batch", pgbench(["-f", f"{folder}/pipelined.sql"], 64))
    single.add("atrium", client("ours_single"))
    single.add("libpq loop", client("libpq_single"))
    single.add("pgbench", pgbench(["-S"], 1))
batch.show("libpq loop")
single.show("libpq loop")
print("goal: at least 60,000 pipelined selects a second on one connection")
database.stop()
