/** What a back-fill promises, undisturbed or with a continue-as-new after every few events of its history. */
import { eventPath } from '../../../src/bus/event-path';
import { eventually } from '../../setup/eventually';
import { sampleEvents } from '../../bus/bus-fixture';
import { currentDetails } from '../what-people-see';
import type { BackfillStage } from './backfill-stage';

interface BackfillScenario {
  readonly name: string;
  readonly run: (stage: BackfillStage) => Promise<void>;
}

const BY = { by: 'ada', why: 'maintenance' };

export const BACKFILL_SCENARIOS: readonly BackfillScenario[] = [
  {
    name: 'a back-fill publishes one event for each item of its range, under the id of the event source',
    run: async (stage) => {
      stage.putScenes(1_200);
      await stage.start();
      const status = await stage.until(({ isComplete }) => isComplete);
      expect(status).toMatchObject({ found: 1_200, published: 1_200, duplicates: 0, rejected: 0, state: 'Completed' });
      const events = await stage.events();
      expect(new Set(events.map(({ id }) => id)).size).toBe(1_200);
      expect(events).toHaveLength(1_200);
      expect(events.find(({ id }) => id === 'announced:stac:c:scene-7:2026-02-01T00:00:00Z')).toMatchObject({
        ...{ sluicepriority: '5', type: 'stac', time: '2026-02-01T00:00:00.000Z' },
        data: { body: { id: 'scene-7' }, values: { producer: 'sluice' } },
      });
      expect(await currentDetails(stage.handle)).toContain('by "ada" (unverified): the sensor is new');
    },
  },
  {
    name: 'a back-fill of an API that counts parts the range before it reads, and says how much is left',
    run: async (stage) => {
      stage.api.counts = true;
      stage.putScenes(5_000);
      await stage.start({}, { limit: 500 });
      const early = await stage.until(({ matched, found }) => matched !== undefined && found > 0);
      expect(early.matched).toBe(5_000);
      const status = await stage.until(({ isComplete }) => isComplete);
      expect(status).toMatchObject({ found: 5_000, published: 5_000 });
      expect(await stage.events()).toHaveLength(5_000);
    },
  },
  {
    name: 'a back-fill of an API that does not count publishes nothing twice when it parts the range',
    run: async (stage) => {
      stage.putScenes(4_500);
      await stage.start({}, { limit: 500 });
      const status = await stage.until(({ isComplete }) => isComplete);
      expect(status).toMatchObject({ found: 4_500, published: 4_500, duplicates: 0 });
    },
  },
  {
    name: 'an item that the event source has announced is recognised',
    run: async (stage) => {
      stage.putScenes(3);
      await stage.start();
      await stage.until(({ isComplete }) => isComplete);
      await eventually(async () => (await stage.handle.describe()).status.name === 'COMPLETED');
      stage.putScenes(1, 'new');
      await stage.start();
      const status = await stage.until(({ isComplete }) => isComplete);
      expect(status).toMatchObject({ found: 4, published: 1, duplicates: 3 });
    },
  },
  {
    name: 'a back-fill that is paused and resumed publishes nothing while it is paused, and nothing twice',
    run: async (stage) => {
      const answer = await stage.startHalf();
      await stage.handle.signal('pause', BY);
      const paused = await stage.until(({ state }) => state === 'Paused');
      expect(paused).toMatchObject({ found: 50, paused: BY });
      expect(await currentDetails(stage.handle)).toContain('maintenance');
      const before = stage.api.searches.length;
      answer();
      expect(stage.api.searches).toHaveLength(before);
      await stage.handle.signal('resume', BY);
      const ended = await stage.until(({ isComplete }) => isComplete);
      expect(ended).toMatchObject({ found: 100, published: 100, duplicates: 0, state: 'Completed' });
    },
  },
  {
    name: 'a back-fill that is cancelled ends, and says who cancelled it and why',
    run: async (stage) => {
      await stage.startHalf();
      await stage.handle.signal('cancel', BY);
      expect(await stage.handle.result()).toMatchObject({ state: 'Cancelled', cancelled: BY, found: 50 });
    },
  },
  {
    name: 'a back-fill ends when its cancellation is requested in the UI, also while it is paused',
    run: async (stage) => {
      await stage.startHalf();
      await stage.handle.signal('pause', BY);
      await stage.until(({ state }) => state === 'Paused');
      await stage.handle.cancel();
      await eventually(async () => (await stage.handle.describe()).status.name === 'CANCELLED');
    },
  },
  {
    name: 'a signal that does not say who sends it is rejected and shown',
    run: async (stage) => {
      await stage.startHalf();
      await stage.handle.signal('pause', {});
      const status = await stage.until(({ refusals }) => refusals !== undefined);
      expect(status.refusals).toEqual([expect.stringContaining('"by" and "why" are required')]);
      expect(status.paused).toBeUndefined();
    },
  },
  {
    name: 'a back-fill waits as long as the API asks, says so, and can be paused meanwhile',
    run: async (stage) => {
      stage.putScenes(5);
      let isBusy = true;
      stage.api.fault = () =>
        isBusy ? { status: 429, headers: { 'retry-after': '3600' }, body: { description: 'too many requests' } } : undefined; // prettier-ignore
      await stage.start();
      const waiting = await stage.until(({ state }) => state === 'Waiting');
      expect(waiting.waitsFor).toContain('HTTP 429');
      const before = stage.api.searches.length;
      await stage.handle.signal('pause', BY);
      await stage.until(({ state }) => state === 'Paused');
      expect(stage.api.searches).toHaveLength(before);
      isBusy = false;
      // Resuming is also how an operator says that the reason to wait is gone.
      await stage.handle.signal('resume', BY);
      expect(await stage.until(({ isComplete }) => isComplete)).toMatchObject({ published: 5 });
    },
  },
  {
    name: 'a back-fill goes on when the API fails for a while in its middle',
    run: async (stage) => {
      stage.putScenes(300);
      let faults = 0;
      stage.api.fault = ({ parameters }) =>
        parameters['token'] !== undefined && (faults += 1) < 3 ? { status: 400, body: {} } : undefined;
      await stage.start();
      const status = await stage.until(({ isComplete }) => isComplete);
      expect(status).toMatchObject({ found: 300, published: 300, duplicates: 0 });
    },
  },
  {
    name: 'a back-fill that can never begin fails with the reason',
    run: async (stage) => {
      stage.api.mayRead = false;
      await stage.start();
      await expect(stage.handle.result()).rejects.toMatchObject({
        cause: { cause: { message: expect.stringContaining('HTTP 403') as unknown } },
      });
    },
  },
  {
    name: 'the filter of the event source applies, and an entry that is no item is recorded',
    run: async (stage) => {
      stage.putScenes(10);
      stage.api.put({ type: 'Feature', collection: 'c', properties: { note: 'without an id' } });
      await stage.start({}, { filter: { expression: 'body.properties.index < 4' } });
      const status = await stage.until(({ isComplete }) => isComplete);
      expect(status).toMatchObject({ found: 11, published: 4, filtered: 6, rejected: 1 });
    },
  },
  {
    name: 'a back-fill waits for sensors that have many events to handle',
    run: async (stage) => {
      const { bus } = stage.world;
      const listener = await bus.openListener({
        ...{ namespace: 'argo', sensorName: stage.name, startFrom: { kind: 'all' }, maxBatch: 1 },
        paths: [eventPath(stage.name, 'announced')],
      });
      const live = sampleEvents(500, 'live').map((event) => ({ ...event, source: stage.name, subject: 'announced' }));
      await bus.publishEvents(live);
      stage.putScenes(3);
      await stage.start();
      const waiting = await stage.until(({ state }) => state === 'Waiting');
      expect(waiting).toMatchObject({ found: 0, waitsFor: expect.stringContaining('500 events') as unknown });
      await listener.close();
      await bus.forgetSensor('argo', stage.name);
      expect(await stage.until(({ isComplete }) => isComplete)).toMatchObject({ published: 3 });
    },
  },
];
