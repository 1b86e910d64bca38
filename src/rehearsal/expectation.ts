/** The file of `--expect`: the user's expected results of the events, compared with the actual ones. */
import { z } from 'zod';
import { SluiceError } from '../errors/sluice-error';
import { isJsonObject, type JsonValue } from '../event/json';
import { toWorkingCopy } from '../yaml/exact-numbers';
import { partialMismatches, type Mismatch } from './partial-match';
import { parseValues } from './read-events';
import { allFires, type Rehearsal, type RehearsedEvent, type RehearsedFire, type RehearsedRequest } from './rehearsal';

/** An event's id, or its position among the events: 1 is the first. */
const eventReference = z.union([z.string().min(1), z.int().min(1)]);

const expectedRequest = z.strictObject({
  trigger: z.string(),
  /** The Kubernetes object; fields that are not listed may be anything. */
  object: z.json().optional(),
  /** The whole request, `sends` of `-o json`; fields that are not listed may be anything. */
  sends: z.json().optional(),
  /** Code of the error that prevents building it. */
  problem: z.string().optional(),
});

const expectedFire = expectedRequest.extend({
  /** The event that made it fire. */
  event: eventReference.optional(),
  /** The request of its `dlqTrigger`. */
  deadLetter: expectedRequest.optional(),
});

const expectedDecision = z.strictObject({
  event: eventReference,
  dependency: z.string(),
  outcome: z.enum(['matched', 'filtered', 'failed']),
  clause: z.string().optional(),
  /** A substring of the reason. */
  reason: z.string().optional(),
});

const expectationSchema = z.strictObject({
  /** All fires: an unlisted one is a mismatch, too. */
  fires: z.array(expectedFire).optional(),
  decisions: z.array(expectedDecision).optional(),
  waiting: z.array(z.strictObject({ trigger: z.string(), for: z.array(z.string()) })).optional(),
  parked: z.array(z.strictObject({ trigger: z.string(), reason: z.string().optional() })).optional(),
});
export type Expectation = z.infer<typeof expectationSchema>;

/** Throws MANIFEST_INVALID, MANIFEST_UNREADABLE. */
export function parseExpectation(content: string, file: string): Expectation {
  const [value, ...others] = parseValues(content, file);
  if (others.length > 0) {
    throw new SluiceError('MANIFEST_INVALID', {
      message: `${file} holds ${others.length + 1} documents, expected one`,
    });
  }
  const parsed = expectationSchema.safeParse(toWorkingCopy(value ?? null));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the document'}: ${message}`);
  throw new SluiceError('MANIFEST_INVALID', {
    message: `${file} is not an expectation: ${problems.join('; ')}`,
    fix: 'docs/testing-sensors.md lists the fields',
  });
}

export function findMismatches(expectation: Expectation, rehearsal: Rehearsal): Mismatch[] {
  return [
    ...(expectation.fires === undefined ? [] : compareFires(expectation.fires, rehearsal)),
    ...(expectation.decisions ?? []).flatMap((decision, index) =>
      compareDecision(decision, `decisions[${index}]`, rehearsal),
    ),
    ...(expectation.waiting ?? []).flatMap((waiting, index) => {
      const standing = rehearsal.triggers.find(({ trigger }) => trigger === waiting.trigger);
      const found = [...(standing?.waitingFor ?? [])].sort();
      return partialMismatches([...waiting.for].sort(), found, `waiting[${index}].for`);
    }),
    ...(expectation.parked === undefined ? [] : compareParked(expectation.parked, rehearsal)),
  ];
}

type ExpectedFire = z.infer<typeof expectedFire>;
type ExpectedRequest = z.infer<typeof expectedRequest>;

/** Matches each expected fire to the first unused one that fits fully, or to the first one of its trigger. */
function compareFires(expected: readonly ExpectedFire[], rehearsal: Rehearsal): Mismatch[] {
  const left = new Set(allFires(rehearsal));
  const open: Array<{ fire: ExpectedFire; path: string }> = [];
  expected.forEach((fire, index) => {
    const path = `fires[${index}]`;
    const fit = [...left].find((actual) => compareFire(fire, actual, path, rehearsal).length === 0);
    if (fit === undefined) open.push({ fire, path });
    else left.delete(fit);
  });
  const mismatches = open.flatMap(({ fire, path }) => {
    const nearest = [...left].find(({ trigger }) => trigger === fire.trigger);
    if (nearest === undefined) return [{ path, expected: `${fire.trigger} fires` }];
    left.delete(nearest);
    return compareFire(fire, nearest, path, rehearsal);
  });
  return [
    ...mismatches,
    ...[...left].map((fire) => ({ path: 'fires', found: `${fire.trigger} fires with ${describeEvents(fire)}` })),
  ];
}

