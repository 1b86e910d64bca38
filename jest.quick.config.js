'use strict';

// The suites for the inner loop: they start no server program, so what they import never reaches the launcher in dev/,
// and they take less than about three seconds of one core. `npm test` runs them too, with all others.
const { existsSync, readFileSync, readdirSync } = require('node:fs');
const path = require('node:path');

const tests = path.join(__dirname, 'dist', 'test');
const launcher = path.join(__dirname, 'dist', 'dev', 'processes');
/** Starts nothing, but runs thousands of cases, or waits for what it provokes. */
const SLOW = [
  'cli/test',
  'expressions/wasm-engine',
  'expressions/fast-paths',
  'kubernetes/argo/hostile-nodes',
  'yaml/yaml-documents',
  'plugin/event-loop-watch',
  'sandbox/sensor/dependency-state.property',
  'triggers/resource-sources/git',
].map((suite) => path.join(tests, `${suite}.test.js`));
const missing = SLOW.filter((file) => !existsSync(file));
if (missing.length > 0) throw new Error(`jest.quick.config.js names suites that do not exist: ${missing.join(', ')}`);

const reaches = new Map();

function importsOf(file) {
  return [...readFileSync(file, 'utf8').matchAll(/require\("(\.[^"]+)"\)/g)].flatMap(([, name]) => {
    const target = path.resolve(path.dirname(file), name);
    return [`${target}.js`, path.join(target, 'index.js')].filter((candidate) => existsSync(candidate)).slice(0, 1);
  });
}

function startsPrograms(file) {
  const known = reaches.get(file);
  if (known !== undefined) return known;
  reaches.set(file, false); // import cycles end here
  const result = file.startsWith(launcher) || importsOf(file).some(startsPrograms);
  reaches.set(file, result);
  return result;
}

const suites = readdirSync(tests, { recursive: true })
  .filter((name) => name.endsWith('.test.js') && !name.endsWith('.integration.test.js'))
  .map((name) => path.join(tests, name))
  .filter((file) => !SLOW.includes(file) && !startsPrograms(file));

const { testTimeout } = require('./jest.config.js');
module.exports = {
  testEnvironment: 'node',
  transform: {},
  roots: [tests],
  testMatch: suites,
  maxWorkers: 2,
  testTimeout,
};
