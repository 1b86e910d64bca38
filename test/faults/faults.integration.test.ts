import { runFaults } from './run-faults';

describe('under faults', () => {
  it('gives every event one effect, or a parked run or a decision with the reason', async () => {
    const said: string[] = [];
    const { lost, doubled, published, rounds, stories } = await runFaults({
      seed: 1,
      rounds: 4,
      only: ['kill-sensor-worker', 'kill-nats', 'cut-redis', 'cut-temporal'],
      scale: 2,
      holdMs: 2_000,
      say: (text) => void said.push(text),
    });
    // What was said comes first in a failure: it has the seed and where it stood still.
    expect({ said, stories, lost, doubled }).toEqual({ said, stories: [], lost: 0, doubled: 0 });
    expect({ published, rounds }).toEqual({ published: 4 * 24, rounds: 4 });
  }, 900_000);
});
