/**
 * The listener of a sensor whose events were on another stream before: first reads what is pending there, then both,
 * because workers of an earlier version may keep publishing there during an update. No position moves and nothing is
 * copied.
 */
import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import { setTimeout as delay } from 'node:timers/promises';
import { mergeBacklogs } from './backlogs';
import type { ArgoPosition } from './argo-positions';
import type { BusListener, BusMessage, SensorBacklog } from './bus';
import type { BusConnection } from './bus-connection';
import type { ConsumerPlace } from './consumer-place';
import type { ConsumerReader } from './consume';
import { deleteConsumer, findConsumer } from './durable-consumer';
import { findLatest } from './next-message';
import type { Wakers } from '../concurrency/wakers';

const LOOK_EVERY_MS = 500;

export interface Takeover {
  readonly reader: ConsumerReader;
  readonly formerReader: ConsumerReader;
  /** Shared by both readers. */
  readonly wakers: Wakers;
  readonly current: ConsumerPlace;
  readonly former: ConsumerPlace;
  /** `<namespace>/<name>`, for the log. */
  readonly sensor: string;
  /** How long the former consumer is kept although no events arrive there. */
  readonly graceMs: number;
}

export class TakeoverListener implements BusListener {
  /** Everything pending on the former stream has been fetched: newer events may be read, too. */
  private hasCaughtUp = false;
  private isStarted = false;

  constructor(
    private readonly connection: BusConnection,
    private readonly manager: JetStreamManager,
    private readonly takeover: Takeover,
  ) {}

  get handledByArgo(): readonly ArgoPosition[] {
    return this.takeover.formerReader.handledByArgo;
  }

  async pull(max: number): Promise<BusMessage[]> {
    const { reader, formerReader, wakers } = this.takeover;
    this.start();
    for (;;) {
      const earlier = formerReader.take(max);
      if (earlier.length > 0) return earlier;
      const batch = this.hasCaughtUp ? reader.take(max) : [];
      if (batch.length > 0 || reader.isClosed) return batch;
      await wakers.wait();
    }
  }

  async measureBacklog(alone: boolean): Promise<SensorBacklog> {
    const { reader, formerReader } = this.takeover;
    if (formerReader.isClosed) return await reader.measureBacklog(alone);
    const former = await formerReader.measureBacklog(alone);
    const backlog = mergeBacklogs(former, await reader.measureBacklog(alone));
    if (this.hasCaughtUp && former.waiting === 0) await this.endWhenQuiet();
    return backlog;
  }

  async close(): Promise<void> {
    const { reader, formerReader } = this.takeover;
    await Promise.all([formerReader.close(), reader.close()]);
  }

  private start(): void {
    const { formerReader } = this.takeover;
    if (this.isStarted) return;
    this.isStarted = true;
    formerReader.start();
    void this.catchUp();
  }

  private async catchUp(): Promise<void> {
    const { reader, formerReader, wakers } = this.takeover;
    let emptyLooks = 0;
    // Twice: messages sent by the first check have arrived by the second, and are taken before any other.
    while (emptyLooks < 2 && !reader.isClosed && !formerReader.isClosed) {
      const info = await this.findFormer().catch(() => undefined);
      if (info === 'gone') break;
      emptyLooks = info?.num_pending === 0 ? emptyLooks + 1 : 0;
      await delay(LOOK_EVERY_MS, undefined, { ref: false });
    }
    this.hasCaughtUp = true;
    reader.start();
    wakers.wake();
  }

  private async findFormer(): Promise<ConsumerInfo | 'gone'> {
    return (await findConsumer(this.manager, this.takeover.former)) ?? 'gone';
  }

  /** Removes the former consumer after some time of taking over in which no events arrived there. */
  private async endWhenQuiet(): Promise<void> {
    const { former, current, formerReader, graceMs, sensor } = this.takeover;
    const info = await this.findFormer();
    if (info !== 'gone') {
      if (info.num_pending + info.num_ack_pending > 0) return;
      const { created } = (await findConsumer(this.manager, current)) ?? {};
      const latest = await findLatest(this.manager, former.stream, info.config.filter_subjects ?? []);
      if (created === undefined || Math.max(Date.parse(created), latest ?? 0) > Date.now() - graceMs) return;
      await deleteConsumer(this.manager, former.stream, former.name);
      this.connection.log('info', `sensor ${sensor} has handled all events of stream "${former.stream}"`);
    }
    await formerReader.close();
  }
}
