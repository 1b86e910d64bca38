/** What becomes of an event source while it is applied, undisturbed or with a continue-as-new between the steps. */
import { eventually } from '../../setup/eventually';
import type { SourceStage } from './source-stage';
import { currentDetails } from '../what-people-see';

interface SourceScenario {
  readonly name: string;
  readonly run: (stage: SourceStage) => Promise<void>;
}

const BY = { by: 'ada', why: 'maintenance' };

export const EVENT_SOURCE_SCENARIOS: readonly SourceScenario[] = [
  {
    name: 'an event source that is paused, resumed, configured and deleted reads everything once',
    run: async (stage) => {
      await stage.apply(stage.streams('scenes'));
      await stage.add('scenes', '1');
      await stage.arrived(1);
      await stage.interlude();
      await stage.add('scenes', '2');
      await stage.arrived(2);
      await stage.handle.signal('pause', BY);
      await stage.readsNothing();
      await stage.interlude();
      await stage.readsNothing();
      expect((await stage.status()).paused).toMatchObject(BY);
      await stage.add('scenes', '3');
      await stage.handle.signal('resume', BY);
      expect(await stage.arrived(3)).toEqual(['1', '2', '3']);
      await stage.configure(stage.streams('scenes', 'tiles'));
      await stage.interlude();
      await stage.add('tiles', '4');
      expect(await stage.arrived(1, 'tiles')).toEqual(['4']);
      expect(await stage.arrived(3)).toEqual(['1', '2', '3']);
      await stage.handle.signal('delete', BY);
      await stage.handle.result();
    },
  },
  {
    name: 'an event source reads on when its cancellation is requested, says so, and can still be paused and deleted',
    run: async (stage) => {
      await stage.apply(stage.streams('scenes'));
      await stage.add('scenes', '1');
      await stage.arrived(1);
      await stage.handle.cancel();
      await eventually(async () => (await stage.status()).refusals?.some((line) => line.includes('sluice delete')));
      expect(await currentDetails(stage.handle)).toContain('cancellation ignored');
      await stage.interlude();
      await stage.add('scenes', '2');
      expect(await stage.arrived(2)).toEqual(['1', '2']);
      await stage.handle.signal('pause', BY);
      await stage.readsNothing();
      await stage.handle.signal('resume', BY);
      await stage.add('scenes', '3');
      expect(await stage.arrived(3)).toEqual(['1', '2', '3']);
      await stage.handle.signal('delete', BY);
      await stage.handle.result();
    },
  },
  {
    name: 'an event source with a permanently failing event and one of an unknown kind reads the others, and the failing one once it is repaired',
    run: async (stage) => {
      await stage.client.lpush(`${stage.name}-broken`, 'a list is no stream');
      const spec = {
        ...stage.streams('scenes', 'broken'),
        nsq: { often: { hostAddress: 'nsq:4150', topic: 'often', channel: 'a' } },
      };
      await stage.apply(spec);
      const statesNow = async () => (await stage.status()).events.map(({ name, state }) => [name, state]);
      const expected: unknown = expect.arrayContaining([
        ['scenes', 'Reading'],
        ['broken', 'Failed'],
        ['often', 'NotSupported'],
      ]);
      await eventually(async () => (await stage.status()).events.some(({ state }) => state === 'Failed'));
      expect(await statesNow()).toEqual(expected);
      await stage.interlude();
      expect(await statesNow()).toEqual(expected);
      await stage.add('scenes', '1');
      expect(await stage.arrived(1)).toEqual(['1']);
      await stage.client.del(`${stage.name}-broken`);
      await stage.configure(spec);
      await stage.add('broken', '2');
      expect(await stage.arrived(1, 'broken')).toEqual(['2']);
    },
  },
];
