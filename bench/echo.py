"""TCP echo, 64 connections of 64 bytes, one request each on the way: ours on io_uring and epoll beside Asio's coroutines.

python3 bench/echo.py BUILD_FOLDER [ROUNDS]
"""
import sys

from measure import Server, Table, load

build = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 8
servers = [
    Server("atrium io_uring", [f"{build}/bench/bench_echo_server", "io_uring"], counted=True),
    Server("atrium epoll", [f"{build}/bench/bench_echo_server", "epoll"], counted=True),
    Server("asio epoll coroutines", [f"{build}/bench/bench_echo_asio"], counted=True),
]
small, large = Table("echo 64 x 64 B, a round trip"), Table("echo 256 x 1 KiB, a round trip")
for _ in range(rounds):
    for s in servers:
        small.add(s.name, load(build, "tcp", s, connections=64, bytes=64))
    for s in servers:
        large.add(s.name, load(build, "tcp", s, connections=256, bytes=1024))
goals = {"atrium io_uring": 0.95, "atrium epoll": 1.00}
small.show("asio epoll coroutines", goals=goals)
large.show("asio epoll coroutines", goals=goals)
