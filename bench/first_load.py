#!/usr/bin/env python3
"""Compressed bytes that a first visit to the application loads before it can be used."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
page = (root / "index.html").read_text()
names = ["index.html"] + re.findall(r'(?:src|href)="/app/([^"]+)"', page)
total = 0
for name in names:
    plain, brotli = root / name, root / (name + ".br")
    size = (brotli if brotli.exists() else plain).stat().st_size
    total += size
    print(f"  {size:7d}  {name}")
print(f"first load: {total / 1024:.1f} KB brotli, goal 60 KB")
