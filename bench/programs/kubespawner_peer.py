"""The peer of `start`: JupyterHub's KubeSpawner, told of requests by the same NOTIFY: kubespawner_peer.py CONNINFO. KUBECONFIG leads to the API.

There is no hub around it: requests go straight to KubeSpawner.start(), without the hub's own limit of 100 starts at once.
"""
import asyncio
import json
import sys
from unittest.mock import Mock

import asyncpg
from jupyterhub.objects import Hub, Server
from kubespawner import KubeSpawner
from traitlets.config import Config

TAKE = """UPDATE projects SET action_request = action_request || '{"started": "now"}' WHERE action_request->>'action' = 'start'
  AND action_request->>'started' IS NULL RETURNING project_id"""
DONE = """UPDATE projects SET action_request = action_request || '{"finished": "now"}' WHERE action_request->>'started' = 'now'"""


class User(Mock):
    def __init__(self, name):
        super().__init__()
        self.name, self.server, self.url, self.id = name, Server(), f"/user/{name}", 1

    @property
    def escaped_name(self):
        return self.name


config = Config()
config.KubeSpawner.namespace = "default"
config.KubeSpawner.image = "registry/project:1"
config.KubeSpawner.pod_name_template = "{username}"
config.KubeSpawner.start_timeout = 100000
started = []


def spawn(name):
    spawner = KubeSpawner(hub=Hub(), user=User(name), config=config, api_token="token", _mock=True)
    started.append(asyncio.ensure_future(spawner.start()))


async def main():
    settings = dict(part.split("=") for part in sys.argv[1].split())
    db = await asyncpg.connect(host=settings["host"], user=settings["user"], database=settings["dbname"])
    told = asyncio.Event()
    await db.add_listener("atrium_action", lambda *_: told.set())
    while True:
        told.clear()
        rows = await db.fetch(TAKE)
        for row in rows:
            spawn(f"project-{row['project_id']}")
        if rows:
            await db.execute(DONE)
        try:
            await asyncio.wait_for(told.wait(), 1)
        except asyncio.TimeoutError:
            pass


asyncio.run(main())
