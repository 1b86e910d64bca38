/**
 * Annotation `sluice.io/hydrate`: the STAC item that an event links to is fetched, before filters and Sensors see the
 * event. The event keeps its id, and without the item it goes on as it came, with a record of why.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Semaphore } from '../../src/concurrency/semaphore';
import { describeError, SluiceError, type ErrorCode } from '../../src/errors/sluice-error';
import type { CloudEvent } from '../../src/event/cloud-event';
import { dataAttributes } from '../../src/event/event-data';
import { joinObject, membersOf, valueOf } from '../../src/event/json-text';
import type { JsonDocument, ObjectDocument } from '../../src/event/json-text';
import { absoluteLink, findItemLink, holdsWholeItem } from '../../src/event/stac-item-link';
import { lookUpPlainPath } from '../../src/expressions/fast-paths/plain-path';
import type { ReceivedEvent } from '../../src/sources/source';
import type { LinkedItem, LinkFailure } from '../../src/stac/linked-items';
import { member } from './split-delivery';

/** Each may hold a megabyte, and a catalogue need not bear more. */
const MOST_AT_ONCE = 32;
/** A server that hangs must leave places for the others. */
const MOST_AT_ONE_SERVER = 8;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const SOON_MS = 60_000;
const DEFAULT_FOR_MS = 10 * 60_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface ItemHydrationOptions {
  /** `auto`, or the path of the link in the data. */
  readonly place: string;
  readonly forMs?: number;
  /** Rejects only if the signal aborts. */
  readonly read: (link: string, signal: AbortSignal) => Promise<LinkedItem>;
  /** For tests. */
  readonly firstPauseMs?: number;
}

/** Why an event goes on without its item, for its record. */
export interface ItemMissing {
  readonly code: ErrorCode;
  readonly reason: string;
}

export type Hydration = { readonly data: ObjectDocument } | { readonly failure: ItemMissing };

export class ItemHydration {
  private readonly places = new Semaphore(MOST_AT_ONCE);
  private readonly servers = new Map<string, { readonly places: Semaphore; users: number }>();
  /** Why events are waiting, by the link that was asked last. */
  private readonly waiting = new Map<symbol, string>();

  constructor(private readonly options: ItemHydrationOptions) {}

  /** Returns undefined for an event that has its item, or links to none. Never throws. */
  linkOf({ data, document }: ReceivedEvent): string | undefined {
    const { place } = this.options;
    const values = member(data, 'values');
    // `item` is where `sluice stac publish` puts it in a Redis stream.
    const item = values === undefined ? undefined : member(values, 'item');
    const holders = [document, member(data, 'body'), values, item, data].filter((each) => each !== undefined);
    if (holders.some(holdsWholeItem)) return undefined;
    if (place === 'auto') return holders.map((each) => findItemLink(each)).find((link) => link !== undefined);
    const found = lookUpPlainPath(valueOf(data), place);
    return found?.exists === true ? absoluteLink(valueOf(found.value)) : undefined;
  }

  /**
   * Returns the data with the item as `body`; what was there before is `announcement`. Tries again until `giveUpAt`
   * (of `performance.now`) or the time that the annotation allows. Rejects only if `signal` aborts.
   */
  async hydrate(data: ObjectDocument, link: string, giveUpAt: number, signal: AbortSignal): Promise<Hydration> {
    const startedAt = performance.now();
    const limitMs = Math.min(this.options.forMs ?? DEFAULT_FOR_MS, giveUpAt - startedAt, LONGEST_TIMER_MS);
    const until = startedAt + limitMs;
    const tooLate = AbortSignal.timeout(Math.max(0, Math.floor(limitMs)));
    const wanted = AbortSignal.any([signal, tooLate]);
    const mark = Symbol(link);
    let latest: LinkFailure | undefined;
    try {
      for (let attempt = 1; ; attempt += 1) {
        const found = await this.atServer(link, wanted, () => this.options.read(link, wanted));
        if ('item' in found) return { data: withItem(data, found.item) };
        latest = found;
        const pauseMs = this.pauseAfter(found, attempt, startedAt, until);
        if (pauseMs === undefined) return { failure: toFailure(found.error) };
        this.waiting.set(mark, found.error.message);
        await delay(pauseMs, undefined, { signal: wanted });
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!tooLate.aborted) throw error;
      const message = `its server did not answer within ${Math.round(limitMs / 1_000)} s`;
      return { failure: toFailure(latest?.error ?? new SluiceError('EVENT_LINK_UNREADABLE', { message })) };
    } finally {
      this.waiting.delete(mark);
    }
  }

  /** For operators; undefined if no event waits for a server to recover. */
  problem(): string | undefined {
    const [latest] = [...this.waiting.values()].slice(-1);
    if (latest === undefined) return undefined;
    return `${this.waiting.size} events wait for the item that they link to: ${latest}`;
  }

  /** A pause takes no place. */
  private async atServer<Result>(link: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    const { host } = new URL(link);
    const server = this.servers.get(host) ?? { places: new Semaphore(MOST_AT_ONE_SERVER), users: 0 };
    this.servers.set(host, server);
    server.users += 1;
    try {
      return await server.places.run(signal, () => this.places.run(signal, work));
    } finally {
      server.users -= 1;
      // Whoever sends events chooses their hosts, so the map must not grow with them.
      if (server.users === 0) this.servers.delete(host);
    }
  }

  /** Returns undefined if no further attempt is worth making. */
  private pauseAfter(
    { error, retry }: LinkFailure,
    attempt: number,
    startedAt: number,
    until: number,
  ): number | undefined {
    if (retry === 'no') return undefined;
    const { firstPauseMs = FIRST_PAUSE_MS } = this.options;
    const backOffMs = Math.min(firstPauseMs * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
    const pauseMs = Math.max(error.retryAfterMs ?? 0, backOffMs);
    const last = retry === 'soon' ? Math.min(until, startedAt + SOON_MS) : until;
    return performance.now() + pauseMs < last ? pauseMs : undefined;
  }
}

/** The event with other data; its id is that of what was received. */
export function withData(event: CloudEvent, data: ObjectDocument): CloudEvent {
  const { data: _json, data_base64: _bytes, ...attributes } = event;
  return { ...attributes, ...dataAttributes(data) };
}

function withItem(data: ObjectDocument, item: JsonDocument): ObjectDocument {
  const members = membersOf(data);
  const { body } = members;
  return joinObject({ ...members, body: item, ...(body !== undefined && { announcement: body }) });
}

function toFailure(error: SluiceError): ItemMissing {
  return { code: error.code, reason: `the event goes on without the item that it links to: ${describeError(error)}` };
}
