// Compiles the Go libraries that manifests are written for to dist/expressions/expressions.wasm.
//
// The result is kept outside the checkout under a name made from the sources, so a second clone, or a machine without
// Go that has been given the cache, needs no build.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const oldestGo = [1, 25];
const sourceFolder = dirname(fileURLToPath(import.meta.url));
const target = join(sourceFolder, '..', 'dist', 'expressions', 'expressions.wasm');
const buildFlags = ['-trimpath', '-ldflags=-s -w', '-buildmode=c-shared'];

const cached = join(cacheFolder(), `expressions-${hashOfSources()}`, 'expressions.wasm');
if (!existsSync(cached)) build();
mkdirSync(dirname(target), { recursive: true });
replaceAtomically(target, (temporary) => copyFileSync(cached, temporary));

function cacheFolder() {
  return process.env['SLUICE_CACHE_DIR'] ?? join(homedir(), '.cache', 'sluice');
}

function hashOfSources() {
  const hash = createHash('sha256').update(buildFlags.join(' '));
  const names = readdirSync(sourceFolder).filter((name) => /\.go$|^go\.(mod|sum)$/.test(name));
  for (const name of names.sort()) hash.update(`\0${name}\0`).update(readFileSync(join(sourceFolder, name)));
  return hash.digest('hex').slice(0, 16);
}

function build() {
  requireGo();
  console.error('Building expressions.wasm from Go (once, about half a minute) …');
  mkdirSync(dirname(cached), { recursive: true });
  replaceAtomically(cached, (temporary) => {
    const { status } = spawnSync('go', ['build', ...buildFlags, '-o', temporary, '.'], {
      cwd: sourceFolder,
      env: { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) fail('`go build` failed; its messages are above. It needs to reach GOPROXY on the first build.');
  });
}

function requireGo() {
  const { stdout, status } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  const version = /go(\d+)\.(\d+)/.exec(stdout ?? '');
  const [major, minor] = version ? [Number(version[1]), Number(version[2])] : [0, 0];
  if (status === 0 && (major > oldestGo[0] || (major === oldestGo[0] && minor >= oldestGo[1]))) return;
  const found = status === 0 ? `found ${stdout.trim()}` : 'found none';
  fail(
    `expressions.wasm needs Go ${oldestGo.join('.')} or newer to build (${found}).\n` +
      `Install Go from https://go.dev/dl/, or copy ${cached} from a machine that has built it.`,
  );
}

/** Two builds may run at once: each writes a file of its own, the last rename wins, and nobody reads half a file. */
function replaceAtomically(path, write) {
  const temporary = `${path}.${process.pid}`;
  write(temporary);
  renameSync(temporary, path);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
