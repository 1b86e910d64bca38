import pino from 'pino';
import { createWorkerDependencies } from '../../../activities/worker/worker-dependencies';

describe('the resources of a worker', () => {
  it.each([
    ['SLUICE_BLOCKED_ADDRESSES', '10.0.0.0/33'],
    ['SLUICE_HIGHEST_PRIORITY', 'first'],
  ])('are refused at the start if %s cannot be read', (variable, text) => {
    const former = process.env[variable];
    process.env[variable] = text;
    try {
      expect(() => createWorkerDependencies({ log: pino({ level: 'silent' }) })).toThrow(`found "${text}"`);
    } finally {
      if (former === undefined) delete process.env[variable];
      else process.env[variable] = former;
    }
  });
});
