/** Names on JetStream: the stream and subjects of Argo Events, and our consumers beside theirs. */
import { shortHash } from '../event/short-id';

/** The one stream of a bus, under the name that Argo Events gives it. */
export const EVENT_STREAM = 'default';
export const EVENT_SUBJECTS = `${EVENT_STREAM}.*.*`;

export const DECISION_STREAM = 'sluice-decisions';
const DECISION_PREFIX = 'sluice.decisions';
export const DECISION_SUBJECTS = `${DECISION_PREFIX}.>`;

export const HELD_STREAM = 'sluice-held';
const HELD_PREFIX = 'sluice.held';
export const HELD_SUBJECTS = `${HELD_PREFIX}.>`;

/** `default.<event source>.<event name>`, the same as in Argo Events wherever that subject is legal there. */
export function eventSubject(source: string, eventName: string): string {
  return `${EVENT_STREAM}.${subjectToken(source)}.${subjectToken(eventName)}`;
}

/** `sluice.decisions.<namespace>.<sensor or event source>.<decision>`; undefined parts match anything. */
export function decisionSubject(namespace?: string, owner?: string, decision?: string): string {
  return [
    DECISION_PREFIX,
    ...[namespace, owner, decision].map((part) => (part === undefined ? '*' : subjectToken(part))),
  ].join('.');
}

/** `sluice.held.<namespace>.<sensor>.<name of the content>.<part>`; undefined parts match anything. */
export function heldSubject(namespace: string, sensorName: string, name?: string, part?: number): string {
  return [HELD_PREFIX, subjectToken(namespace), subjectToken(sensorName), name ?? '*', part ?? '*'].join('.');
}

/** The durable consumer of a sensor: one for all its dependencies, so that its position is one number. */
export function consumerName(namespace: string, sensorName: string): string {
  const readable = `sluice-${namespace}-${sensorName}`;
  const legal = readable.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 100);
  return legal === readable ? readable : `${legal}-${shortHash(`${namespace}/${sensorName}`, 8)}`;
}

/** Dots, wildcards and blanks would split or break a subject: they are written as in a URL (`a.b` → `a%2Eb`). */
function subjectToken(name: string): string {
  return name.replace(/[^A-Za-z0-9_$@:+=~-]/g, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
