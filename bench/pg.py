"""Prepared selects by primary key on one connection: our pipeline beside a bare libpq loop and pgbench.

python3 bench/pg.py BUILD_FOLDER [ROUNDS]   a PostgreSQL of its own on CPU 0; clients on CPU 1. CPU is the client's.
"""
import glob
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time

from measure import Table, pinned

build = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 8
programs = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[-2]))
folder = tempfile.mkdtemp(prefix="atrium-bench-pg-")
user = {}
if os.getuid() == 0:  # PostgreSQL refuses to run as root
    nobody = pwd.getpwnam("postgres")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    user = dict(user=nobody.pw_uid, group=nobody.pw_gid)
subprocess.run([f"{programs}/initdb", "-D", f"{folder}/data", "--no-sync", "-A", "trust", "-U", "bench"], check=True,
               stdout=subprocess.DEVNULL, **user)
server = pinned(0, [f"{programs}/postgres", "-D", f"{folder}/data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user)
while subprocess.run([f"{programs}/pg_isready", "-q", "-h", folder]).returncode:
    time.sleep(0.1)
subprocess.run([f"{programs}/pgbench", "-i", "-q", "-h", folder, "-U", "bench", "postgres"], check=True, stderr=subprocess.DEVNULL)
with open(f"{folder}/pipelined.sql", "w") as f:
    f.write("\\startpipeline\n" + "\\set aid random(1, 100000)\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n" * 64 + "\\endpipeline\n")
conninfo = f"host={folder} user=bench dbname=postgres"


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
server.terminate()
server.wait()
shutil.rmtree(folder)
