/**
 * Adds to package-lock.json the optional packages of other platforms that npm left out of it.
 *
 * npm leaves them out where the registry (a mirror, say) does not hold them; `npm ci` then refuses the lock file, here
 * and on every other machine. Run it after `npm install` where that happens: `npm run complete-lockfile`.
 * What it adds has no checksum: the next `npm install` with the full registry fills that in.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { URL } from 'node:url';

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/** Is there a package of that name where Node would look for it, from `folder` upward? */
function isLocked(packages, folder, name) {
  for (let place = folder; ; place = place.slice(0, Math.max(place.lastIndexOf('node_modules/') - 1, 0))) {
    if (`${place === '' ? '' : `${place}/`}node_modules/${name}` in packages) return true;
    if (place === '') return false;
  }
}

/** Reads the platform off a name such as `@swc/core-linux-x64-musl`. */
function readPlatform(name) {
  const words = name.split(/[-/]/);
  const platform = {
    cpu: PROCESSORS.filter((word) => words.includes(word)),
    os: SYSTEMS.filter((word) => words.includes(word)),
    libc: words.includes('musl') ? ['musl'] : words.includes('gnu') ? ['glibc'] : [],
  };
  if (platform.libc.length > 0 && !platform.os.includes('linux')) platform.libc = [];
  return Object.fromEntries(Object.entries(platform).filter(([, values]) => values.length > 0));
}

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const added = [];
for (const [folder, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(lock.packages, folder, name)) continue;
    const platform = readPlatform(name);
    if (Object.keys(platform).length === 0) throw new Error(`${name} is missing, and its name tells no platform`);
    const version = range.replace(/^[\^~=]/, '');
    const details = { ...platform, ...(entry.dev === true ? { dev: true } : {}), optional: true };
    // In npm's own order, so that its next run leaves them alone.
    lock.packages[`node_modules/${name}`] = { version, ...Object.fromEntries(Object.entries(details).sort()) };
    added.push(`${name}@${version}`);
  }
}
if (added.length > 0) {
  const sorted = Object.entries(lock.packages).sort(([left], [right]) => left.localeCompare(right, 'en'));
  lock.packages = Object.fromEntries(sorted);
  writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`);
}
process.stdout.write(`${added.length} packages of other platforms added to package-lock.json\n`);
