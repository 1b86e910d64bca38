import { FireLoad } from '../../../activities/worker/fire-load';

const ids = (prefix: string): string[] => Array.from({ length: 200 }, (_, index) => `${prefix}-${index}`);

describe('the load of a worker', () => {
  const { signal } = new AbortController();

  it('has room until two hundred fires are under way, and again when one of them has ended', async () => {
    const load = new FireLoad();
    await load.capacity(signal);
    load.begun(ids('a'));
    let hasRoom = false;
    const room = load.capacity(signal).then(() => (hasRoom = true));
    await Promise.resolve();
    expect(hasRoom).toBe(false);
    load.finished(['a-7']);
    expect(await room).toBe(true);
  });

  it('forgets fires that another worker took over, but not those that take long here', async () => {
    const load = new FireLoad(5);
    load.started(ids('elsewhere'));
    await load.capacity(signal);
    load.started(ids('here'));
    load.begun(ids('here'));
    const other = new FireLoad(5);
    other.started(ids('elsewhere'));
    let hasRoom = false;
    void load.capacity(signal).then(() => (hasRoom = true));
    // Once this one has forgotten its fires, the other would have, too.
    await other.capacity(signal);
    expect(hasRoom).toBe(false);
    load.finished(['here-0']);
  });
});
