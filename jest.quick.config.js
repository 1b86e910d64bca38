'use strict';

// The suites for the inner loop, in less than 20 s on two idle cores: they start no server program, so what they import
// never reaches the launcher in dev/, and each takes less than about one second of one core. `npm test` runs them too,
// with all others.
const { existsSync, readFileSync, readdirSync } = require('node:fs');
const path = require('node:path');

const tests = path.join(__dirname, 'dist', 'test');
const launcher = path.join(__dirname, 'dist', 'dev', 'processes');
/** These start no program, but run thousands of cases, compile, bundle, start processes, or wait for what they provoke. */
const SLOW = [
  'activities/outcomes/outcome-namespaces',
  'activities/outcomes/outcome-notifier',
  'activities/outcomes/outcome-report',
  'cli/migrate',
  'cli/run-cli',
  'cli/test',
  'cli/validate',
  'control/calls-until-close',
  'controller/argo-cd-health',
  'event/depth-through-stages',
  'expressions/cpu-clock',
  'expressions/fast-paths',
  'expressions/wasm-engine',
  'kubernetes/argo/hostile-nodes',
  'kubernetes/watch',
  'manifest/messages.property',
  'payloads/payload-keys',
  'plugin/event-loop-watch',
  'plugin/one-sdk',
  'plugin/process-guard',
  'repo/conformance',
  'repo/docs-blocks',
  'repo/import-rules',
  'repo/public-types',
  'repo/rooms',
  'sandbox/sensor/dependency-state.property',
  'sandbox/sensor/held-contents',
  'sandbox/sensor/recent-events',
  'stac/quirks',
  'triggers/custom',
  'triggers/email',
  'triggers/http',
  'triggers/kept-numbers',
  'triggers/resource-sources/git',
  'triggers/resource-sources/resource-sources',
  'validation/corpus',
  'validation/expression-mistakes',
  'validation/json-schema',
  'validation/load-manifests',
  'workers/taken-port',
  'workers/workflow-bundle',
  'workflows/bundle',
  'yaml/yaml-documents',
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
