/**
 * What every event source promises, as tests: run by each of them against its real server and a real event bus.
 *
 * A source says by its capabilities which promises it can make; what a transport cannot do is data here, not a skipped
 * test somewhere else.
 */
import { EventRelay, type EventRelayOptions, type RelayCounts } from '../../activities/relay/event-relay';
import { createPositionStore } from '../../activities/relay/source-position';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus } from '../../src/bus/bus';
import { isSluiceError } from '../../src/errors/sluice-error';
import type { CloudEvent } from '../../src/event/cloud-event';
import type { JsonObject } from '../../src/event/json';
import type { DecisionRecord } from '../../src/records/decision-record';
import { unreadFate } from '../../src/kinds/source-kinds';
import type { Delivery, PositionStore, Source, SourceContext, SourceFactory } from '../../src/sources/source';
import { connectTestBus } from '../bus/bus-fixture';
import { collect } from '../setup/collect';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { secretsFrom } from '../setup/secrets';
import type { TcpGate } from '../setup/tcp-gate';

export interface SourceCapabilities {
  /**
   * `sent`: the payload holds what the sender wrote, which may be too large or unreadable. `made`: the source makes it of
   * what happened outside, such as the name of a file; `send` then makes that happen.
   */
  readonly payload: 'sent' | 'made';
  /** What was sent while nobody listened is delivered later. */
  readonly keepsBacklog: boolean;
  /** What was not acknowledged is delivered again. */
  readonly deliversAgain: boolean;
  /** It connects to a server, which may be away. */
  readonly hasServer: boolean;
  /** The server tells how much waits; default: as `keepsBacklog`. */
  readonly countsBacklog?: boolean;
  /** A new source reads only what happens from now on; default: also what was there before. */
  readonly beginsNow?: boolean;
}

/** One source type with its server, ready to be read. */
export interface SourceFixture<Spec> {
  readonly spec: Spec;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly kubernetes?: SourceContext['kubernetes'];
  /** A spec that leads to a server that is not there. */
  readonly unreachableSpec?: Spec;
  /** Sends one message, and again with the same identity until the outside system has taken it. */
  send(text: string): Promise<void>;
  /** Sends what cannot become an event; left out where this source takes everything. */
  sendPoison?(): Promise<void>;
  /** The text given to `send`, out of an event's payload. */
  textOf(event: CloudEvent): string;
  /** The server is gone and comes back with what it keeps. */
  restartServer?(): Promise<void>;
  /** A balancer before the server. */
  readonly gate?: Pick<TcpGate, 'shut' | 'open'>;
  /** Gives the server and the secret another password, and ends the connections. */
  rotatePassword?(): Promise<void>;
  /** Takes away a right that reading needs. */
  withdrawRights?(): Promise<void>;
  /** How many messages the server has handed to readers that neither acknowledged nor returned them. */
  handedOut?(): Promise<number>;
  /** The server keeps its connections and answers nothing; returns what lets it go on. */
  hangServer?(): Promise<() => void>;
  stop(): Promise<void>;
}

export interface SourceContract<Spec> {
  readonly factory: SourceFactory<Spec>;
  readonly capabilities: SourceCapabilities;
  start(): Promise<SourceFixture<Spec>>;
}

const MAX_PAYLOAD_BYTES = 32_768;
const STOP_DEADLINE_MS = 9_000;
const CLOSE_DEADLINE_MS = 5_000;
const DEFAULT_MAX_IN_FLIGHT = 1_000;
/** The relay stops pulling at its limit; the delivery that it pulled last may be beyond it. */
const FEW_IN_FLIGHT = 10;
const LARGEST_DELIVERY = 100;
const NAMES = { eventSourceName: 'outside', eventName: 'news' };

