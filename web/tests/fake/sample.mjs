// People, projects and files to look at in screenshots.
const hour = 3_600_000;
const iso = (ago) => new Date(Date.now() - ago).toISOString();

export const python = `"""Fit a line through noisy points and say how good it is."""
from dataclasses import dataclass

import numpy as np


@dataclass
class Fit:
    slope: float
    offset: float
    error: float


def fit_line(x: np.ndarray, y: np.ndarray) -> Fit:
    # Least squares; the error is the standard deviation of what is left.
    design = np.column_stack([x, np.ones_like(x)])
    (slope, offset), *_ = np.linalg.lstsq(design, y, rcond=None)
    error = float(np.std(y - (slope * x + offset)))
    return Fit(float(slope), float(offset), error)


if __name__ == "__main__":
    rng = np.random.default_rng(42)
    x = np.linspace(0, 10, 200)
    y = 2.5 * x - 1.0 + rng.normal(0, 0.7, x.size)
    fit = fit_line(x, y)
    print(f"slope {fit.slope:.3f}, offset {fit.offset:.3f}, error {fit.error:.3f}")
`;
const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200"><rect width="320" height="200" fill="#fff"/><path d="M30 170H300M30 170V20" stroke="#334" fill="none"/><path d="M34 160L80 130 120 140 170 90 220 80 290 30" stroke="#4a4fd0" stroke-width="3" fill="none"/></svg>`;

export function sampleTree() {
  const tree = new Map();
  const add = (path, text, ago = hour) =>
    tree.set(path, {
      type: text === null ? 'directory' : 'file',
      ...(text === null ? {} : { bytes: Buffer.from(text) }),
      mtime: Date.now() - ago,
    });
  add('data', null, 26 * hour);
  add('data/points.csv', 'x,y\n1,2\n2,4\n', 30 * hour);
  add('figures', null, 3 * hour);
  add('figures/fit.svg', drawing, 2 * hour);
  add('src', null, hour);
  add('src/fit.py', python, hour / 6);
  add('src/io.py', 'def read(path):\n    return open(path).read()\n');
  add('notes', null, 200 * hour);
  add('README.md', '# Line fits\n\nFits lines through **noisy** points.\n\n```sh\npython src/fit.py\n```\n', 5 * hour);
  add('fit.svg', drawing, 2 * hour);
  add('results.csv', 'run,slope,offset,error\n'.padEnd(48_211, '1,2.5,-1.0,0.7\n'), 2 * hour);
  add('measurements.tar.gz', 'x'.repeat(1_840_221), 50 * hour);
  add('paper.tex', '\\documentclass{article}\n\\begin{document}\nHello.\n\\end{document}\n', 90 * hour);
  add('run.sh', '#!/bin/sh\nset -eu\npython3 src/fit.py\n', 4 * hour);
  add('.bashrc', "alias ll='ls -l'\n", 900 * hour);
  return tree;
}

export function fill(atrium) {
  const ada = atrium.account('ada@example.org', 'Ada', 'Marek');
  const ben = atrium.account('ben@example.org', 'Ben', 'Okafor');
  const chiara = atrium.account('chiara@example.org', 'Chiara', 'Lindqvist');
  const users = (...list) =>
    Object.fromEntries([
      [ada.account_id, { group: 'owner' }],
      ...list.map((one) => [one.account_id, { group: 'collaborator' }]),
    ]);
  const running = { state: { state: 'running', time: iso(hour) }, status: { start: timesOf(hour, 310) } };
  const main = atrium.project(ada, 'Line fits', {
    ...running,
    description: 'Noisy points and the lines through them',
    users: users(ben, chiara),
    last_edited: iso(4 * 60_000),
  });
  atrium.project(ada, 'Thesis', {
    description: 'Chapters, figures and the bibliography',
    users: users(),
    last_edited: iso(2 * hour),
  });
  atrium.project(ada, 'Lab 3: heat flow', {
    description: 'Group work with Ben',
    users: users(ben),
    state: { state: 'starting' },
    action_request: { action: 'start', time: iso(400), started: iso(300), finished: null },
    status: { start: { queued: iso(400), accepted: iso(350), created: iso(300) } },
    last_edited: iso(5 * hour),
  });
  atrium.project(ada, 'Protein folding runs', {
    users: users(chiara),
    state: {
      state: 'opened',
      error: 'No machine has 64 GB of memory free. Start it with less memory, or wait: we keep trying.',
    },
    action_request: {
      action: 'start',
      time: iso(hour),
      started: iso(hour),
      finished: iso(hour),
      err: 'No machine has 64 GB of memory free. Start it with less memory, or wait: we keep trying.',
    },
    status: {
      start: {
        queued: iso(hour),
        accepted: iso(hour - 40),
        created: iso(hour - 90),
        failed: iso(hour - 30_200),
        reason: 'No machine has 64 GB of memory free. Start it with less memory, or wait: we keep trying.',
      },
    },
    last_edited: iso(26 * hour),
  });
  atrium.project(ada, 'Website of the choir', {
    description: 'Static pages',
    users: users(ben),
    last_edited: iso(75 * hour),
  });
  atrium.project(ada, 'Course notes: linear algebra', { users: users(), last_edited: iso(24 * 40 * hour) });
  atrium.project(ada, 'Old experiments', { users: users(), last_edited: iso(24 * 90 * hour), deleted: true });
  return { ada, ben, chiara, main };
}

function timesOf(ago, total) {
  const phases = ['queued', 'accepted', 'created', 'scheduled', 'pulled', 'started', 'ready'];
  return Object.fromEntries(phases.map((phase, index) => [phase, iso(ago - (total * index) / 6)]));
}
