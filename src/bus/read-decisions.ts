/** Reads the journal of decisions: all that fits, or the newest, without reading what is older. */
import type { JetStreamManager } from '@nats-io/jetstream';
import { isDecisionRecord, type DecisionRecord } from '../event/decision-record';
import { isShortEventId, shortEventId } from '../event/short-id';
import type { DecisionFilter, OnRead } from './bus';
import type { BusConnection } from './connection';
import { readStored, textFinder } from './read-back';
import { findStream } from './stream';
import { DECISION_STREAM, decisionSubject } from './subjects';

/** Messages that are looked at first for the newest decisions; then twice as many, and so on. */
const FIRST_STEP_BACK = 200;

/** What fits the filter, oldest first; nothing where no decision was ever kept. */
export async function* readDecisions(
  connection: BusConnection,
  manager: JetStreamManager,
  filter: DecisionFilter,
  onRead?: OnRead,
): AsyncGenerator<DecisionRecord> {
  if (!(await findStream(manager, DECISION_STREAM))) return;
  const { namespace, owner, decision, since, newest } = filter;
  const subjects = [decisionSubject(namespace, owner, decision)];
  const pick = picker(filter);
  if (newest === undefined) {
    const range = { subjects, ...(since !== undefined && { fromTime: since }) };
    for await (const { data } of readStored(connection, manager, DECISION_STREAM, range, onRead)) yield* pick(data);
    return;
  }
  const { state } = await manager.streams.info(DECISION_STREAM);
  const notBefore = since === undefined ? 0 : Date.parse(since);
  let found: DecisionRecord[] = [];
  let before = 0;
  let toSequence = state.last_seq;
  for (let step = FIRST_STEP_BACK; toSequence >= state.first_seq && found.length < newest; step *= 2) {
    const fromSequence = Math.max(state.first_seq, toSequence - step + 1);
    const portion: DecisionRecord[] = [];
    let isOldEnough = false;
    const range = { subjects, fromSequence, toSequence };
    let read = 0;
    const count = (messages: number): void => {
      read = messages;
      onRead?.(before + read);
    };
    for await (const { data, publishedAt } of readStored(connection, manager, DECISION_STREAM, range, count)) {
      if (publishedAt < notBefore) isOldEnough = true;
      else portion.push(...pick(data));
    }
    before += read;
    found = [...portion, ...found];
    if (isOldEnough) break;
    toSequence = fromSequence - 1;
  }
  yield* found.slice(-newest);
}

/** The records of one message that fit. */
function picker({ event, containing, ownerKind }: DecisionFilter): (data: Uint8Array) => DecisionRecord[] {
  const text = containing ?? (event !== undefined && !isShortEventId(event) ? event : undefined);
  const contains = text === undefined ? () => true : textFinder(text);
  return (data) =>
    contains(data) ? parseRecords(data).filter((record) => isAbout(record, event) && isBy(record, ownerKind)) : [];
}

function isAbout(record: DecisionRecord, event: string | undefined): boolean {
  if (event === undefined) return true;
  return record.eventKey === event || record.eventId === event || shortEventId(record.eventKey) === event;
}

function isBy({ sensor }: DecisionRecord, ownerKind: DecisionFilter['ownerKind']): boolean {
  return ownerKind === undefined || (sensor !== undefined) === (ownerKind === 'sensor');
}

/** One message that is not ours, or of a later version, must not hide all others. */
function parseRecords(data: Uint8Array): DecisionRecord[] {
  try {
    const records: unknown = JSON.parse(new TextDecoder().decode(data));
    return Array.isArray(records) ? records.filter(isDecisionRecord) : [];
  } catch {
    return [];
  }
}
