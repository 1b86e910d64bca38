/** A worker that reads event sources, ours included. */
import { NativeConnection, Worker } from '@temporalio/worker';
import { DEFAULT_TASK_QUEUES, EventSourcePlugin } from 'sluice';
import { jsonLines } from './json-lines';

async function main(): Promise<void> {
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS ?? 'localhost:7233' }),
    taskQueue: DEFAULT_TASK_QUEUES.eventSource,
    plugins: [new EventSourcePlugin({ sources: [jsonLines] })],
    maxConcurrentActivityTaskExecutions: 1_000,
  });
  await worker.run();
}

void main();
