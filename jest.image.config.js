'use strict';

// `npm run test:image`: builds the image and starts it. It takes minutes and needs root, so `npm test` leaves it out.
const { testTimeout } = require('./jest.config.js');
module.exports = {
  testEnvironment: 'node',
  transform: {},
  roots: ['<rootDir>/dist/test/image'],
  testMatch: ['**/*.image.js'],
  globalSetup: '<rootDir>/dist/test/setup/start-servers.js',
  globalTeardown: '<rootDir>/dist/test/setup/stop-servers.js',
  testTimeout,
};
