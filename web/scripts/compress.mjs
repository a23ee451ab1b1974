// Writes a .br and a .gz beside every file of a build folder that gets smaller by it, and reports the size of the first load.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const folder = process.argv[2] ?? 'dist';
const kinds = new Set(['.html', '.js', '.css', '.svg', '.json', '.txt']);
const brotliSize = new Map();

function* files(path) {
  for (const name of readdirSync(path)) {
    const full = join(path, name);
    if (statSync(full).isDirectory()) yield* files(full);
    else yield full;
  }
}

for (const path of [...files(folder)]) {
  if (!kinds.has(extname(path))) continue;
  const bytes = readFileSync(path);
  const brotli = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  const gzip = gzipSync(bytes, { level: 9 });
  if (brotli.length < bytes.length) writeFileSync(`${path}.br`, brotli);
  if (gzip.length < bytes.length) writeFileSync(`${path}.gz`, gzip);
  brotliSize.set(basename(path), brotli.length);
}

// What index.html names is what a first visit loads before anything can be seen.
const html = readFileSync(join(folder, 'index.html'), 'utf8');
let total = brotliSize.get('index.html') ?? 0;
for (const [, name] of html.matchAll(/(?:src|href)="[^"]*?([^"/]+\.(?:js|css))"/g)) total += brotliSize.get(name) ?? 0;
const limit = 60 * 1024;
console.log(`first load: ${(total / 1024).toFixed(1)} KiB brotli (limit ${limit / 1024} KiB)`);
if (total > limit) {
  console.error('The first load is over its limit: load what is not needed at once lazily.');
  process.exit(1);
}
