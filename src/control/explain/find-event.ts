/** Finds the event that a user means: by key, id or short id, or by any part of its key or data. */
import type { DecisionFilter, EventRange } from '../../bus/bus';
import { eventPath, pathOfSubject } from '../../bus/event-path';
import { eventKey } from '../../event/cloud-event';
import { jsonOf } from '../../event/event-data';
import { textOf, type JsonDocument } from '../../event/json-text';
import type { DecisionRecord } from '../../records/decision-record';
import { ABSENCE_SOURCE } from '../../event/absence-event';
import { OUTCOME_SOURCE } from '../../event/outcome-event-id';
import { isShortEventId, shortEventId } from '../../event/short-id';
import type { StoredOnBus } from './facts';
import { busName, type OpenBus } from './open-buses';

/** One event that the text may refer to. */
export interface Candidate {
  readonly key: string;
  readonly source: string;
  readonly subject: string;
  readonly id: string;
  /** Names of the buses that have a trace of it. */
  readonly buses: Set<string>;
  readonly decisions: DecisionRecord[];
  readonly stored: StoredOnBus[];
}

const MAX_CANDIDATES = 1_000;
/** Sources of events that name others in their data. */
const REPORTS: ReadonlySet<string> = new Set([OUTCOME_SOURCE, ABSENCE_SOURCE]);

/** How well an event matches the text. Exact matches win; otherwise every event that contains the text. */
type Fit = 'exact' | 'part of the key' | 'part of the data';
const FITS: readonly Fit[] = ['exact', 'part of the key', 'part of the data'];

/** Resolves with all best matches. Reads the decisions first, which is cheap, and the bus only if necessary. */
export async function findCandidates(
  buses: readonly OpenBus[],
  text: string,
  since: Date | undefined,
  onProgress: (text: string) => void,
): Promise<Candidate[]> {
  const found = new CandidateList(text);
  const from = since === undefined ? {} : { since: since.toISOString() };
  // A text that looks like a short id is matched by hash; any other match contains the text.
  const filter = { ...from, ...(!isShortEventId(text) && { containing: text }) };
  for (const bus of buses) {
    const name = busName(bus);
    onProgress(`reading the decisions on bus ${name}`);
    for await (const record of bus.bus.readDecisions(filter, (read) => onProgress(`${read} decisions read`))) {
      found.addDecision(record, name);
    }
  }
  if (found.has('exact')) await locate(buses, found);
  // Without a decision, only the bus itself can have it.
  else {
    await searchBuses(buses, found, text, since, onProgress);
    if (!isFoundByDecisions(found)) await readDecisionsOf(buses, found, from, onProgress);
  }
  return found.best();
}

/** True if every event was found by its decisions alone. */
function isFoundByDecisions(found: CandidateList): boolean {
  return found.best().every(({ stored, decisions }) => stored.length === 0 && decisions.length > 0);
}

/** Decisions do not hold event data: events that were found by data are looked up again by key. */
async function readDecisionsOf(
  buses: readonly OpenBus[],
  found: CandidateList,
  from: Pick<DecisionFilter, 'since'>,
  onProgress: (text: string) => void,
): Promise<void> {
  const candidates = new Map(found.best().map((candidate) => [candidate.key, candidate]));
  const [only, ...others] = candidates.keys();
  const filter = { ...from, ...(only !== undefined && others.length === 0 && { event: only }) };
  for (const open of buses) {
    const bus = busName(open);
    for await (const record of open.bus.readDecisions(filter, (read) => onProgress(`${read} decisions read`))) {
      const candidate = candidates.get(record.eventKey);
      if (candidate === undefined || candidate.decisions.some((known) => isSameRecord(known, record))) continue;
      candidate.decisions.push(record);
      candidate.buses.add(bus);
    }
  }
}

function isSameRecord(one: DecisionRecord, other: DecisionRecord): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Decisions hold the event's position on the bus. */
async function locate(buses: readonly OpenBus[], found: CandidateList): Promise<void> {
  for (const { key, source, subject, buses: seenOn, decisions, stored } of found.best()) {
    const sequences = new Set(decisions.flatMap(({ sequence }) => sequence ?? []));
    const neverPublished = decisions.every(({ decision, sensor }) => sensor === undefined && decision !== 'duplicate');
    if (neverPublished) continue;
    for (const open of buses) {
      const bus = busName(open);
      const ranges =
        sequences.size > 0
          ? [...sequences].map((sequence) => ({ fromSequence: sequence, toSequence: sequence }))
          : [{ paths: [eventPath(source, subject)], containing: key.slice(source.length + 1) }];
      for (const range of ranges) {
        for await (const event of open.bus.readEvents(range)) {
          if (keyOf(event) !== key) continue;
          stored.push({ ...event, bus });
          seenOn.add(bus);
        }
      }
    }
  }
}

