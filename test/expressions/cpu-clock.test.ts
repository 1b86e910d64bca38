/** The clock that limits expressions: it counts what a thread does, not what passes meanwhile. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createCpuClock, currentThreadId, UNKNOWN_THREAD } from '../../src/expressions/cpu-clock';
import { eventually } from '../setup/eventually';

function spin(ms: number): void {
  const clock = createCpuClock(currentThreadId());
  for (const end = clock.read() + ms; clock.read() < end;);
  clock.close();
}

it('advances while the thread works', () => {
  const clock = createCpuClock(currentThreadId());
  const before = clock.read();
  spin(50);
  expect(clock.read() - before).toBeGreaterThanOrEqual(49);
  clock.close();
});

const onLinux = process.platform === 'linux' ? it : it.skip;

onLinux('counts another thread alone, and stops when that has ended', async () => {
  const script = `
    const { parentPort } = require('node:worker_threads');
    const { readlinkSync } = require('node:fs');
    parentPort.postMessage(Number(readlinkSync('/proc/thread-self').split('/').at(-1)));
    parentPort.on('message', () => { for (;;); });`;
  const worker = new Worker(script, { eval: true });
  const [threadId] = (await once(worker, 'message')) as [number];
  const clock = createCpuClock(threadId);
  const idle = clock.read();
  spin(300);
  expect(clock.read() - idle).toBeLessThan(100);
  worker.postMessage('work');
  await eventually(() => clock.read() - idle > 200);
  await worker.terminate();
  const end = clock.read();
  spin(20);
  expect(clock.read()).toBe(end);
  clock.close();
});

it('falls back to a share of the process where threads are not counted', () => {
  const clock = createCpuClock(UNKNOWN_THREAD);
  const before = clock.read();
  spin(100);
  expect(clock.read()).toBeGreaterThan(before);
  clock.close();
});
