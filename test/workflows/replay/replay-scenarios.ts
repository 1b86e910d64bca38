/**
 * What a replay promises. The same table runs undisturbed and with a continue-as-new of the replay in its middle; for
 * that there are more events than it reads in one portion.
 */
import { eventKey } from '../../../src/event/cloud-event';
import type { ReplayRequest } from '../../../src/contract/replay-messages';
import { eventually } from '../../setup/eventually';
import type { Scenario } from '../sensor/sensor-scenarios';
import type { Stage } from '../stage';

/** A portion has 500. */
const EVENTS = 520;
const WHOLE_BUS: ReplayRequest = { by: 'ada', why: 'test', fromSequence: 1, dryRun: false, again: false };

export const REPLAY_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a dry run reports the fires without firing',
    async run(stage) {
      const keys = await publishMany(stage);
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
      const progress = await stage.replay({ ...WHOLE_BUS, dryRun: true });
      expect(progress).toMatchObject({ state: 'Completed', read: EVENTS, matched: EVENTS, fired: EVENTS, skipped: 0 });
      expect(progress.examples.map((example) => example.eventKey)).toEqual(keys.slice(0, progress.examples.length));
      expect(stage.requests()).toEqual([]);
      expect(await stage.runIds()).toEqual([]);
    },
  },
  {
    name: 'a replay fires what never fired, each event once',
    async run(stage) {
      await publishMany(stage);
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
      const all = { state: 'Completed', read: EVENTS, unmatched: 0, failed: 0 };
      expect(await stage.replay(WHOLE_BUS)).toMatchObject({ ...all, fired: EVENTS, skipped: 0 });
      const names = (await stage.bodies(EVENTS)).map((body) => JSON.stringify(body));
      expect(new Set(names).size).toBe(EVENTS);
      // What has fired is known by its runs, which the list of workflows shows a little later.
      await eventually(async () => {
        const { skipped } = await stage.replay({ ...WHOLE_BUS, dryRun: true });
        return skipped === EVENTS;
      });
      expect(await stage.replay(WHOLE_BUS)).toMatchObject({ ...all, fired: 0, skipped: EVENTS });
      expect(stage.requests()).toHaveLength(EVENTS);
    },
  },
  {
    name: 'a replay passes the events of all its portions to joined triggers, in order',
    async run(stage) {
      await publishMany(stage);
      await stage.publish(stage.event('b', 'last'));
      await stage.apply({ dependencies: ['a', 'b'], triggers: [stage.httpTrigger('t', ['a', 'b'])] });
      expect(await stage.replay(WHOLE_BUS)).toMatchObject({ state: 'Completed', read: EVENTS + 1, joined: EVENTS + 1 });
      expect(await stage.bodies(1)).toEqual([{ a: `${EVENTS}`, b: 'last' }]);
      await stage.holdsEvents();
      expect(stage.requests()).toHaveLength(1);
    },
  },
];

/** Before the sensor is applied, so that it has not seen them. Answers their keys. */
async function publishMany(stage: Stage): Promise<string[]> {
  const events = Array.from({ length: EVENTS }, (_, index) => stage.event('a', `${index + 1}`));
  const outcomes = await stage.world.bus.publishEvents(events);
  const failed = outcomes.filter(({ kind }) => kind !== 'published');
  if (failed.length > 0) throw new Error(`not published: ${JSON.stringify(failed[0])}`);
  return events.map(eventKey);
}
