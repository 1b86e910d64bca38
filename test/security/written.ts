/** Everything that Sluice and what it runs on have written, as bytes to be searched. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { Place } from './canaries';

/** Every file below the folder, also what a database has not checked in yet. */
export async function readFolder(name: string, folder: string): Promise<Place[]> {
  const entries = await readdir(folder, { recursive: true });
  const places: Place[] = [];
  for (const entry of entries) {
    const path = join(folder, entry);
    if ((await stat(path)).isFile()) places.push({ name: `${name} ${entry}`, content: await readFile(path) });
  }
  return places;
}

/** Of every workflow: its history, and what the server says of it while it runs (attempts, failures, heartbeats). */
export async function readTemporal(address: string): Promise<Place[]> {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection });
    const places: Place[] = [];
    for await (const { workflowId, runId } of client.workflow.list()) {
      const handle = client.workflow.getHandle(workflowId, runId);
      const [history, { raw }] = await Promise.all([handle.fetchHistory(), handle.describe()]);
      const { History } = temporal.api.history.v1;
      const { DescribeWorkflowExecutionResponse } = temporal.api.workflowservice.v1;
      places.push(
        { name: `history of ${workflowId}`, content: Buffer.from(History.encode(history).finish()) },
        {
          name: `description of ${workflowId}`,
          content: Buffer.from(DescribeWorkflowExecutionResponse.encode(raw).finish()),
        },
      );
    }
    return places;
  } finally {
    await connection.close();
  }
}

/** All messages of all streams, buckets included, with what the server says of streams and consumers. */
export async function readNats(url: string, user: string, pass: string): Promise<Place[]> {
  const connection = await connect({ servers: url, user, pass });
  try {
    const manager = await jetstreamManager(connection);
    const places: Place[] = [];
    for await (const info of manager.streams.list()) {
      const { name } = info.config;
      places.push({ name: `stream ${name}`, content: JSON.stringify([info, ...(await consumersOf(manager, name))]) });
      for (let seq = info.state.first_seq; seq > 0 && seq <= info.state.last_seq; seq++) {
        const message = await manager.streams.getMessage(name, { seq });
        if (message === null) continue;
        const headers = [...message.header].map(([key, values]) => `${key}: ${values.join(', ')}`);
        places.push(
          { name: `message of ${name}`, content: `${message.subject}\n${headers.join('\n')}` },
          { name: `message of ${name}`, content: Buffer.from(message.data) },
        );
      }
    }
    return places;
  } finally {
    await connection.close();
  }
}

async function consumersOf(manager: JetStreamManager, stream: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const consumer of manager.consumers.list(stream)) found.push(consumer);
  return found;
}
