/**
 * `npm run advisories`: known vulnerabilities in what ships. npm packages by `npm audit`, the Go modules in
 * expressions.wasm by govulncheck with the Go vulnerability database.
 *
 * Where vuln.go.dev cannot be reached, the database is made from the Go module golang.org/x/vulndb, which any module
 * proxy has. Exit code 0: none; 1: some; 3: a source could not be reached, and the other has none.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const GOVULNCHECK = 'golang.org/x/vuln/cmd/govulncheck@v1.9.0';
const DATABASE = 'golang.org/x/vulndb';
const DATABASE_URL = 'https://vuln.go.dev';

const verdicts = [checkNpm(), await checkGo()];
for (const { source, verdict, text } of verdicts) process.stdout.write(`${source}: ${verdict}\n${text}\n\n`);
if (verdicts.some(({ verdict }) => verdict === 'vulnerable')) process.exitCode = 1;
else if (verdicts.some(({ verdict }) => verdict === 'not reachable')) process.exitCode = 3;

function checkNpm() {
  const { status, stdout, stderr } = spawnSync('npm', ['audit', '--omit', 'dev', '--json'], {
    cwd: root,
    encoding: 'utf8',
  });
  const answer = parse(stdout);
  if (answer?.metadata === undefined) {
    const text = answer?.message ?? answer?.error?.summary ?? stderr.trim();
    return { source: 'npm audit', verdict: 'not reachable', text };
  }
  const text = JSON.stringify(answer.metadata.vulnerabilities);
  return { source: 'npm audit', verdict: status === 0 ? 'no advisories' : 'vulnerable', text };
}

async function checkGo() {
  const source = 'govulncheck';
  const folder = mkdtempSync(join(tmpdir(), 'sluice-advisories-'));
  try {
    const go = (args, env = {}) =>
      execFileSync('go', args, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } });
    go(['install', GOVULNCHECK], { GOBIN: folder });
    const database = (await isReachable(DATABASE_URL)) ? DATABASE_URL : `file://${databaseFromModule(go, folder)}`;
    const { status, stdout, stderr } = spawnSync(join(folder, 'govulncheck'), ['-db', database, '.'], {
      cwd: join(root, 'expressions'),
      encoding: 'utf8',
      env: { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' },
    });
    // 3: vulnerabilities that the code reaches; anything else is a failure of the check.
    if (status !== 0 && status !== 3) throw new Error(stderr);
    return { source, verdict: status === 0 ? 'no advisories' : 'vulnerable', text: `${database}\n${stdout.trim()}` };
  } catch (error) {
    return { source, verdict: 'not reachable', text: error.message };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function databaseFromModule(go, folder) {
  const { Dir, Version } = JSON.parse(go(['mod', 'download', '-json', `${DATABASE}@latest`]));
  const database = join(folder, 'database');
  go(['run', `${DATABASE}/cmd/indexdb@${Version}`, '-vulns', join(Dir, 'data', 'osv'), '-out', database]);
  return database;
}

async function isReachable(url) {
  try {
    return (await globalThis.fetch(`${url}/index/db.json`)).ok;
  } catch {
    return false;
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
