"""GET with keep-alive and WebSocket messages through hub-proxy, with its access check, beside nginx without one.

python3 bench/proxy.py BUILD_FOLDER [ROUNDS [WORD]]   WORD: only cases with it in their title. The backend is ours, on the load's
CPU; one nginx worker, default and 256k buffers.
`hub-proxy` is the real service: a real PostgreSQL, a session cookie, a project whose "pod" is the backend.
`net::forward` is the same proxying without the check; its heap allocations are counted.
"""
import hashlib
import os
import statistics
import subprocess
import sys
import time
import socket

from measure import Server, Table, load, temporary_folder
from postgres import Postgres

build = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 8
wanted = sys.argv[3] if len(sys.argv) > 3 else ""
net_server = f"{build}/bench/bench_net_server"
POD = "127.61.7.1"  # hub-proxy asks port 6001 of the address that the database names
PROJECT, ACCOUNT, TOKEN = "0f7b2a5e-1c1f-4c83-9d5c-7a6f3c1be001", "0f7b2a5e-1c1f-4c83-9d5c-7a6f3c1be002", "a" * 43
folder = temporary_folder()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def nginx(name, more):
    port, home = free_port(), f"{folder}/{name.split()[-1]}"
    os.makedirs(home)
    with open(f"{home}/conf", "w") as f:
        f.write(f"""daemon off; master_process off; pid {home}/pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; {' '.join(f'{t}_temp_path {home}/{t};' for t in
      ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))}
  upstream to {{ server {POD}:6001; keepalive 256; keepalive_requests 100000000; }}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  server {{ listen 127.0.0.1:{port}; tcp_nodelay on; location / {{ proxy_pass http://to; proxy_http_version 1.1; {more}
    proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; }} }} }}""")
    return Server(name, ["nginx", "-p", home, "-c", f"{home}/conf"], port=port)


def hub_proxy(name, database, backend):
    port = free_port()
    return Server(name, [f"{build}/apps/atrium", "hub-proxy", "--listen", f"127.0.0.1:{port}", "--database", database,
                         "--log-level", "error"], port=port, env={"ATRIUM_RUNTIME_BACKEND": backend})


backend = Server("backend", [net_server, "backend", f"{POD}:6001"], cpu=1)
database = Postgres(1, "wal_level=logical", "timezone=UTC")
subprocess.run([f"{build}/apps/atrium", "migrate", "--database", database.conninfo], check=True, stderr=subprocess.DEVNULL)
database.execute(f"""
INSERT INTO accounts (account_id, email_address, first_name, last_name, created)
  VALUES ('{ACCOUNT}', 'ann@example.org', 'Ann', 'Bench', timezone('UTC', now()));
INSERT INTO remember_me (hash, account_id, expire)
  VALUES ('{hashlib.sha256(TOKEN.encode()).hexdigest()}', '{ACCOUNT}', timezone('UTC', now()) + interval '1 day');
INSERT INTO projects (project_id, title, users, state, secret_token, created, last_edited)
  VALUES ('{PROJECT}', 'Bench', '{{"{ACCOUNT}": {{"group": "owner"}}}}', '{{"state": "running", "ip": "{POD}"}}', 'secret',
          timezone('UTC', now()), timezone('UTC', now()));""")
servers = [hub_proxy("hub-proxy io_uring", database.conninfo, "io_uring"), hub_proxy("hub-proxy epoll", database.conninfo, "epoll"),
           Server("net::forward io_uring", [net_server, "proxy", f"{POD}:6001"], counted=True),
           Server("net::forward epoll", [net_server, "proxy", f"{POD}:6001"], counted=True, env={"ATRIUM_RUNTIME_BACKEND": "epoll"}),
           nginx("nginx default", ""),
           nginx("nginx 256k", "proxy_buffer_size 256k; proxy_buffers 8 256k; proxy_busy_buffers_size 512k;")]
ours = [s.name for s in servers[:4]]
time.sleep(1)
cases = [
    (Table("proxied GET keep-alive, 64 connections, 1 KiB"), "http", dict(path="/server/80/", connections=64), 1.10),
    (Table("proxied WebSocket echo 64 x 20 B"), "websocket", dict(path="/ws", connections=64, bytes=20), 1.10),
    (Table("proxied WebSocket echo 8 x 64 KiB"), "websocket", dict(path="/ws", connections=8, bytes=65536), 1.00),
    (Table("proxied WebSocket echo 4 x 1 MiB"), "websocket", dict(path="/ws", connections=4, bytes=1 << 20), 1.00),
]
cases = [c for c in cases if wanted in c[0].title]


def asked_of(server, options):
    """Everybody gets the same head but for the first part of the path."""
    path = f"/{PROJECT}{options['path']}" if server.name.startswith("hub-proxy") else options["path"]
    return {**options, "path": path, "field": [f"Cookie: theme=dark; atrium_session={TOKEN}", "Origin: http://127.0.0.1"]}


for _ in range(rounds):
    for table, kind, options, _goal in cases:
        for s in servers:
            table.add(s.name, load(build, kind, s, **asked_of(s, options)))
for table, _kind, _options, goal in cases:
    best = min(("nginx default", "nginx 256k"), key=lambda n: statistics.median(x["cpu_us"] for x in table.samples[n][1:]))
    table.show(best, goals={n: goal for n in ours})
for s in servers + [backend]:
    s.stop()
database.stop()