export function describeSourceContract<Spec>(contract: SourceContract<Spec>): void {
  const { factory, capabilities } = contract;
  const { countsBacklog = capabilities.keepsBacklog } = capabilities;

  describe(`event source ${factory.kind}: contract`, () => {
    let nats: RunningNats;
    let bus: Bus;
    let fixture: SourceFixture<Spec>;
    let relays: RunningRelay[] = [];

    beforeEach(async () => {
      nats = await startNats({ own: true, maxPayloadBytes: MAX_PAYLOAD_BYTES });
      [bus, fixture] = await Promise.all([connectTestBus(nats), contract.start()]);
      if (capabilities.beginsNow) await (await startRelay()).stop();
    });

    afterEach(async () => {
      await Promise.all(relays.map((relay) => relay.stop()));
      relays = [];
      await fixture?.stop();
      await bus?.close();
      await nats?.stop();
    });

    /** On the bus, as the workers keep it. */
    const position = (): PositionStore => createPositionStore(NAMES, (work) => work(bus));

    async function startRelay(
      wrap: (source: Source) => Source = (source) => source,
      maxInFlight = DEFAULT_MAX_IN_FLIGHT,
    ): Promise<RunningRelay> {
      const relay = new RunningRelay(factory, fixture, bus, wrap, position(), maxInFlight);
      relays.push(relay);
      await eventually(() => relay.counts().connected);
      return relay;
    }

    /** Texts on the bus, each as often as it is there. */
    async function textsOnBus(): Promise<string[]> {
      const texts: string[] = [];
      for await (const { event } of bus.readEvents({})) if (event) texts.push(fixture.textOf(event));
      return texts.sort();
    }

    function rejections(): Promise<DecisionRecord[]> {
      return collect(bus.readDecisions({ decision: 'rejected' }));
    }

    async function expectOnBus(texts: readonly string[]): Promise<void> {
      const expected = [...texts].sort();
      await eventually(async () => (await bus.extent()).events >= expected.length);
      expect(await textsOnBus()).toEqual(expected);
    }

    it('can be checked without consuming anything', async () => {
      await createSource(factory, fixture, { position: position() }).check();
      if (capabilities.keepsBacklog) {
        await fixture.send('still there');
        await createSource(factory, fixture, { position: position() }).check();
        await startRelay();
        await expectOnBus(['still there']);
      }
    });

    if (capabilities.hasServer) {
      it('reports that its server is unreachable', async () => {
        const { unreachableSpec } = fixture;
        if (unreachableSpec === undefined) throw new Error('the fixture needs a spec that leads nowhere');
        const problem: unknown = await createSource(factory, { ...fixture, spec: unreachableSpec })
          .check()
          .catch((error: unknown) => error);
        expect(isSluiceError(problem) && problem.code).toBe('EVENT_SOURCE_UNREACHABLE');
      });
    }

    it('publishes every event to the bus, under its source and event name', async () => {
      const relay = await startRelay();
      const texts = numbered('message', 40);
      for (const text of texts) await fixture.send(text);
      await expectOnBus(texts);
      for await (const { event } of bus.readEvents({})) {
        expect(event).toMatchObject({ source: 'outside', subject: 'news', type: factory.kind });
      }
      await eventually(() => relay.counts().published === 40);
      expect(relay.counts()).toMatchObject({ received: 40, duplicates: 0, failed: 0, dropped: 0, connected: true });
      expect(relay.counts().lastEventAt).toBeDefined();
      expect(relay.counts().position).toBeDefined();
    });

    it('treats two identical messages as two events', async () => {
      await startRelay();
      await fixture.send('the same');
      await fixture.send('the same');
      await expectOnBus(['the same', 'the same']);
    });

    if (capabilities.keepsBacklog) {
      it('reads events sent before it started', async () => {
        const texts = numbered('early', 250);
        for (const text of texts) await fixture.send(text);
        await startRelay();
        await expectOnBus(texts);
      });
    }

    it('reports the backlog of a durable source, even without a reader', async () => {
      const source = createSource(factory, fixture, { position: position() });
      const count = (): Promise<number | undefined> =>
        source.backlog?.(new AbortController().signal).then(({ entries }) => entries) ?? Promise.resolve(undefined);
      expect(await count()).toBe(countsBacklog ? 0 : undefined);
      expect(unreadFate(factory.kind) === 'wait').toBe(capabilities.keepsBacklog);
      if (countsBacklog) {
        for (const text of numbered('waiting', 7)) await fixture.send(text);
        expect(await count()).toBe(7);
        await startRelay();
        await expectOnBus(numbered('waiting', 7));
        await eventually(async () => (await count()) === 0);
      }
      await source.close();
    });

    it('neither loses nor repeats events when it is stopped and started while messages arrive', async () => {
      const texts = numbered('steady', 60);
      let relay = await startRelay();
      for (const [index, text] of texts.entries()) {
        const sending = fixture.send(text);
        if (index % 20 === 10 && capabilities.deliversAgain) {
          await relay.stop();
          relay = await startRelay();
        }
        await sending;
      }
      await expectOnBus(texts);
    });

    it('creates no duplicate of an event that was published but not acknowledged when the worker died', async () => {
      const crashed = await startRelay(withoutAcknowledgement);
      const sending = Promise.all(numbered('crash', 5).map((text) => fixture.send(text)));
      await eventually(async () => (await bus.extent()).events === 5);
      await crashed.stop();
      const next = await startRelay();
      await sending;
      if (capabilities.deliversAgain) await eventually(() => next.counts().duplicates === 5);
      expect(await textsOnBus()).toEqual(numbered('crash', 5));
    });

    it('redelivers returned events later', async () => {
      let refusals = 0;
      await startRelay((source) => releasingFirst(source, () => (refusals += 1)));
      await fixture.send('second attempt').catch(() => undefined);
      await eventually(() => refusals > 0);
      if (capabilities.deliversAgain) await expectOnBus(['second attempt']);
      await fixture.send('next');
      await eventually(async () => (await textsOnBus()).includes('next'));
    });

    if (capabilities.hasServer) {
      it('continues after a restart of its server', async () => {
        const relay = await startRelay();
        await fixture.send('before');
        await expectOnBus(['before']);
        await fixture.restartServer?.();
        await eventually(() => relay.counts().connected);
        await fixture.send('after');
        await expectOnBus(['after', 'before']);
        expect(relay.lines.some((line) => line.startsWith('warn'))).toBe(true);
      });
    }

    if (capabilities.hasServer) {
      it('waits for a server that accepts and closes connections, and reports it meanwhile', async () => {
        const { gate } = fixture;
        if (gate === undefined) throw new Error('the fixture needs a gate');
        const relay = await startRelay();
        gate.shut();
        await eventually(() => !relay.counts().connected && relay.counts().problem !== undefined);
        gate.open();
        await eventually(() => relay.counts().connected);
        expect(relay.counts().problem).toBeUndefined();
        await fixture.send('after');
        await expectOnBus(['after']);
      });

      it('never reports that it reads before it does', async () => {
        const { gate } = fixture;
        gate?.shut();
        const relay = new RunningRelay(factory, fixture, bus, (source) => source, position());
        relays.push(relay);
        await eventually(() => {
          expect(relay.counts().connected).toBe(false);
          return relay.counts().problem !== undefined;
        });
        gate?.open();
        await eventually(() => relay.counts().connected);
      });

      it('uses a rotated password', async () => {
        const relay = await startRelay();
        await fixture.rotatePassword?.();
        await eventually(async () => {
          await fixture.send('with the new password');
          return relay.counts().published > 0;
        });
        await eventually(() => relay.counts().connected);
        expect(relay.lines.join()).not.toContain('secret-');
      });

      it('ends with one error for the operator when a permission is revoked', async () => {
        const relay = await startRelay();
        await fixture.send('before');
        await expectOnBus(['before']);
        await fixture.withdrawRights?.();
        if (capabilities.keepsBacklog) for (const text of numbered('refused', 20)) await fixture.send(text);
        const problem = await failureOf(relay.ended());
        expect(problem.code).toBe('EVENT_SOURCE_MISCONFIGURED');
        expect(problem.message).toContain('event source argo/outside, event news');
        expect(relay.counts().received).toBeLessThanOrEqual(1 + 2 * 20);
        expect(relay.counts().connected).toBe(false);
      });

      it('ends soon after a stop request while its server does not answer', async () => {
        const relay = await startRelay();
        await fixture.send('one');
        await expectOnBus(['one']);
        const letGoOn = await fixture.hangServer?.();
        try {
          await relay.stop();
        } finally {
          letGoOn?.();
        }
        const next = await startRelay();
        await fixture.send('two');
        await eventually(async () => (await textsOnBus()).includes('two'));
        await next.stop();
      });

      it('reports that its server stopped answering, and continues when it answers again', async () => {
        const relay = await startRelay();
        const letGoOn = await fixture.hangServer?.();
        await eventually(() => !relay.counts().connected && relay.counts().problem !== undefined);
        letGoOn?.();
        await eventually(() => relay.counts().connected);
        await fixture.send('after');
        await expectOnBus(['after']);
      });
    }

    it('waits for an unavailable bus', async () => {
      const relay = await startRelay();
      await nats.stopKeepingData();
      const sending = Promise.all(numbered('patient', 5).map((text) => fixture.send(text)));
      await eventually(() => relay.counts().received >= 5);
      await nats.restart();
      await sending;
      await expectOnBus(numbered('patient', 5));
      expect(relay.counts().dropped).toBe(0);
    });

    it('reads no more than its limit while the bus is unavailable, and the rest afterwards', async () => {
      const relay = await startRelay(undefined, FEW_IN_FLIGHT);
      await nats.stopKeepingData();
      const texts = numbered('held back', FEW_IN_FLIGHT + LARGEST_DELIVERY + 40);
      const sending = Promise.all(texts.map((text) => fixture.send(text)));
      // A caller waits for its answer; everyone else is done sooner or later, whatever the bus does.
      if (unreadFate(factory.kind) !== 'refused') await sending;
      await eventually(() => relay.counts().received >= FEW_IN_FLIGHT);
      expect(relay.counts().received).toBeLessThan(FEW_IN_FLIGHT + LARGEST_DELIVERY);
      const handedOut = (await fixture.handedOut?.()) ?? 0;
      expect(handedOut).toBeLessThan(FEW_IN_FLIGHT + LARGEST_DELIVERY);
      await nats.restart();
      await sending;
      await expectOnBus(texts);
      expect(relay.counts().dropped).toBe(0);
    });

    it('continues after a message that cannot become an event, and records it', async () => {
      const relay = await startRelay();
      if (capabilities.payload === 'sent') await fixture.send('x'.repeat(MAX_PAYLOAD_BYTES));
      await fixture.sendPoison?.();
      await fixture.send('good');
      await expectOnBus(['good']);
      const expected = [
        ...(capabilities.payload === 'sent' ? ['BUS_EVENT_TOO_LARGE'] : []),
        ...(fixture.sendPoison ? ['EVENT_UNDECODABLE'] : []),
      ];
      await eventually(() => relay.counts().rejected === expected.length);
      await bus.flushDecisions();
      const records = await rejections();
      expect(records.map(({ code }) => code).sort()).toEqual(expected);
      for (const record of records) {
        expect(record).toMatchObject({ eventSource: 'outside', subject: 'news', namespace: 'argo' });
        expect(record.reason).toBeTruthy();
        expect(JSON.stringify(record)).not.toContain('xxxxx');
      }
    });

    it('closes within five seconds, also while its server does not answer', async () => {
      const stop = new AbortController();
      const source = createSource(factory, fixture, { position: position(), signal: stop.signal });
      const reading = readEverything(source);
      await eventually(() => source.status().connected);
      const letGoOn = await fixture.hangServer?.();
      try {
        stop.abort();
        await inTime(Promise.all([reading, source.close()]), CLOSE_DEADLINE_MS, 'the source did not close');
      } finally {
        letGoOn?.();
      }
    });

    it('ends soon after a stop request, idle or with the bus unavailable', async () => {
      const idle = await startRelay();
      await fixture.send('one');
      await expectOnBus(['one']);
      await idle.stop();

      const busy = await startRelay();
      await nats.stopKeepingData();
      const sending = fixture.send('undeliverable').catch(() => undefined);
      await eventually(() => busy.counts().received > 0);
      await busy.stop();
      await nats.restart();
      const last = await startRelay();
      await sending;
      if (capabilities.deliversAgain) await expectOnBus(['one', 'undeliverable']);
      await last.stop();
    });
  });
}

