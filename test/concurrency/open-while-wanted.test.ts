import { openWhileWanted, unlessAborted } from '../../src/concurrency/open-while-wanted';

describe('a resource that opens asynchronously', () => {
  const opened: Array<{ isOpen: boolean }> = [];
  beforeEach(() => opened.splice(0));

  function opening(): { readonly promise: Promise<{ isOpen: boolean }>; readonly finish: () => void } {
    let resolve: (resource: { isOpen: boolean }) => void = () => undefined;
    const promise = new Promise<{ isOpen: boolean }>((settle) => (resolve = settle));
    const finish = (): void => {
      const resource = { isOpen: true };
      opened.push(resource);
      resolve(resource);
    };
    return { promise, finish };
  }
  const close = (resource: { isOpen: boolean }): void => void (resource.isOpen = false);
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('belongs to the caller that waited for it', async () => {
    const { promise, finish } = opening();
    const owned = openWhileWanted(promise, new AbortController().signal, close);
    finish();
    expect(await owned).toEqual({ isOpen: true });
    await settled();
    expect(opened).toEqual([{ isOpen: true }]);
  });

  it.each(['before', 'during', 'in the same moment as'])(
    'is closed if the caller was gone %s the opening',
    async (when) => {
      const { promise, finish } = opening();
      const owner = new AbortController();
      if (when === 'before') owner.abort(new Error('gone'));
      const owned = openWhileWanted(promise, owner.signal, close);
      if (when !== 'before') owner.abort(new Error('gone'));
      if (when === 'in the same moment as') finish();
      await expect(owned).rejects.toThrow('gone');
      if (when !== 'in the same moment as') finish();
      await settled();
      expect(opened).toEqual([{ isOpen: false }]);
    },
  );

  it('throws errors of opening, and survives errors of closing', async () => {
    const owner = new AbortController();
    await expect(openWhileWanted(Promise.reject(new Error('refused')), owner.signal, close)).rejects.toThrow('refused');
    const { promise, finish } = opening();
    const owned = openWhileWanted(promise, owner.signal, () => Promise.reject(new Error('cannot close')));
    owner.abort(new Error('gone'));
    finish();
    await expect(owned).rejects.toThrow('gone');
    await settled();
  });

  it('is left open for others if it is shared', async () => {
    const { promise, finish } = opening();
    const waiting = new AbortController();
    const waited = unlessAborted(promise, waiting.signal);
    waiting.abort(new Error('gone'));
    await expect(waited).rejects.toThrow('gone');
    finish();
    await settled();
    expect(opened).toEqual([{ isOpen: true }]);
  });
});
