/** Compares the results of Sluice with those of the Go libraries. */
import { isDeepStrictEqual } from 'node:util';
import { createExpressionEngine } from '../../src/expressions';
import type { CaseKind, DifferentialCase } from './cases';
import { isSameTick } from './clock-changes';
import { startPeer, type PeerAnswer } from './peer';
import { answerOf, engineAnswerOf, type Answer } from './sluice-answers';

export interface Difference {
  readonly case: DifferentialCase;
  /** `production`: with its fast paths. `engine`: expressions.wasm alone. */
  readonly of: 'production' | 'engine';
  readonly expected: Answer;
  readonly found: Answer;
}

export interface Comparison {
  readonly cases: number;
  readonly byKind: Readonly<Record<CaseKind, number>>;
  /** Of these the engine alone was compared as well. */
  readonly engineCases: number;
  /** Cases in which both sides have a value, so that something was compared. */
  readonly withValue: number;
  readonly differences: readonly Difference[];
}

/** A batch is evaluated together, as the listener does with the events of a pull. */
const BATCH = 500;

export async function compareCases(
  cases: readonly DifferentialCase[],
  onProgress: (done: number) => void = () => undefined,
): Promise<Comparison> {
  const engine = createExpressionEngine({ timeLimitMs: 10_000 });
  const peer = await startPeer();
  const byKind = { transform: 0, filters: 0, parameters: 0, payload: 0, condition: 0, cron: 0, source: 0 };
  const differences: Difference[] = [];
  let engineCases = 0;
  let withValue = 0;
  try {
    for (let start = 0; start < cases.length; start += BATCH) {
      const batch = cases.slice(start, start + BATCH);
      const [expected, found, ofEngine] = await Promise.all([
        peer.ask(batch),
        Promise.all(batch.map((each) => answerOf(each, engine))),
        Promise.all(batch.map((each) => engineAnswerOf(each, engine))),
      ]);
      batch.forEach((each, index) => {
        byKind[each.kind]++;
        const wanted = readPeer(each, expected[index]);
        if (!('failed' in wanted)) withValue++;
        const check = (of: Difference['of'], answer: Answer | undefined) => {
          if (answer && !isSame(each, wanted, answer))
            differences.push({ case: each, of, expected: wanted, found: answer });
        };
        check('production', found[index]);
        check('engine', ofEngine[index]);
        if (ofEngine[index]) engineCases++;
      });
      onProgress(start + batch.length);
    }
  } finally {
    peer.close();
    await engine.close();
  }
  return { cases: cases.length, byKind, engineCases, withValue, differences };
}

/** Documents are passed as text. */
function readPeer(each: DifferentialCase, answer: PeerAnswer | undefined): Answer {
  if (answer === undefined) throw new Error('the peer has answered too little');
  if ('e' in answer) return { failed: answer.e };
  const { v } = answer;
  if (each.kind === 'transform' || each.kind === 'parameters') return readDocument(v);
  const isDocument = each.kind === 'payload' && typeof v === 'object' && v !== null && 'document' in v;
  return isDocument ? readDocument(v.document) : { value: v };
}

/** A document that Argo Events produces but no parser accepts, such as sjson's for odd paths, counts as a failure. */
function readDocument(text: unknown): Answer {
  try {
    JSON.parse(String(text));
    return { document: String(text) };
  } catch {
    return { failed: `not JSON: ${String(text)}` };
  }
}

function isSame(each: DifferentialCase, expected: Answer, found: Answer): boolean {
  if ('failed' in expected || 'failed' in found) return 'failed' in expected && 'failed' in found;
  if ('document' in expected) return 'document' in found && rewrite(expected.document) === rewrite(found.document);
  if (!('value' in found)) return false;
  if (each.kind === 'cron') {
    const [wanted, ticks] = [expected.value, found.value].map((value) => value as readonly string[]);
    return wanted?.every((tick, at) => isSameTick(tick, ticks?.[at] ?? '', each.timezone)) === true;
  }
  return isDeepStrictEqual(rewriteValue(expected.value), rewriteValue(found.value));
}

const STRING = /"(?:[^"\\]|\\.)*"/g;

/**
 * Returns the document with its strings escaped in one way, also in JSON inside a string, and nothing else changed:
 * digits and keys have to be the same. Which characters are escaped is a row of docs/differences-from-argo-events.md.
 */
function rewrite(document: string): string {
  return document.replace(STRING, (string) => JSON.stringify(rewriteText(JSON.parse(string) as string)));
}

function rewriteText(text: string): string {
  return text.replace(/(?:\\u[0-9a-f]{4})+/g, (escaped) => {
    const codes = escaped.split('\\u').slice(1);
    return JSON.stringify(String.fromCharCode(...codes.map((code) => Number.parseInt(code, 16)))).slice(1, -1);
  });
}

function rewriteValue(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(rewrite(JSON.stringify(value))) as unknown);
}
