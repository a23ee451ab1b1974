"""WebSocket on our server beside Bun (uWebSockets) and ws on Node.js: echo, fan-out to 1,000, memory of idle sessions.

python3 bench/websocket.py BUILD_FOLDER [ROUNDS]   peers come from npm into .cache/bench
"""
import os
import shutil
import socket
import subprocess
import sys
import time

from measure import Server, Table, load

build = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 8
root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
cache = f"{root}/.cache/bench"
if not os.path.exists(f"{cache}/node_modules/ws") or not os.path.exists(f"{cache}/node_modules/.bin/bun"):
    subprocess.run(["npm", "install", "--prefix", cache, "--no-audit", "--no-fund", "--silent", "bun@1.4", "ws@8"], check=True)
shutil.copy(f"{root}/bench/programs/ws_server.mjs", f"{cache}/ws_server.mjs")  # where it finds its package
bun = os.path.realpath(f"{cache}/node_modules/.bin/bun")
net_server = [f"{build}/bench/bench_net_server", "websocket"]


def start(which):
    return {
        "atrium io_uring": lambda n: Server(n, net_server, counted=True),
        "atrium epoll": lambda n: Server(n, net_server, counted=True, env={"ATRIUM_RUNTIME_BACKEND": "epoll"}),
        "bun": lambda n: Server(n, [bun, f"{root}/bench/programs/bun_server.js"]),
        "ws, node": lambda n: Server(n, ["node", f"{cache}/ws_server.mjs"]),
    }[which](which)


names = ["atrium io_uring", "atrium epoll", "bun", "ws, node"]
servers = [start(n) for n in names]
cases = [
    (Table("websocket echo 64 x 20 B, a message"), "websocket", dict(path="/echo", connections=64, bytes=20)),
    (Table("websocket echo 512 x 20 B, a message"), "websocket", dict(path="/echo", connections=512, bytes=20)),
    (Table("websocket echo 64 x 20 B, 16 in flight, a message"), "websocket", dict(path="/echo", connections=64, bytes=20, depth=16)),
    (Table("websocket fan-out 1,000 x 128 B, a delivery"), "fanout", dict(path="/fanout", connections=1000, bytes=128)),
]
for _ in range(rounds):
    for table, kind, options in cases:
        for s in servers:
            table.add(s.name, load(build, kind, s, **options))
for table, *_ in cases:
    table.show("bun", goals={"atrium io_uring": 1.0, "atrium epoll": 1.0})
for s in servers:
    s.stop()


def upgraded(port):
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(b"GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    assert b"101" in s.recv(4096)
    return s


COUNT = 5000
print(f"idle session, private memory (KB; fresh process, 200 sessions first, then {COUNT:,})")
for name in names:
    server = start(name)
    held = [upgraded(server.port) for _ in range(200)]
    time.sleep(0.5)
    before = server.private_kb()
    held += [upgraded(server.port) for _ in range(COUNT)]
    time.sleep(1)
    print(f"  {name:28} {(server.private_kb() - before) / COUNT:.2f}" + (" (goal 3)" if name.startswith("atrium") else ""))
    for s in held:
        s.close()
    server.stop()
