/** Finds the event that a person means: by key, id or short id, or by any part of its key or its data. */
import { eventSubject } from '../../bus/subjects';
import { eventKey } from '../../event/cloud-event';
import type { DecisionRecord } from '../../event/decision-record';
import { isShortEventId, shortEventId } from '../../event/short-id';
import type { StoredOnBus } from './facts';
import type { OpenBus } from './open-buses';

/** One event that the text may mean. */
export interface Candidate {
  readonly key: string;
  readonly source: string;
  readonly subject: string;
  readonly id: string;
  readonly decisions: DecisionRecord[];
  readonly stored: StoredOnBus[];
}

const MAX_CANDIDATES = 1_000;

/** How well an event fits what was typed; the best fit found is the answer. */
type Fit = 'exact' | 'part of the key' | 'part of the data';
const FITS: readonly Fit[] = ['exact', 'part of the key', 'part of the data'];

/** Every event that fits best. Reads the decisions first, which is cheap, and the bus itself only where it must. */
export async function findCandidates(
  buses: readonly OpenBus[],
  text: string,
  since: Date | undefined,
  onProgress: (text: string) => void,
): Promise<Candidate[]> {
  const found = new CandidateList(text);
  let read = 0;
  for (const { bus } of buses) {
    for await (const record of bus.readDecisions(since === undefined ? {} : { since: since.toISOString() })) {
      found.addDecision(record);
      if (++read % 1_000 === 0) onProgress(`${read} decisions read`);
    }
  }
  if (found.has('exact')) await locate(buses, found);
  // Without a decision, only the bus itself can know it.
  else await searchBuses(buses, found, since, onProgress);
  return found.best();
}

/** Decisions say where on the bus the event lies. */
async function locate(buses: readonly OpenBus[], found: CandidateList): Promise<void> {
  for (const { key, source, subject, decisions, stored } of found.best()) {
    const sequences = new Set(decisions.flatMap(({ sequence }) => sequence ?? []));
    const neverPublished = decisions.every(({ eventSource }) => eventSource !== undefined);
    if (neverPublished) continue;
    for (const { definition, bus } of buses) {
      const name = `${definition.namespace}/${definition.name}`;
      const ranges =
        sequences.size > 0
          ? [...sequences].map((sequence) => ({ fromSequence: sequence, toSequence: sequence }))
          : [{ subjects: [eventSubject(source, subject)] }];
      for (const range of ranges) {
        for await (const event of bus.readEvents(range)) if (keyOf(event) === key) stored.push({ ...event, bus: name });
      }
    }
  }
}

async function searchBuses(
  buses: readonly OpenBus[],
  found: CandidateList,
  since: Date | undefined,
  onProgress: (text: string) => void,
): Promise<void> {
  let read = 0;
  for (const { definition, bus } of buses) {
    const name = `${definition.namespace}/${definition.name}`;
    for await (const event of bus.readEvents(since === undefined ? {} : { fromTime: since.toISOString() })) {
      found.addStored({ ...event, bus: name });
      if (++read % 1_000 === 0) onProgress(`${read} events of bus ${name} read`);
    }
  }
}

/** What is no event has a key too: decisions name it by its position. */
function keyOf({ event, subject, sequence }: Pick<StoredOnBus, 'event' | 'subject' | 'sequence'>): string {
  return event === undefined ? `${subject.split('.')[1] ?? ''}/sequence:${sequence}` : eventKey(event);
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
    const fit = FITS.find((candidate) => this.has(candidate));
    return fit === undefined ? [] : [...(this.byFit.get(fit)?.values() ?? [])];
  }

  addDecision(record: DecisionRecord): void {
    const { eventKey: key, eventId: id, source, subject } = record;
    this.of(key, id, source, subject)?.decisions.push(record);
  }

  addStored(stored: StoredOnBus): void {
    const { event, subject } = stored;
    const [, source = '', name = ''] = subject.split('.');
    const key = keyOf(stored);
    const id = event?.id ?? `sequence:${stored.sequence}`;
    this.of(key, id, event?.source ?? source, event?.subject ?? name, event?.data)?.stored.push(stored);
  }

  private of(key: string, id: string, source: string, subject: string, data?: unknown): Candidate | undefined {
    const fit = this.fitOf(key, id, data);
    const candidates = fit && this.byFit.get(fit);
    const known = candidates?.get(key);
    if (candidates === undefined || known !== undefined || candidates.size >= MAX_CANDIDATES) return known;
    const candidate: Candidate = { key, source, subject, id, decisions: [], stored: [] };
    candidates.set(key, candidate);
    return candidate;
  }

  private fitOf(key: string, id: string, data: unknown): Fit | undefined {
    const { text } = this;
    if (key === text || id === text || (this.isShort && shortEventId(key) === text)) return 'exact';
    if (key.includes(text)) return 'part of the key';
    // As soon as keys fit, nobody needs what is only somewhere in the data.
    if (data === undefined || this.has('part of the key')) return undefined;
    return JSON.stringify(data).includes(text) ? 'part of the data' : undefined;
  }
}
