"""Memory of hub-websocket per idle signed-in session: the service itself on a PostgreSQL of its own, beside the bare server.

python3 bench/idle_hub.py BUILD_FOLDER
"""
import hashlib
import os
import socket
import subprocess
import sys
import time

from measure import Server
from postgres import Postgres

build = sys.argv[1]
ACCOUNTS, EACH = 50, 60  # below the limit of connections an account may have


def token(i):
    return f"bench{i:038d}"  # 43 characters, as those of the hub


def connected(port, i):
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall((f"GET /hub HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
               f"Cookie: atrium_session={token(i)}\r\n\r\n").encode())
    got = b""
    while b'"event":"hello"' not in got:
        piece = s.recv(4096)
        if not piece:
            sys.exit(f"not connected: {got.decode()}")
        got += piece
    if b'"account":null' in got:
        sys.exit("not signed in")
    return s


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


database = Postgres(1, "wal_level=logical")
subprocess.run([f"{build}/apps/atrium", "migrate", "--database", database.conninfo], check=True, stderr=subprocess.DEVNULL)
database.execute("".join(
    f"INSERT INTO accounts (account_id, email_address, first_name, last_name, created) VALUES "
    f"('00000000-0000-4000-8000-{i:012d}', 'bench{i}@example.org', 'Bench', '{i}', now());\n"
    f"INSERT INTO remember_me (hash, account_id, expire) VALUES ('{hashlib.sha256(token(i).encode()).hexdigest()}', "
    f"'00000000-0000-4000-8000-{i:012d}', now() + interval '1 day');\n" for i in range(ACCOUNTS)))
print(f"idle signed-in session of hub-websocket, private memory (KB; 200 sessions first, then {ACCOUNTS * EACH - 200:,})")
for backend in ("io_uring", "epoll"):
    port = free_port()
    hub = Server(backend, [f"{build}/apps/atrium", "hub-websocket", "--listen", f"127.0.0.1:{port}", "--database", database.conninfo],
                 port=port, env={"ATRIUM_RUNTIME_BACKEND": backend})
    for _ in range(200):
        try:
            held = [connected(port, 0)]
            break
        except OSError:
            time.sleep(0.05)
    held += [connected(port, n % ACCOUNTS) for n in range(1, 200)]
    time.sleep(0.5)
    before = hub.private_kb()
    held += [connected(port, n % ACCOUNTS) for n in range(200, ACCOUNTS * EACH)]
    time.sleep(1)
    print(f"  atrium {backend:21} {(hub.private_kb() - before) / (ACCOUNTS * EACH - 200):.2f}")
    for s in held:
        s.close()
    hub.stop()
database.stop()