async function searchBuses(
  buses: readonly OpenBus[],
  found: CandidateList,
  text: string,
  since: Date | undefined,
  onProgress: (text: string) => void,
): Promise<void> {
  const range = { ...(since !== undefined && { fromTime: since.toISOString() }), ...whereToLook(text) };
  for (const bus of buses) {
    const name = busName(bus);
    onProgress(`reading the events on bus ${name}`);
    for await (const event of bus.bus.readEvents(range, (read) => onProgress(`${read} events of bus ${name} read`))) {
      found.addStored({ ...event, bus: name });
    }
  }
}

/** Narrows the search to events that contain the text, unless it is a hash or a position. */
function whereToLook(text: string): Pick<EventRange, 'containing' | 'fromSequence' | 'toSequence'> {
  if (isShortEventId(text)) return {};
  const [, sequence] = /(?:^|\/)sequence:(\d+)$/.exec(text) ?? [];
  if (sequence !== undefined) return { fromSequence: Number(sequence), toSequence: Number(sequence) };
  // The key is not stored in the event literally, but the part after the name of the event source is.
  const [, id] = /^[^/]*\/(.+)$/.exec(text) ?? [];
  return { containing: id ?? text };
}

/** A message that is not an event has a key too: decisions identify it by its position. */
function keyOf({ event, subject, sequence }: Pick<StoredOnBus, 'event' | 'subject' | 'sequence'>): string {
  return event === undefined ? `${pathOfSubject(subject).split('.')[0] ?? ''}/sequence:${sequence}` : eventKey(event);
}

class CandidateList {
  private readonly byFit = new Map<Fit, Map<string, Candidate>>(FITS.map((fit) => [fit, new Map()]));
  private readonly isShort: boolean;

  constructor(private readonly text: string) {
    this.isShort = isShortEventId(text);
  }

  has(fit: Fit): boolean {
    return (this.byFit.get(fit)?.size ?? 0) > 0;
  }

  best(): Candidate[] {
    const exact = [...this.fitting('exact')];
    if (exact.length > 0) return exact;
    const byKey = [...this.fitting('part of the key')];
    const byData = [...this.fitting('part of the data')];
    // The outcome of a run quotes the run's events: it is shown in their stories. So does an absence.
    const originals = byData.filter(({ source }) => !REPORTS.has(source));
    return [...byKey, ...(byKey.length + originals.length > 0 ? originals : byData)];
  }

  addDecision(record: DecisionRecord, bus: string): void {
    // Identifies no event: the expired ones are gone.
    if (record.decision === 'expired') return;
    const { eventKey: key, eventId: id, source, subject } = record;
    const candidate = this.of(key, id, source, subject);
    candidate?.decisions.push(record);
    candidate?.buses.add(bus);
  }

  addStored(stored: StoredOnBus): void {
    const { event, subject } = stored;
    const [source = '', name = ''] = pathOfSubject(subject).split('.');
    const key = keyOf(stored);
    const id = event?.id ?? `sequence:${stored.sequence}`;
    const candidate = this.of(key, id, event?.source ?? source, event?.subject ?? name, event && jsonOf(event));
    candidate?.stored.push(stored);
    candidate?.buses.add(stored.bus);
  }

  private fitting(fit: Fit): Iterable<Candidate> {
    return this.byFit.get(fit)?.values() ?? [];
  }

  private of(key: string, id: string, source: string, subject: string, data?: JsonDocument): Candidate | undefined {
    const fit = this.fitOf(key, id, data);
    const candidates = fit && this.byFit.get(fit);
    const known = candidates?.get(key);
    if (candidates === undefined || known !== undefined || candidates.size >= MAX_CANDIDATES) return known;
    const candidate: Candidate = { key, source, subject, id, buses: new Set(), decisions: [], stored: [] };
    candidates.set(key, candidate);
    return candidate;
  }

  private fitOf(key: string, id: string, data: JsonDocument | undefined): Fit | undefined {
    const { text } = this;
    if (key === text || id === text || (this.isShort && shortEventId(key) === text)) return 'exact';
    if (key.includes(text)) return 'part of the key';
    if (data === undefined) return undefined;
    return textOf(data).includes(text) ? 'part of the data' : undefined;
  }
}
