#!/usr/bin/env python3
"""How long from `atrium up` to the line `ready`, cold (no state) and warm, and how much memory everything takes when idle."""
import os
import pathlib
import shutil
import signal
import socket
import statistics
import sys
import time

from measure import started_up, temporary_folder

program = os.path.abspath(sys.argv[1])
ROUNDS = 5


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(state):
    began = time.monotonic()
    up = started_up(program, state, free_port())
    return up, time.monotonic() - began


def stop(up):
    up.send_signal(signal.SIGTERM)
    up.wait(60)


def family(pid):
    """pid and all its descendants."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int(entry.joinpath("stat").read_text().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
            except (OSError, IndexError):
                pass
    found, queue = [], [pid]
    while queue:
        p = queue.pop()
        found.append(p)
        queue += children.get(p, [])
    return found


def pss_mb(pids):
    total = {}
    for p in pids:
        try:
            name = pathlib.Path(f"/proc/{p}/cmdline").read_bytes().split(b"\0")
            label = name[1].decode() if name[0].endswith(b"atrium") and len(name) > 1 else os.path.basename(name[0].decode()).split(":")[0]
            for line in pathlib.Path(f"/proc/{p}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total[label] = total.get(label, 0) + int(line.split()[1]) / 1024
        except OSError:
            pass
    return total


def spread(name, values, goal):
    print(f"{name}: p50 {statistics.median(values):.2f} s (min {min(values):.2f}, max {max(values):.2f}, n={len(values)}), goal {goal}")


cold, warm, memory = [], [], {}
for i in range(ROUNDS):
    folder = temporary_folder()
    os.chmod(folder, 0o711)
    up, took = start(folder + "/s")
    cold.append(took)
    stop(up)
    up, took = start(folder + "/s")
    warm.append(took)
    if i == 0:
        time.sleep(5)
        memory = pss_mb(family(up.pid))
    stop(up)
    shutil.rmtree(folder)
spread("up to ready, cold", cold, "5 s")
spread("up to ready, warm", warm, "2 s")
print(f"memory of everything, idle: {sum(memory.values()):.0f} MB PSS, goal 250 MB (" +
      ", ".join(f"{k} {v:.0f}" for k, v in sorted(memory.items(), key=lambda x: -x[1])) + ")")
