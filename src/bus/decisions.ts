/**
 * The journal of decisions: what happened to every event, on its own JetStream stream.
 *
 * Cheap enough to stay on in a storm: many records per message, written in the background, compressed by the server.
 */
import {
  JetStreamApiError,
  StorageType,
  StoreCompression,
  jetstream,
  type JetStreamClient,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../errors/sluice-error';
import type { DecisionRecord } from '../records/decision-record';
import type { DecisionCounts } from './bus';
import type { BusConnection } from './bus-connection';
import { createStream, findStream, isPermissionViolation } from './stream';
import { decisionSubject, FORMER, type StreamNames } from './bus-names';

const KEEP_FOR_MS = 7 * 24 * 3_600_000;
const KEEP_BYTES = 512 * 1024 * 1024;
const FLUSH_AFTER_MS = 50;
const MAX_RECORDS_PER_MESSAGE = 200;
/** About 20 MB of records. The oldest are dropped first: the newest show what is happening now. */
const MAX_BUFFERED = 50_000;
const NO_STORAGE_LEFT = 10047;
const MAX_RECORD_TEXT = 2_000;

/** Metadata key of the decision stream: an earlier version, whose names had no tenant, used this server. */
const SUCCEEDS = 'sluice.io/succeeds';

/**
 * Creates the stream if it is missing; leaves an existing one unchanged. Returns whether an earlier version used this
 * server: determined once, so that a new installation never looks for former names.
 */
export async function ensureDecisionStream(connection: BusConnection, manager: JetStreamManager): Promise<boolean> {
  const { decisions, description } = connection.names;
  const existing = await findStream(manager, decisions.stream);
  if (existing) return SUCCEEDS in (existing.metadata ?? {});
  const succeeds = await wasServed(manager);
  const config: Partial<StreamConfig> & { name: string } = {
    name: decisions.stream,
    description,
    ...(succeeds && { metadata: { [SUCCEEDS]: FORMER.decisions.stream } }),
    subjects: [`${decisions.prefix}.>`],
    storage: StorageType.File,
    compression: StoreCompression.S2,
    max_age: nanos(KEEP_FOR_MS),
    max_bytes: KEEP_BYTES,
    num_replicas: connection.settings.stream.replicas,
  };
  try {
    await createStream(connection, manager, config);
  } catch (error) {
    // The server reserves max_bytes; a small one still has space for a journal without a reservation.
    if (!(error instanceof JetStreamApiError) || error.code !== NO_STORAGE_LEFT) throw error;
    await createStream(connection, manager, { ...config, max_bytes: -1 });
  }
  return succeeds;
}

/** As `ensureDecisionStream`, without creating anything. */
export async function findSuccession(connection: BusConnection, manager: JetStreamManager): Promise<boolean> {
  const existing = await findStream(manager, connection.names.decisions.stream);
  return existing ? SUCCEEDS in (existing.metadata ?? {}) : await wasServed(manager);
}

/** Every earlier version created this stream when it connected, and nothing else does. */
async function wasServed(manager: JetStreamManager): Promise<boolean> {
  try {
    return (await findStream(manager, FORMER.decisions.stream)) !== undefined;
  } catch (error) {
    // A user with the rights of one tenant may not query this stream, and has never written to it.
    if (isPermissionViolation(error)) return false;
    throw error;
  }
}

export class DecisionJournal {
  private readonly client: JetStreamClient;
  private buffer: DecisionRecord[] = [];
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private recorded = 0;
  private lost = 0;
  private closed = false;
  private isComplaining = false;

  constructor(
    private readonly connection: BusConnection,
    private readonly ensureStream: () => Promise<unknown>,
  ) {
    this.client = jetstream(connection.nats, { timeout: 5_000 });
  }

  record(records: readonly DecisionRecord[]): void {
    for (const record of records) this.buffer.push(record);
    if (this.buffer.length > MAX_BUFFERED) {
      this.lost += this.buffer.splice(0, this.buffer.length - MAX_BUFFERED).length;
    }
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_AFTER_MS);
  }

  /** Resolves once everything recorded before the call is on the bus, or dropped because the journal was closed. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writing.then(() => this.writeAll());
    return this.writing;
  }

  counts(): DecisionCounts {
    return { recorded: this.recorded, lost: this.lost };
  }

  async close(deadlineMs = 3_000): Promise<void> {
    await Promise.race([this.flush(), delay(deadlineMs, undefined, { ref: false })]);
    this.closed = true;
  }

  private async writeAll(): Promise<void> {
    const records = this.buffer;
    this.buffer = [];
    for (let attempt = 0; records.length > 0 && !this.closed; attempt += 1) {
      const failed = await this.write(records.splice(0));
      records.push(...failed);
      if (failed.length > 0) await delay(Math.min(200 * 2 ** attempt, 2_000));
    }
    this.lost += records.length;
  }

  /** Returns the records that could not be written. */
  private async write(records: readonly DecisionRecord[]): Promise<DecisionRecord[]> {
    const messages = [...groupBySubject(this.connection.names.decisions, records)].flatMap(([subject, group]) =>
      chunks(group, MAX_RECORDS_PER_MESSAGE).map((chunk) => ({ subject, chunk })),
    );
    const failed: DecisionRecord[] = [];
    await Promise.all(
      messages.map(async ({ subject, chunk }) => {
        try {
          await this.client.publish(subject, JSON.stringify(chunk.map(shorten)));
          this.recorded += chunk.length;
          this.isComplaining = false;
        } catch (error) {
          failed.push(...chunk);
          await this.recoverFrom(error);
        }
      }),
    );
    return failed;
  }

  private async recoverFrom(error: unknown): Promise<void> {
    if (!this.isComplaining && this.connection.isConnected()) {
      this.isComplaining = true;
      this.connection.log(
        'warn',
        `event bus ${this.connection.settings.name}: decisions cannot be written yet: ${describeError(error)}`,
      );
    }
    if (this.connection.isConnected()) await this.ensureStream().catch(() => undefined);
  }
}

/** Shortens a reason, which may quote filter input: a record stays a line, not a document. */
function shorten(record: DecisionRecord): DecisionRecord {
  if (record.reason === undefined || record.reason.length <= MAX_RECORD_TEXT) return record;
  return { ...record, reason: `${record.reason.slice(0, MAX_RECORD_TEXT)}…` };
}

function groupBySubject(names: StreamNames, records: readonly DecisionRecord[]): Map<string, DecisionRecord[]> {
  const groups = new Map<string, DecisionRecord[]>();
  for (const record of records) {
    const subject = decisionSubject(
      names,
      record.namespace,
      record.sensor ?? record.eventSource ?? '-',
      record.decision,
    );
    const group = groups.get(subject);
    if (group) group.push(record);
    else groups.set(subject, [record]);
  }
  return groups;
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