function compareFire(expected: ExpectedFire, actual: RehearsedFire, path: string, rehearsal: Rehearsal): Mismatch[] {
  const mismatches = compareRequest(expected, actual, path);
  if (expected.trigger !== actual.trigger) return mismatches;
  if (expected.deadLetter !== undefined) {
    mismatches.push(...compareDeadLetter(expected.deadLetter, actual.deadLetter, `${path}.deadLetter`));
  }
  if (expected.event !== undefined && findEvent(expected.event, rehearsal)?.fires.includes(actual) !== true) {
    mismatches.push({ path: `${path}.event`, expected: expected.event, found: describeEvents(actual) });
  }
  return mismatches;
}

function compareDeadLetter(expected: ExpectedRequest, actual: RehearsedRequest | undefined, path: string): Mismatch[] {
  return actual === undefined ? [{ path, expected: expected.trigger }] : compareRequest(expected, actual, path);
}

function compareRequest(expected: ExpectedRequest, actual: RehearsedRequest, path: string): Mismatch[] {
  if (expected.trigger !== actual.trigger) {
    return [{ path: `${path}.trigger`, expected: expected.trigger, found: actual.trigger }];
  }
  const sends = actual.outcome === 'sends' ? actual.sends : undefined;
  const object = isJsonObject(sends) ? sends.object : undefined;
  const mismatches: Mismatch[] = [];
  const compare = (wanted: JsonValue | undefined, found: JsonValue | undefined, field: string): void => {
    if (wanted !== undefined) mismatches.push(...partialMismatches(wanted, found, `${path}.${field}`));
  };
  compare(expected.object, object, 'object');
  compare(expected.sends, sends, 'sends');
  const problem = actual.outcome === 'fails' ? actual.problem.code : undefined;
  if (expected.problem !== problem) {
    mismatches.push({
      path: `${path}.problem`,
      ...(expected.problem !== undefined && { expected: expected.problem }),
      ...(actual.outcome === 'fails' && { found: `${actual.problem.code}: ${actual.problem.message}` }),
    });
  }
  return mismatches;
}

function compareDecision(expected: z.infer<typeof expectedDecision>, path: string, rehearsal: Rehearsal): Mismatch[] {
  const event = findEvent(expected.event, rehearsal);
  if (event === undefined) return [{ path: `${path}.event`, expected: expected.event }];
  const actual = event.dependencies.find(({ dependency }) => dependency === expected.dependency);
  if (actual === undefined) {
    const asked = event.dependencies.map(({ dependency }) => dependency).join(', ');
    return [{ path: `${path}.dependency`, expected: expected.dependency, found: asked || 'no dependency' }];
  }
  const { outcome, clause, reason = '' } = actual;
  const mismatches: Mismatch[] = [];
  if (outcome !== expected.outcome) {
    const found = reason === '' ? outcome : `${outcome} (${clause ?? ''}: ${reason})`;
    mismatches.push({ path: `${path}.outcome`, expected: expected.outcome, found });
  }
  if (expected.clause !== undefined && expected.clause !== clause) {
    mismatches.push({
      path: `${path}.clause`,
      expected: expected.clause,
      ...(clause !== undefined && { found: clause }),
    });
  }
  if (expected.reason !== undefined && !reason.includes(expected.reason)) {
    mismatches.push({ path: `${path}.reason`, expected: expected.reason, found: reason });
  }
  return mismatches;
}

function compareParked(expected: NonNullable<Expectation['parked']>, rehearsal: Rehearsal): Mismatch[] {
  const parked = [...rehearsal.events, rehearsal.afterwards].flatMap((each) => each.parked);
  const found = parked.map(({ trigger, reason }) => ({ trigger, reason }));
  if (expected.length !== found.length) return [{ path: 'parked', expected: [...expected], found }];
  return expected.flatMap(({ trigger, reason }, index) => {
    const actual = found[index];
    const fits = actual?.trigger === trigger && actual.reason.includes(reason ?? '');
    return fits ? [] : [{ path: `parked[${index}]`, expected: { trigger, reason }, found: actual }];
  });
}

function findEvent(reference: string | number, { events }: Rehearsal): RehearsedEvent | undefined {
  return typeof reference === 'number' ? events[reference - 1] : events.find(({ id }) => id === reference);
}

function describeEvents({ events }: RehearsedFire): string {
  return Object.entries(events)
    .map(([dependency, keys]) => `${dependency} (${keys.join(', ')})`)
    .join(', ');
}
