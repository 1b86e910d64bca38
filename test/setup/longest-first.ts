import { statSync } from 'node:fs';
import TestSequencer from '@jest/test-sequencer';

type Suites = Parameters<TestSequencer['sort']>[0];

/** The bytes of tests that take as long as the servers and workers of an integration suite. */
const SERVERS = 6_000;

/**
 * The order of suites where jest knows no times of an earlier run, as on a fresh clone. It then goes by the size of
 * files alone, and ends with files of a few lines that run long scenarios: one of them keeps the others waiting.
 */
export default class LongestFirst extends TestSequencer {
  override async sort(suites: Suites): Promise<Suites> {
    const usual = await super.sort(suites);
    if (usual.some(({ duration }) => duration !== undefined)) return usual;
    const sizes = new Map(usual.map(({ path }) => [path, sizeOf(path)]));
    return [...usual].sort((a, b) => (sizes.get(b.path) ?? 0) - (sizes.get(a.path) ?? 0));
  }
}

function sizeOf(path: string): number {
  return statSync(path).size + (path.endsWith('.integration.test.js') ? SERVERS : 0);
}
