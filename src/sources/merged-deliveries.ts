/** The deliveries of several readers as those of one, in the order in which they come. */
import type { Delivery } from './source';

type Step = { readonly reader: AsyncIterator<Delivery>; readonly result: IteratorResult<Delivery> };

/** Ends when all have ended, or with the first error; what was read and not handed on is released. */
export async function* mergedDeliveries(all: ReadonlyArray<AsyncIterable<Delivery>>): AsyncIterable<Delivery> {
  const steps = new Map<AsyncIterator<Delivery>, Promise<Step>>();
  const advance = (reader: AsyncIterator<Delivery>): void => {
    const step = reader.next().then((result) => ({ reader, result }));
    // It is raced below, or looked at once reading has ended.
    step.catch(() => undefined);
    steps.set(reader, step);
  };
  for (const deliveries of all) advance(deliveries[Symbol.asyncIterator]());
  try {
    while (steps.size > 0) {
      const { reader, result } = await Promise.race(steps.values());
      steps.delete(reader);
      if (result.done === true) continue;
      advance(reader);
      yield result.value;
    }
  } finally {
    for (const step of steps.values()) void step.then(giveBack, () => undefined);
    for (const reader of steps.keys()) void reader.return?.();
  }
}

async function giveBack({ result }: Step): Promise<void> {
  if (result.done !== true) await result.value.release(new Error('reading has ended')).catch(() => undefined);
}
