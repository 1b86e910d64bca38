'use strict';

const { availableParallelism } = require('node:os');
const { env } = require('node:process');

// Suites wait for servers more than they compute. More of them at once would wait for each other.
const suitesAtOnce = env.SLUICE_TEST_WORKERS ?? Math.min(2 * availableParallelism(), 6);

// Tests run on the compiled output: what is tested is what ships, and `tsc` has checked the tests too.
const common = {
  testEnvironment: 'node',
  transform: {},
  testPathIgnorePatterns: ['/node_modules/'],
  runner: '<rootDir>/dist/test/setup/second-try-runner.js',
};

module.exports = {
  testTimeout: 120_000,
  maxWorkers: Number(suitesAtOnce),
  testSequencer: '<rootDir>/dist/test/setup/longest-first.js',
  projects: [
    // No shared server: either pure, or a test that starts a small server of its own (Redis, NATS).
    {
      ...common,
      displayName: 'unit',
      roots: ['<rootDir>/dist/test'],
      testMatch: ['**/*.test.js'],
      globalSetup: '<rootDir>/dist/test/setup/find-binaries.js',
      testPathIgnorePatterns: ['/node_modules/', '\\.integration\\.test\\.js$'],
    },
    // One Temporal dev server and one kube-apiserver for the whole run, started by dev/.
    {
      ...common,
      displayName: 'integration',
      roots: ['<rootDir>/dist/test'],
      testMatch: ['**/*.integration.test.js'],
      globalSetup: '<rootDir>/dist/test/setup/start-servers.js',
      globalTeardown: '<rootDir>/dist/test/setup/stop-servers.js',
    },
  ],
};
