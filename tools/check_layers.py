#!/usr/bin/env python3
"""Include rules of the rooms (docs/architecture.md): who may include whom, and where foreign headers may appear.

Exit 1 and one line a violation. Tested by `tools/check_layers.py --self-test`.
"""
import pathlib
import re
import subprocess
import sys

ALLOWED = {  # room -> rooms whose headers it may include
    "runtime/base": {"base"},
    "runtime/rt": {"base", "rt"},
    "runtime/asio": {"base", "rt", "asio"},
    "runtime/sim": {"base", "rt", "sim"},
    "net": {"base", "rt", "net"},
    "pg": {"base", "rt", "pg"},
    "k8s": {"base", "rt", "net", "k8s"},
    "apps/domain": {"base", "apps/domain"},
    "apps/store": {"base", "rt", "pg", "apps/domain", "apps/store"},
    "apps/operations": {"base", "rt", "net", "pg", "apps/domain", "apps/store", "apps/operations"},
    "apps/service": {"base", "rt", "net", "apps/service"},
}
SERVICE_EXTRA = {"base", "rt", "net", "pg", "k8s", "apps/domain", "apps/store", "apps/operations", "apps/service"}
FOREIGN = [  # pattern -> rooms in whose src/ it may appear
    (re.compile(r"^(liburing|linux/io_uring)"), {"runtime/rt"}),
    (re.compile(r"^libpq-fe\.h|^postgresql/"), {"pg"}),
    (re.compile(r"^openssl/"), {"net", "runtime/asio", "k8s", "apps/domain"}),
    (re.compile(r"^boost/(asio|beast)"), {"runtime/asio"}),
    (re.compile(r"^yaml-cpp/"), {"runtime/base", "k8s"}),
    (re.compile(r"^argon2\.h"), {"apps/domain"}),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


def room_of(path):
    parts = path.split("/")
    if parts[0] in ("runtime", "apps"):
        return "/".join(parts[:2]) if len(parts) > 2 else parts[0]
    return parts[0]


def target_of(include):
    parts = include.split("/")
    if parts[0] == "atrium" and len(parts) > 2:
        return parts[1]
    if parts[0] == "apps" and len(parts) > 2:
        return "/".join(parts[:2])
    return None


def violations(path, text):
    room = room_of(path)
    if room not in ALLOWED and not room.startswith("apps/"):
        return
    allowed = ALLOWED.get(room, SERVICE_EXTRA | {room})
    public = "/include/" in path or (room.startswith("apps/") and path.endswith(".hpp"))
    for include in INCLUDE.findall(text):
        target = target_of(include)
        if target and target not in allowed:
            yield f"{path}: {room} may not include {include}"
        for pattern, rooms in FOREIGN:
            if pattern.search(include):
                if room not in rooms:
                    yield f"{path}: {include} may appear only in {', '.join(sorted(rooms))}"
                elif public and room != "runtime/asio":
                    yield f"{path}: {include} may not appear in a public header"


def self_test():
    bad = {
        "net/src/x.cpp": '#include "atrium/pg/pool.hpp"',
        "apps/hub-next/x.cpp": '#include "apps/hub-proxy/y.hpp"',
        "apps/domain/x.cpp": '#include "atrium/rt/task.hpp"',
        "pg/include/atrium/pg/x.hpp": "#include <libpq-fe.h>",
        "net/src/y.cpp": "#include <boost/beast/http.hpp>",
    }
    good = {
        "net/src/x.cpp": "#include <openssl/ssl.h>",
        "apps/hub-next/x.cpp": '#include "apps/store/projects.hpp"',
        "k8s/src/x.cpp": '#include "atrium/net/client.hpp"',
    }
    for path, text in bad.items():
        assert list(violations(path, text)), path
    for path, text in good.items():
        assert not list(violations(path, text)), path


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        sys.exit(0)
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.cpp", "*.hpp"],
                           capture_output=True, text=True, check=True).stdout.split()
    found = [v for f in files for v in violations(f, pathlib.Path(f).read_text())]
    print("\n".join(found) if found else f"layers: {len(files)} files, no violation")
    sys.exit(1 if found else 0)
