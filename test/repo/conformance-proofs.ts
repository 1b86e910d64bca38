/** Short ways to write the proofs of the conformance table. */
import type { Proof } from './conformance';

/** `testsOf('test/matching/filters.test.ts')('compares =')` */
export const testsOf =
  (file: string) =>
  (name: string): Proof => ({ kind: 'test', file, name });
export const accepted = (file: string): Proof => ({ kind: 'corpus', file: `valid/${file}` });
export const refused = (file: string): Proof => ({ kind: 'corpus', file: `invalid/${file}` });
export const differs = (topic: string): Proof => ({ kind: 'difference', topic });
export const unsupported = (why: string): Proof => ({ kind: 'unsupported', why });
export const untested = (why: string): Proof => ({ kind: 'untested', why });