/** A relay at work, stopped within a deadline. */
class RunningRelay {
  readonly lines: string[] = [];
  private readonly abort = new AbortController();
  private readonly relay: EventRelay;
  private readonly finished: Promise<RelayCounts>;
  private mayFail = false;

  constructor(
    factory: SourceFactory<never>,
    fixture: Pick<SourceFixture<unknown>, 'spec' | 'secrets' | 'kubernetes'>,
    bus: EventRelayOptions['bus'],
    wrap: (source: Source) => Source,
    position: PositionStore,
    maxInFlight = DEFAULT_MAX_IN_FLIGHT,
  ) {
    const log = (level: 'info' | 'warn', line: string): void => void this.lines.push(`${level}: ${line}`);
    const context = contextOf(fixture, { signal: this.abort.signal, log, position });
    const source = wrap(factory.create(fixture.spec as never, context));
    this.relay = new EventRelay({
      namespace: context.namespace,
      eventSourceName: context.eventSourceName,
      eventName: context.eventName,
      cloudEventType: factory.kind,
      source,
      bus,
      log,
      maxInFlight,
    });
    this.finished = this.relay.run(this.abort.signal);
    // Tests that expect a failure look at `stop`.
    this.finished.catch(() => undefined);
  }

  counts(): RelayCounts {
    return this.relay.counts();
  }

