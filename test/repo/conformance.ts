/**
 * What Argo Events documents or does, and what proves that Sluice does it too: the source of docs/conformance.md.
 *
 * A proof is a test (file and name), a manifest of the corpus, a row of docs/differences-from-argo-events.md, or an
 * honest "not supported" or "untested". conformance.test.ts fails when a proof no longer exists.
 */
import { BUS_SECTIONS } from './conformance-bus';
import { SENSOR_SECTIONS } from './conformance-sensor';
import { TRIGGER_SECTIONS } from './conformance-triggers';

export type Proof =
  /** `name`: title of the test, of its table's row, or of its scenario. */
  | { readonly kind: 'test'; readonly file: string; readonly name: string }
  /** A file below test/manifest/corpus. */
  | { readonly kind: 'corpus'; readonly file: string }
  /** The first column of a row in docs/differences-from-argo-events.md. */
  | { readonly kind: 'difference'; readonly topic: string }
  | { readonly kind: 'unsupported'; readonly why: string }
  | { readonly kind: 'untested'; readonly why: string };

export type Row = readonly [behaviour: string, ...proofs: Proof[]];

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

export const SECTIONS: readonly Section[] = [...SENSOR_SECTIONS, ...TRIGGER_SECTIONS, ...BUS_SECTIONS];
