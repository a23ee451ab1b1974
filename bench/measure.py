"""Servers on CPU 0, load on CPU 1, rounds interleaved: what the benchmarks share.

The figure is CPU time of the server per operation (schedstat of all its threads): steadier than rates on a shared machine.
The first round of each warms up and is thrown away. Ratios are those of the medians of one interleaved run.

Whatever was started and every folder made here is gone when a benchmark ends, by SIGTERM and SIGINT too.
"""
import atexit
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

running, folders = [], []


@atexit.register
def end_all():
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    for p in reversed(running):  # who uses a server goes before it
        if p.poll() is None:
            p.terminate()
            try:
                p.wait(30)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


for asked in (signal.SIGTERM, signal.SIGINT):
    signal.signal(asked, lambda number, _: sys.exit(128 + number))


def started(command, **more):
    p = subprocess.Popen([*map(str, command)], **more)
    running.append(p)
    return p


def pinned(cpu, command, **more):
    return started(["taskset", "-c", cpu if os.cpu_count() > 1 else 0, *command], **more)


def temporary_folder():
    folders.append(tempfile.mkdtemp(prefix="atrium-bench-"))
    return folders[-1]


def started_up(program, state, port):
    """An `atrium up` that is ready."""
    up = started([program, "up", "--state", state, "--listen", f"127.0.0.1:{port}", "--web", "web/dist"],
                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if not up.stdout.readline().startswith("ready "):
        folders.clear()  # its logs are of use
        sys.exit(f"up did not become ready: see {state}/logs")
    return up


def kubeconfig(port):
    """A file that leads to an API double."""
    f = tempfile.NamedTemporaryFile("w", suffix=".kubeconfig", delete=False)
    f.write(json.dumps({"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                        "users": [{"name": "u", "user": {"token": "t"}}]}))
    f.close()
    atexit.register(os.unlink, f.name)
    return f.name


class Server:
    """A server that prints its port. `counted`: it counts its allocations (programs/counter.hpp)."""

    def __init__(self, name, command, cpu=0, counted=False, port=None, env=None):
        self.name, self.counter = name, ""
        env = {**os.environ, **(env or {})}
        if counted:
            self.counter = tempfile.mkstemp(prefix="atrium-bench-")[1]
            atexit.register(os.unlink, self.counter)
            env["ATRIUM_BENCH_COUNTER"] = self.counter
        self.process = pinned(cpu, command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
        self.pid = self.process.pid
        self.port = port or int(self.process.stdout.readline())

    def private_kb(self):
        kb = 0
        with open(f"/proc/{self.pid}/smaps_rollup") as f:
            for line in f:
                if line.startswith(("Private_Clean", "Private_Dirty")):
                    kb += int(line.split()[1])
        return kb

    def stop(self):
        self.process.kill()
        self.process.wait()


def load(build, kind, server, **options):
    command = [f"{build}/bench/bench_load", kind, server.port, f"pid={server.pid}"]
    if server.counter:
        command.append(f"counter={server.counter}")
    command += [f"{k}={v}" for k, values in options.items() for v in (values if isinstance(values, list) else [values])]
    p = pinned(1, command, stdout=subprocess.PIPE)
    out = p.communicate(timeout=60)[0]
    running.remove(p)
    if p.returncode:
        sys.exit(f"load on {server.name} failed")
    return json.loads(out)


class Table:
    """Samples of several contenders, round by round; the last named peer is what ours are compared with."""

    def __init__(self, title, unit="us CPU"):
        self.title, self.unit, self.samples = title, unit, {}

    def add(self, name, sample):
        self.samples.setdefault(name, []).append(sample)

    def show(self, peer, field="cpu_us", goals=None, drop=1):
        print(f"{self.title} ({self.unit}; median [min-max] of {min(map(len, self.samples.values())) - drop} rounds)")
        medians = {n: statistics.median(x[field] for x in s[drop:]) for n, s in self.samples.items()}
        for name, all_samples in self.samples.items():
            values = [x[field] for x in all_samples[drop:]]
            line = f"  {name:28} {medians[name]:9.3f} [{min(values):.3f}-{max(values):.3f}]"
            if name != peer:
                line += f"  {medians[name] / medians[peer]:.2f} of {peer}"
                if goals and name in goals:
                    line += f" (goal {goals[name]:.2f})"
            if "per_second" in all_samples[0]:
                line += "  {:,.0f}/s".format(statistics.median(x["per_second"] for x in all_samples[drop:]))
                line += "  p50 {:.0f} us".format(statistics.median(x["p50_us"] for x in all_samples[drop:]))
                line += "  load {:.0%}".format(statistics.median(x["load_busy"] for x in all_samples[drop:]))
            if any(x.get("allocations") for x in all_samples):
                line += "  {:.3f} allocations".format(statistics.median(x["allocations"] for x in all_samples[drop:]))
            print(line)
        sys.stdout.flush()