  /** Rejects with what a person must repair. */
  async ended(): Promise<RelayCounts> {
    this.mayFail = true;
    return await this.finished;
  }

  async stop(): Promise<void> {
    this.abort.abort();
    const finished = this.mayFail ? this.finished.catch(() => undefined) : this.finished;
    await inTime(finished, STOP_DEADLINE_MS, 'the relay did not end');
  }
}

async function inTime(work: Promise<unknown>, deadlineMs: number, problem: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${problem} within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

async function readEverything(source: Source): Promise<void> {
  for await (const delivery of source.deliveries()) await delivery.acknowledge({ rejected: [] });
}

export function createSource<Spec>(
  factory: SourceFactory<Spec>,
  fixture: Pick<SourceFixture<Spec>, 'spec' | 'secrets' | 'kubernetes'>,
  overrides: Partial<SourceContext> = {},
): Source {
  return factory.create(fixture.spec, contextOf(fixture, overrides));
}

export function contextOf(
  fixture: Pick<SourceFixture<unknown>, 'secrets' | 'kubernetes'>,
  overrides: Partial<SourceContext> = {},
): SourceContext {
  return {
    namespace: 'argo',
    startFrom: { kind: 'all' },
    ...NAMES,
    position: forgetfulPosition(),
    matchTexts: () => Promise.reject(new Error('this test matches no texts')),
    matchField: () => Promise.reject(new Error('this test matches no fields')),
    kubernetes: fixture.kubernetes ?? { open: () => Promise.reject(new Error('this test has no cluster')) },
    secrets: secretsFrom(fixture.secrets),
    signal: new AbortController().signal,
    log: () => undefined,
    ...overrides,
  };
}

/** For a source that is read without a bus. */
function forgetfulPosition(): PositionStore {
  let position: JsonObject | undefined;
  return {
    read: () => Promise.resolve(position),
    write: (value) => {
      position = value;
      return Promise.resolve();
    },
  };
}

/** The worker dies after the bus has the events and before the outside system hears of it. */
function withoutAcknowledgement(source: Source): Source {
  return changingDeliveries(source, (delivery) => ({
    ...delivery,
    acknowledge: () => Promise.reject(new Error('the worker died')),
  }));
}

/** Gives the first delivery back before anything is published. */
function releasingFirst(source: Source, onRelease: () => void): Source {
  let isFirst = true;
  return changingDeliveries(source, (delivery) => {
    if (!isFirst) return delivery;
    isFirst = false;
    void delivery.release(new Error('not now')).then(onRelease);
    return undefined;
  });
}

function changingDeliveries(source: Source, change: (delivery: Delivery) => Delivery | undefined): Source {
  return {
    patienceMs: source.patienceMs,
    check: () => source.check(),
    status: () => source.status(),
    close: () => source.close(),
    async *deliveries() {
      for await (const delivery of source.deliveries()) {
        const changed = change(delivery);
        if (changed) yield changed;
      }
    },
  };
}

function numbered(word: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${word} ${String(index).padStart(3, '0')}`);
}
