"""Reverse proxying as hub-proxy does it (net::forward) beside nginx: GET with keep-alive, WebSocket messages small and large.

python3 bench/proxy.py BUILD_FOLDER [ROUNDS]   the backend is ours, on the load's CPU; one nginx worker, default and 256k buffers
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time
import socket

from measure import Server, Table, load

build = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 8
net_server = f"{build}/bench/bench_net_server"
backend = Server("backend", [net_server, "backend"], cpu=1)
folder = tempfile.mkdtemp(prefix="atrium-bench-nginx-")


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
  upstream to {{ server 127.0.0.1:{backend.port}; keepalive 256; keepalive_requests 100000000; }}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  server {{ listen 127.0.0.1:{port}; tcp_nodelay on; location / {{ proxy_pass http://to; proxy_http_version 1.1; {more}
    proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; }} }} }}""")
    return Server(name, ["nginx", "-p", home, "-c", f"{home}/conf"], port=port)


ours = Server("atrium io_uring", [net_server, "proxy", backend.port], counted=True)
epoll = Server("atrium epoll", [net_server, "proxy", backend.port], counted=True, env={"ATRIUM_RUNTIME_BACKEND": "epoll"})
servers = [ours, epoll, nginx("nginx default", ""), nginx("nginx 256k", "proxy_buffer_size 256k; proxy_buffers 8 256k; proxy_busy_buffers_size 512k;")]
time.sleep(1)
cases = [
    (Table("proxied GET keep-alive, 64 connections, 1 KiB"), "http", dict(path="/", connections=64), 1.10),
    (Table("proxied WebSocket echo 64 x 20 B"), "websocket", dict(path="/echo", connections=64, bytes=20), 1.10),
    (Table("proxied WebSocket echo 8 x 64 KiB"), "websocket", dict(path="/echo", connections=8, bytes=65536), 1.00),
    (Table("proxied WebSocket echo 4 x 1 MiB"), "websocket", dict(path="/echo", connections=4, bytes=1 << 20), 1.00),
]
for _ in range(rounds):
    for table, kind, options, _goal in cases:
        for s in servers:
            table.add(s.name, load(build, kind, s, **options))
for table, _kind, _options, goal in cases:
    best = min(("nginx default", "nginx 256k"), key=lambda n: statistics.median(x["cpu_us"] for x in table.samples[n][1:]))
    table.show(best, goals={"atrium io_uring": goal, "atrium epoll": goal})
for s in servers + [backend]:
    s.stop()
subprocess.run(["rm", "-rf", folder])
