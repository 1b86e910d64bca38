// Builds the site of the documentation into dist/docs-site and follows every link in it: `npm run docs:site`. With
// DOCS_BASE other than /, the links lead to that place; build-versions.mjs checks them when the site lies there.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';
import { checkLinks } from './check-links.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..', '..');
const site = join(root, 'dist', 'docs-site');
const program = (name) => join(here, 'node_modules', '.bin', name);

if (!existsSync(program('vitepress'))) run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], here);
rmSync(site, { recursive: true, force: true });
run(program('vitepress'), ['build', here], here);
// Without a remote there is nothing to link sources to, and typedoc ends with an error.
const hasOrigin = spawnSync('git', ['remote', 'get-url', 'origin'], { cwd: root }).status === 0;
run('npx', ['typedoc', '--out', join(site, 'api'), ...(hasOrigin ? [] : ['--disableSources'])], root);
if ((process.env['DOCS_BASE'] ?? '/') === '/') checkLinks(site);

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status === 0) return;
  process.stderr.write(`${[command, ...args].join(' ')}: ${error?.message ?? `ended with exit code ${status}`}\n`);
  process.exit(status ?? 1);
}
