"""A PostgreSQL of its own for a benchmark, on a Unix socket in a temporary folder."""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import time

from measure import pinned, temporary_folder

programs = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[-2]))


class Postgres:
    def __init__(self, cpu, *settings):
        self.folder = temporary_folder()
        user = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            postgres = pwd.getpwnam("postgres")
            os.chown(self.folder, postgres.pw_uid, postgres.pw_gid)
            user = dict(user=postgres.pw_uid, group=postgres.pw_gid)
        subprocess.run([f"{programs}/initdb", "-D", f"{self.folder}/data", "--no-sync", "-A", "trust", "-U", "bench"], check=True,
                       stdout=subprocess.DEVNULL, **user)
        options = [x for s in ("listen_addresses=", "fsync=off", *settings) for x in ("-c", s)]
        self.server = pinned(cpu, [f"{programs}/postgres", "-D", f"{self.folder}/data", "-k", self.folder, *options],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user)
        while subprocess.run([f"{programs}/pg_isready", "-q", "-h", self.folder]).returncode:
            time.sleep(0.1)
        self.conninfo = f"host={self.folder} user=bench dbname=postgres"

    def execute(self, sql):
        subprocess.run([f"{programs}/psql", "-q", "-v", "ON_ERROR_STOP=1", self.conninfo], input=sql, text=True, check=True)

    def cpu_seconds(self):
        """Of the server and all its sessions that live."""
        children = subprocess.run(["pgrep", "-P", str(self.server.pid)], capture_output=True, text=True).stdout.split()
        return sum(cpu_seconds(p) for p in [self.server.pid, *children])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.server.send_signal(signal.SIGINT)  # does not wait for sessions to end
        self.server.wait(10)
        shutil.rmtree(self.folder)


def cpu_seconds(pid):
    """Of all threads that live, to the nanosecond."""
    total = 0
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                total += int(f.read().split()[0])
    except OSError:
        pass
    return total / 1e9
