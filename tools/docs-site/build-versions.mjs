/**
 * Builds one site of several versions into dist/docs-site: `npm run docs:versions`, or with tags: `-- v0.2.0 v0.1.0`.
 * Default: every tag of a release, the newest first. Each version lies under its number, and every page has a menu of all of
 * them; the first page leads to the newest.
 *
 * Each version is built from its tag, but with the site's tools as they are now, so the pages of old versions list the new
 * ones.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';
import { checkLinks } from './check-links.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..', '..');
const site = join(root, 'dist', 'docs-site');
/** Where the whole site will lie. */
const base = process.env['DOCS_BASE'] ?? '/';

const named = process.argv.slice(2);
const tags = named.length > 0 ? named : releases();
if (tags.length === 0) {
  process.stderr.write('There is no tag such as v0.1.0: name the tags or commits to build, or use npm run docs:site\n');
  process.exit(2);
}

install(here);
const versions = tags.map((tag) => tag.replace(/^v/, ''));
const built = join(root, 'dist', 'docs-versions');
rmSync(built, { recursive: true, force: true });
mkdirSync(built, { recursive: true });
for (const [index, tag] of tags.entries()) buildVersion(tag, versions[index]);
writeFileSync(join(built, 'index.html'), redirectTo(`${base}${versions[0]}/`));
checkTogether();
rmSync(site, { recursive: true, force: true });
cpSync(built, site, { recursive: true });
rmSync(built, { recursive: true });
process.stdout.write(`dist/docs-site: ${versions.join(', ')}\n`);

function buildVersion(tag, version) {
  const tree = mkdtempSync(join(tmpdir(), 'sluice-docs-'));
  try {
    run('git', ['worktree', 'add', '--detach', '--force', tree, tag], root);
    rmSync(join(tree, 'tools', 'docs-site'), { recursive: true, force: true });
    cpSync(here, join(tree, 'tools', 'docs-site'), { recursive: true });
    provideModules(tree);
    const env = {
      ...process.env,
      DOCS_BASE: `${base}${version}/`,
      DOCS_VERSION: version,
      DOCS_VERSIONS: versions.join(' '),
    };
    run(process.execPath, [join(tree, 'tools', 'docs-site', 'build.mjs')], tree, env);
    cpSync(join(tree, 'dist', 'docs-site'), join(built, version), { recursive: true });
  } finally {
    run('git', ['worktree', 'remove', '--force', tree], root);
  }
}

/** Links from one version to another lead somewhere only when all lie where they will lie. */
function checkTogether() {
  const place = mkdtempSync(join(tmpdir(), 'sluice-docs-'));
  try {
    mkdirSync(join(place, base), { recursive: true });
    cpSync(built, join(place, base), { recursive: true });
    if (base !== '/') writeFileSync(join(place, 'index.html'), redirectTo(base));
    checkLinks(place);
  } finally {
    rmSync(place, { recursive: true });
  }
}

/** The API reference is made from the code of the tag, with the dependencies that the tag names. */
function provideModules(tree) {
  const lock = (folder) => readFileSync(join(folder, 'package-lock.json'), 'utf8');
  const ours = join(root, 'node_modules');
  if (existsSync(ours) && lock(tree) === lock(root)) symlinkSync(ours, join(tree, 'node_modules'));
  else install(tree);
}

function install(folder) {
  if (!existsSync(join(folder, 'node_modules'))) {
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
  }
}

function releases() {
  const listed = execFileSync('git', ['tag', '--list', 'v*', '--sort=-version:refname'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed.split('\n').filter((tag) => /^v\d+\.\d+\.\d+$/.test(tag));
}

function redirectTo(address) {
  return `<!doctype html><meta charset="utf-8"><title>Sluice</title><meta http-equiv="refresh" content="0; url=${address}"><a href="${address}">Sluice</a>\n`;
}

function run(command, args, cwd, env = process.env) {
  execFileSync(command, args, { cwd, env, stdio: 'inherit' });
}
