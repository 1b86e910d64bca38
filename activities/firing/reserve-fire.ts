/** Exact rate limits across all workers of a sensor: the state is on the bus, changed by compare-and-set. */
import { Context } from '@temporalio/activity';
import { createRateLimitState, reserve, type RateLimitState } from './rate-limit';
import type { ReserveFireRequest } from '../../src/contract/activities';
import { toApplicationFailure } from '../worker/failures';
import type { WorkerDependencies } from '../worker/worker-dependencies';

interface Reserved extends RateLimitState {
  /** Fire id → its start: a retried activity must not reserve a second place. */
  readonly places: Readonly<Record<string, number>>;
}

/** How long a place is remembered after its start. */
const REMEMBER_MS = 10 * 60_000;

export function createRateLimits({ buses }: WorkerDependencies) {
  return async function sluiceReserveFire(request: ReserveFireRequest): Promise<number> {
    const { sensor, trigger, fireId, rateLimit } = request;
    try {
      return await buses.use(request.bus, Context.current().cancellationSignal, async (bus) => {
        const key = [sensor.namespace, sensor.name, trigger].map(encodeKey).join('.');
        const now = Date.now();
        const take = (before: Reserved | undefined): Reserved | undefined => {
          const { places, ...counted }: Reserved = before ?? { ...createRateLimitState(), places: {} };
          if (places[fireId] !== undefined) return before;
          const { state: after, waitMs } = reserve(rateLimit, counted, now);
          const kept = Object.entries(places).filter(([, start]) => start > now - REMEMBER_MS);
          return { ...after, places: { ...Object.fromEntries(kept), [fireId]: now + waitMs } };
        };
        const state = await bus.updateShared('rate-limits', key, take);
        return Math.max(0, (state.places[fireId] ?? now) - now);
      });
    } catch (error) {
      throw toApplicationFailure(error);
    }
  };
}

/** Keys of the store allow letters, digits, `-`, `_`, `=` and `/`; dots separate. */
function encodeKey(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, (character) => `=${character.charCodeAt(0).toString(16)}`);
}
