import { KnownSettings } from '../../src/clients/known-settings';
import { eventually } from '../setup/eventually';

const { signal } = new AbortController();

describe('settings of a connection', () => {
  it('are read for each connection', async () => {
    const answers = ['first', 'second'];
    const settings = new KnownSettings(() => Promise.resolve(answers.shift() ?? ''));
    expect([settings.last, await settings.read(signal), await settings.read(signal), settings.last]).toEqual([
      undefined,
      'first',
      'second',
      'second',
    ]);
  });

  it('fail while they were never read', async () => {
    const settings = new KnownSettings(() => Promise.reject(new Error('no Secret')));
    await expect(settings.read(signal)).rejects.toThrow('no Secret');
  });

  it.each<[string, Promise<string>]>([
    ['cannot be read', Promise.reject(new Error('no API server'))],
    ['are not read in time', new Promise(() => undefined)],
  ])('are the last known ones if they %s', async (_case, answer) => {
    answer.catch(() => undefined);
    const answers = [Promise.resolve('known'), answer];
    const settings = new KnownSettings(() => answers.shift() ?? Promise.resolve('later'));
    await settings.read(signal);
    expect(await settings.read(signal)).toBe('known');
    expect(await settings.read(signal)).toBe('later');
  });

  it('are not waited for by a caller that stops', async () => {
    const stop = new AbortController();
    let isAsked = false;
    const settings = new KnownSettings(() => {
      isAsked = true;
      return new Promise(() => undefined);
    });
    const reading = settings.read(stop.signal);
    await eventually(() => isAsked);
    stop.abort(new Error('stopped'));
    await expect(reading).rejects.toThrow('stopped');
  });
});
