/** Reads the journal of decisions: all matching records, or the newest without reading older ones. */
import type { JetStreamManager } from '@nats-io/jetstream';
import { isDecisionRecord, type DecisionRecord } from '../records/decision-record';
import { isShortEventId, shortEventId } from '../event/short-id';
import type { DecisionFilter, OnRead } from './bus';
import type { BusConnection } from './bus-connection';
import { findState, readStored, textFinder } from './read-back';
import { decisionSubject, FORMER, type StreamNames } from './bus-names';

/** Number of messages searched first for the newest decisions; doubles with each step. */
const FIRST_STEP_BACK = 200;

/** Yields matching records, oldest first; nothing if no decision was ever recorded. */
export async function* readDecisions(
  connection: BusConnection,
  manager: JetStreamManager,
  succeeds: boolean,
  filter: DecisionFilter,
  onRead?: OnRead,
): AsyncGenerator<DecisionRecord> {
  const { names, settings } = connection;
  const journal = new StoredDecisions(connection, manager, onRead);
  const { newest } = filter;
  if (newest === undefined) {
    if (succeeds) yield* journal.readAll(FORMER.decisions, { namespace: settings.namespace, ...filter });
    yield* journal.readAll(names.decisions, filter);
    return;
  }
  const found = await journal.readNewest(names.decisions, filter, newest);
  const missing = newest - found.length;
  if (succeeds && missing > 0) {
    // Records of other tenants are on that stream, too.
    yield* await journal.readNewest(FORMER.decisions, { namespace: settings.namespace, ...filter }, missing);
  }
  yield* found;
}

class StoredDecisions {
  private before = 0;

  constructor(
    private readonly connection: BusConnection,
    private readonly manager: JetStreamManager,
    private readonly onRead: OnRead | undefined,
  ) {}

  async *readAll(place: StreamNames, filter: DecisionFilter): AsyncGenerator<DecisionRecord> {
    const { since } = filter;
    const pick = picker(filter);
    const range = { subjects: subjectsOf(place, filter), ...(since !== undefined && { fromTime: since }) };
    for await (const { data } of this.read(place, range)) yield* pick(data);
  }

  async readNewest(place: StreamNames, filter: DecisionFilter, newest: number): Promise<DecisionRecord[]> {
    const state = await findState(this.manager, place.stream);
    if (state === undefined) return [];
    const pick = picker(filter);
    const notBefore = filter.since === undefined ? 0 : Date.parse(filter.since);
    let found: DecisionRecord[] = [];
    let toSequence = state.last_seq;
    for (let step = FIRST_STEP_BACK; toSequence >= state.first_seq && found.length < newest; step *= 2) {
      const fromSequence = Math.max(state.first_seq, toSequence - step + 1);
      const portion: DecisionRecord[] = [];
      let isOldEnough = false;
      const range = { subjects: subjectsOf(place, filter), fromSequence, toSequence };
      for await (const { data, publishedAt } of this.read(place, range)) {
        if (publishedAt < notBefore) isOldEnough = true;
        else portion.push(...pick(data));
      }
      found = [...portion, ...found];
      if (isOldEnough) break;
      toSequence = fromSequence - 1;
    }
    return found.slice(-newest);
  }

  private async *read({ stream }: StreamNames, range: Parameters<typeof readStored>[3]) {
    let read = 0;
    const count = (messages: number): void => {
      read = messages;
      this.onRead?.(this.before + read);
    };
    yield* readStored(this.connection, this.manager, stream, range, count);
    this.before += read;
  }
}

function subjectsOf(place: StreamNames, { namespace, owner, decision }: DecisionFilter): string[] {
  return [decisionSubject(place, namespace, owner, decision)];
}

/** Returns a function that selects the matching records of one message. */
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

/** One message that is not ours, or from a later version, must not hide all others. */
function parseRecords(data: Uint8Array): DecisionRecord[] {
  try {
    const records: unknown = JSON.parse(new TextDecoder().decode(data));
    return Array.isArray(records) ? records.filter(isDecisionRecord) : [];
  } catch {
    return [];
  }
}
