// Compiles, then runs tests of one kind:  node tools/run-tests.mjs unit|integration|image|quick [PATH…] [options of jest]
// Called by `npm run test:unit` and its like, with the paths as they are in the source tree (test/sandbox/run/retry-plan.test.ts).
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const jest = ['--experimental-vm-modules', '--no-warnings', path.join('node_modules', 'jest', 'bin', 'jest.js')];
const integration = /\.integration\.test\.js$/;

const [kind, ...rest] = process.argv.slice(2);
const firstOption = rest.findIndex((argument) => argument.startsWith('-'));
const paths = firstOption < 0 ? rest : rest.slice(0, firstOption);
const options = firstOption < 0 ? [] : rest.slice(firstOption);

// As a build: it checks the times of files, and returns within a second if none has changed.
run(['node_modules/typescript/bin/tsc', '--build', 'tsconfig.json']);
if (!existsSync(path.join(root, 'dist', 'expressions'))) run(['expressions/build.mjs']);
if (kind === 'integration' || kind === 'image') run(['dist/workers/build-workflow-bundles.js']);
const files = paths.flatMap(testsAt);
// A list option of jest takes every path that follows it for one more of its values, so paths come first.
const hasOwnConfig = kind === 'quick' || kind === 'image';
const project = hasOwnConfig ? [`--config=jest.${kind}.config.js`] : [`--selectProjects=${kind}`];
run([...jest, ...files.map(toPattern), ...project, ...options]);

/** @returns compiled test files of this kind: one file, or all in a folder */
function testsAt(given) {
  const compiled = path.join('dist', path.relative(root, path.resolve(given)).replace(/^dist[/\\]/, ''));
  const file = compiled.replace(/(\.test)?(\.ts|\.js)?$/, '.test.js');
  const found = existsSync(path.join(root, file)) ? [file] : testsIn(compiled);
  const wanted = found.filter((each) => integration.test(each) === (kind === 'integration'));
  if (wanted.length > 0) return wanted;
  const other = kind === 'integration' ? 'unit' : 'integration';
  fail(
    found.length > 0
      ? `${given} holds ${other} tests only: npm run test:${other} -- ${given}`
      : `there is no test at ${given}: expected a test file or folder below test/`,
  );
}

function testsIn(folder) {
  const at = path.join(root, folder);
  if (!existsSync(at)) return [];
  return readdirSync(at, { recursive: true })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => path.join(folder, name));
}

function toPattern(file) {
  return `/${file.replaceAll('\\', '/').replaceAll('.', '\\.')}$`;
}

function run(args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
