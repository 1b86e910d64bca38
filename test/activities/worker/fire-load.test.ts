import { FireLoad } from '../../../activities/worker/fire-load';

const ids = (prefix: string): string[] => Array.from({ length: 200 }, (_, index) => `${prefix}-${index}`);

describe('the load of a worker', () => {
  const { signal } = new AbortController();

  it('has room until two hundred fires are under way, and again when one of them has ended', async () => {
    const load = new FireLoad();
    await load.capacity('argo', signal);
    load.begun('argo', ids('a'));
    let hasRoom = false;
    const room = load.capacity('argo', signal).then(() => (hasRoom = true));
    await Promise.resolve();
    expect(hasRoom).toBe(false);
    load.finished(['a-7']);
    expect(await room).toBe(true);
  });

  it('forgets fires that another worker took over, but not those that take long here', async () => {
    const load = new FireLoad(5);
    load.started('argo', ids('elsewhere'));
    await load.capacity('argo', signal);
    load.started('argo', ids('here'));
    load.begun('argo', ids('here'));
    const other = new FireLoad(5);
    other.started('argo', ids('elsewhere'));
    let hasRoom = false;
    void load.capacity('argo', signal).then(() => (hasRoom = true));
    // Once this one has forgotten its fires, the other would have, too.
    await other.capacity('argo', signal);
    expect(hasRoom).toBe(false);
    load.finished(['here-0']);
  });

  it('keeps a share for every namespace, however much another has under way', async () => {
    const load = new FireLoad();
    load.begun('flooding', ids('a'));
    for (let n = 0; n < 50; n++) {
      await load.capacity('quiet', signal);
      load.begun('quiet', [`b-${n}`]);
    }
    let hasRoom = false;
    const room = load.capacity('quiet', signal).then(() => (hasRoom = true));
    await Promise.resolve();
    expect(hasRoom).toBe(false);
    load.finished(['b-0']);
    expect(await room).toBe(true);
  });
});
