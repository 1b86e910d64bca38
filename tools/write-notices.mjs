/**
 * `npm run notices`: licences of everything that ships, npm packages and the Go modules in expressions.wasm, into
 * dist/THIRD-PARTY-NOTICES.txt. Needs node_modules, and Go with the modules of expressions/ (`go mod download`).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const LICENCE_FILE = /^(licen[cs]e|copying|notice|unlicense)/i;

const notices = [...npmPackages(), ...goModules()].sort((a, b) => a.name.localeCompare(b.name));
const bare = notices.filter(({ texts, licence }) => texts.length === 0 && licence === undefined);
if (bare.length > 0) {
  process.stderr.write(`no licence found: ${bare.map(({ name }) => name).join(', ')}\n`);
  process.exit(1);
}
mkdirSync(join(root, 'dist'), { recursive: true });
const path = join(root, 'dist', 'THIRD-PARTY-NOTICES.txt');
writeFileSync(path, notices.map(format).join(`\n${'='.repeat(80)}\n\n`));
process.stdout.write(`${path}: ${notices.length} packages\n`);

function format({ name, version, licence, texts }) {
  const heading = `${name} ${version}${licence === undefined ? '' : `\nLicence: ${licence}`}\n`;
  return [heading, ...texts].join('\n');
}

/** Those of other platforms are in the lockfile and not in node_modules. */
function npmPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).flatMap(([folder, { version, license: licence, dev }]) => {
    if (folder === '' || dev === true) return [];
    const texts = readLicences(join(root, folder));
    return texts === undefined ? [] : [{ name: folder.replace(/^.*node_modules\//, ''), version, licence, texts }];
  });
}

function goModules() {
  const format =
    '{{if not .Standard}}{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}{{end}}';
  const options = {
    cwd: join(root, 'expressions'),
    encoding: 'utf8',
    env: { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' },
  };
  const lines = execFileSync('go', ['list', '-deps', '-f', format, '.'], options).split('\n');
  return [...new Set(lines.filter((line) => line !== ''))].map((line) => {
    const [name, version, folder] = line.split('\t');
    return { name, version, licence: undefined, texts: readLicences(folder) ?? [] };
  });
}

function readLicences(folder) {
  let files;
  try {
    files = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
  const named = files.filter((file) => file.isFile() && LICENCE_FILE.test(file.name));
  return named.map(({ name }) => readFileSync(join(folder, name), 'utf8'));
}
