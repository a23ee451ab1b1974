#!/usr/bin/env python3
"""A flood of terminal output to one reader who checks every byte: through edge and hub-proxy, through hub-proxy alone, and beside them
terminado (JupyterLab's terminals) without any proxy, and `script` (util-linux), which only copies a pty to /dev/null.

python3 bench/terminal.py BUILD_FOLDER [ROUNDS] [MB]   MB/s, CPU milliseconds per MB of each process, and how long Ctrl-C takes under `yes`
"""
import base64
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

from measure import started, started_up, temporary_folder

build = os.path.abspath(sys.argv[1])
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
megabytes = int(sys.argv[3]) if len(sys.argv) > 3 else 128
client = f"{build}/bench/bench_terminal_client"
folder = temporary_folder()
os.chmod(folder, 0o711)  # project processes of uid 2001 pass through

# Lines of 76 characters, every 20th coloured; a period of about 1 MB, so that a lost or doubled piece shows.
random.seed(7)
lines = [base64.b64encode(random.randbytes(57)) for _ in range(13_001)]
lines = [b"\x1b[32m" + line + b"\x1b[0m" if i % 20 == 19 else line for i, line in enumerate(lines)]
pattern = f"{folder}/pattern"
pathlib.Path(pattern).write_bytes(b"".join(line + b"\r\n" for line in lines))  # as the terminal's driver writes it
piece = b"".join(line + b"\n" for line in lines)
repeats = max(1, megabytes * 1_000_000 // len(piece))
big = f"{folder}/big"
with open(big, "wb") as out:
    for _ in range(repeats):
        out.write(piece)
os.chmod(big, 0o644)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu(pid):
    """Seconds of CPU of all threads so far."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int(task.joinpath("schedstat").read_text().split()[0])
    return total / 1e9


def descendants(pid):
    out = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in task.joinpath("children").read_text().split():
            out += [int(child), *descendants(int(child))]
    return out


def run_client(what, where, more=()):
    p = subprocess.run([client, what, *where, *more], stdout=subprocess.PIPE, timeout=120)
    if p.returncode:
        sys.exit("the client failed")
    return json.loads(p.stdout)


class Peer:
    def __init__(self, name, where, command, processes):
        self.name, self.where, self.command, self.processes, self.samples, self.quiet = name, where, command, processes, [], []

    def round(self):
        before = {n: cpu(p) for n, p in self.processes.items()}
        r = run_client("flood", self.where, [self.command, pattern, str(repeats)])
        mb = r["bytes"] / 1e6
        r["cpu"] = {n: (cpu(p) - before[n]) * 1e3 / mb for n, p in self.processes.items()}
        r["cpu"]["reader"] = r["client_cpu"] * 1e3 / mb
        self.samples.append(r)
        self.quiet.append(run_client("interrupt", self.where)["ms"])

    def show(self):
        rates = [s["mb_per_second"] for s in self.samples]
        each = ", ".join(f"{n} {statistics.median(s['cpu'][n] for s in self.samples):.2f}" for n in self.samples[0]["cpu"])
        line = f"  {self.name:26} {statistics.median(rates):7.1f} MB/s [{min(rates):.1f}-{max(rates):.1f}]   CPU ms/MB: {each}"
        if self.quiet:
            line += f"   Ctrl-C under yes: {statistics.median(self.quiet):.0f} ms [{min(self.quiet):.0f}-{max(self.quiet):.0f}]"
        print(line)


class Script(Peer):
    """The floor: util-linux copies the terminal to /dev/null, nobody checks."""

    def round(self):
        began, used = time.monotonic(), os.times().children_user + os.times().children_system
        subprocess.run(["script", "-qec", f"cat {big}", "/dev/null"], stdout=subprocess.DEVNULL, check=True)
        mb = os.path.getsize(big) / 1e6
        total = os.times().children_user + os.times().children_system - used
        self.samples.append({"mb_per_second": mb / (time.monotonic() - began), "cpu": {"script and cat": total * 1e3 / mb}})


port = free_port()
# Debian's Python has the package.
terminado = started(["/usr/bin/python3", "bench/programs/terminado_server.py"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
up = started_up(f"{build}/apps/atrium", f"{folder}/s", port)
cookie = ""


def api(path, body):
    global cookie
    r = urllib.request.Request(f"http://127.0.0.1:{port}/api/v2/{path}", json.dumps(body).encode(),
                               {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{port}", "Cookie": cookie})
    with urllib.request.urlopen(r, timeout=120) as answer:
        cookie = (answer.headers.get("Set-Cookie") or cookie).split(";")[0]
        return json.load(answer)


api("auth/sign-up", {"email": "bench@example.org", "password": "correct horse battery", "firstName": "B", "lastName": "M", "terms": True})
project = api("projects/create", {"title": "Terminal"})["project_id"]
api("projects/start", {"project_id": project})
shutil.copy(big, f"{folder}/s/projects/{project}/big")
os.chmod(f"{folder}/s/projects/{project}/big", 0o644)
api("exec", {"project_id": project, "command": "true"})


def pid_of(service):
    return int(pathlib.Path(f"{folder}/s/run/{service}.pid").read_text())


inside = [p for p in descendants(up.pid) if b"\0project" in pathlib.Path(f"/proc/{p}/cmdline").read_bytes()
          and b"atrium" in pathlib.Path(f"/proc/{p}/cmdline").read_bytes().split(b"\0")[0]]
server = inside[-1]
host, target = f"127.0.0.1:{port}", f"/{project}/ws"
peers = [
    Peer("edge and hub-proxy", ["atrium", f"http://{host}", host, target, cookie], "cat big",
         {"edge": pid_of("edge"), "hub-proxy": pid_of("hub-proxy"), "project": server}),
    Peer("hub-proxy", ["atrium", f"unix:{folder}/s/run/hub-proxy.sock", host, target, cookie], "cat big",
         {"hub-proxy": pid_of("hub-proxy"), "project": server}),
]
tport = terminado.stdout.readline().strip()
peers.append(Peer("terminado, no proxy", ["terminado", f"http://127.0.0.1:{tport}", f"127.0.0.1:{tport}", "/", ""], f"cat {big}",
                  {"terminado": terminado.pid}))
peers.append(Script("script, copies only", [], "", {}))
for _ in range(rounds):
    for peer in peers:
        peer.round()
print(f"terminal output, {repeats * len(piece) / 1e6:.0f} MB a round, every byte checked (median [min-max] of {rounds} rounds); goal 25 MB/s through hub-proxy")
for peer in peers:
    peer.show()
