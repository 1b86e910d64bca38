/**
 * Contents that sensors hold and that are too large for Temporal, on their own stream: one subject for each part of
 * each content, without any limit that would drop the oldest, and deleted by the caller that stored them.
 */
import {
  jetstream,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { concurrently } from '../concurrency/concurrently';
import { SluiceError } from '../errors/sluice-error';
import type { CloudEvent } from '../event/cloud-event';
import type { HeldContent } from './bus';
import type { BusConnection } from './bus-connection';
import { createStream, findStream, isStreamMissing } from './stream';
import { FORMER, heldSubject, type StreamNames } from './bus-names';

/** An event may be larger as text than it was on the bus, and then no longer fits into one message. */
const PARTS_HEADER = 'Sluice-Parts';
const HEADER_ROOM = 4_096;
const AT_ONCE = 16;
const NO_MESSAGE_FOUND = 10037;

export class ContentStore {
  private readonly client: JetStreamClient;
  private readonly names: StreamNames;
  /** Where contents may be: an earlier version may have left some. */
  private readonly places: readonly StreamNames[];
  private ready: Promise<void> | undefined;

  constructor(
    private readonly connection: BusConnection,
    private readonly manager: JetStreamManager,
    succeeds: boolean,
  ) {
    this.client = jetstream(connection.nats, { timeout: 5_000 });
    this.names = connection.names.held;
    this.places = succeeds ? [this.names, FORMER.held] : [this.names];
  }

  async store(namespace: string, sensorName: string, contents: readonly HeldContent[]): Promise<void> {
    await this.reaching(async () => {
      await this.ensureStream();
      await concurrently(contents, AT_ONCE, async ({ name, event }) => {
        const parts = this.split(new TextEncoder().encode(JSON.stringify(event)));
        for (const [index, part] of parts.entries()) {
          const options = { headers: headers() };
          options.headers.set(PARTS_HEADER, `${parts.length}`);
          await this.client.publish(heldSubject(this.names, namespace, sensorName, name, index), part, options);
        }
      });
    });
  }

  async recall(
    namespace: string,
    sensorName: string,
    names: readonly string[],
  ): Promise<Array<CloudEvent | undefined>> {
    const found = new Map<string, CloudEvent | undefined>();
    await this.reaching(async () => {
      await concurrently(names, AT_ONCE, async (name) => {
        for (const place of this.places) {
          const content = await this.read(place.stream, (part) =>
            heldSubject(place, namespace, sensorName, name, part),
          );
          found.set(name, content);
          if (content !== undefined) break;
        }
      });
    });
    return names.map((name) => found.get(name));
  }

  async forget(namespace: string, sensorName: string, names?: readonly string[]): Promise<void> {
    const purges = this.places.flatMap((place) =>
      (names ?? [undefined]).map((name) => ({
        stream: place.stream,
        filter: heldSubject(place, namespace, sensorName, name),
      })),
    );
    await this.reaching(async () => {
      await concurrently(purges, AT_ONCE, async ({ stream, filter }) => {
        try {
          await this.manager.streams.purge(stream, { filter });
        } catch (error) {
          if (!isStreamMissing(error)) throw error;
        }
      });
    });
  }

  private async read(stream: string, subjectOf: (part: number) => string): Promise<CloudEvent | undefined> {
    const pieces: Uint8Array[] = [];
    let parts = 1;
    for (let part = 0; part < parts; part += 1) {
      const message = await this.find(stream, subjectOf(part));
      if (message === undefined) return undefined;
      parts = Number(message.header.get(PARTS_HEADER) || 1);
      pieces.push(message.data);
    }
    return JSON.parse(Buffer.concat(pieces).toString('utf8')) as CloudEvent;
  }

  private async find(stream: string, subject: string) {
    try {
      return (await this.manager.streams.getMessage(stream, { last_by_subj: subject })) ?? undefined;
    } catch (error) {
      if (isStreamMissing(error) || isMessageMissing(error)) return undefined;
      throw error;
    }
  }

  private split(bytes: Uint8Array): Uint8Array[] {
    const most = (this.connection.nats.info?.max_payload ?? 1_048_576) - HEADER_ROOM;
    const count = Math.max(1, Math.ceil(bytes.length / most));
    return Array.from({ length: count }, (_, index) => bytes.subarray(index * most, (index + 1) * most));
  }

  ensureStream(): Promise<void> {
    this.ready ??= this.createStream().catch((error: unknown) => {
      this.ready = undefined;
      throw error;
    });
    return this.ready;
  }

  private async createStream(): Promise<void> {
    if (await findStream(this.manager, this.names.stream)) return;
    await createStream(this.connection, this.manager, {
      name: this.names.stream,
      description: this.connection.names.description,
      subjects: [`${this.names.prefix}.>`],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      max_msgs_per_subject: 1,
      max_age: 0,
      max_bytes: -1,
      num_replicas: this.connection.settings.stream.replicas,
    });
  }

  private async reaching(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // The stream was deleted: the next attempt recreates it.
      this.ready = undefined;
      const bus = this.connection.settings.name;
      throw new SluiceError('BUS_UNREACHABLE', {
        message: `Event bus ${bus} failed to store or return events that a sensor holds`,
        fix: `Sluice retries; check that the bus has capacity and that its NATS user may use stream "${this.names.stream}".`,
        context: { bus },
        cause: error,
      });
    }
  }
}

function isMessageMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === NO_MESSAGE_FOUND;
}
