import { mkdtempSync, rmSync, symlinkSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKeyRing } from '../../src/payloads/key-ring';
import { parsePayloadKeys } from '../../src/payloads/payload-keys';
import { eventually } from '../setup/eventually';
import { keyText, refuseWarnings } from './key-text';

describe('a list of payload keys', () => {
  it('is read from lines, from a YAML list and from a variable with commas', () => {
    const [a, b] = [keyText(1), keyText(2)];
    const expected = ['new', 'old'];
    const ids = (text: string): string[] => parsePayloadKeys(text, 'here').map(({ id }) => id);
    expect(ids(`# encrypts\nnew: ${a}\n\nold: ${b} # until May\n`)).toEqual(expected);
    expect(ids(`- new: "${a}"\r\n- 'old': '${b}'\r\n`)).toEqual(expected);
    expect(ids(`new:${a},old:${b}`)).toEqual(expected);
  });

  it.each([
    ['', /there is no key/],
    ['# nothing', /there is no key/],
    [keyText(1), /entry 1 is not of the form "id: base64"/],
    [`a: ${keyText(1)}\n: ${keyText(2)}`, /entry 2 is not of the form/],
    [`a b: ${keyText(1)}`, /entry 1 is not of the form/],
    [`a: ${keyText(1)}\na: ${keyText(2)}`, /key id "a" is listed twice/],
    ['a: c2hvcnQ=', /key "a" has 5 bytes, expected 32/],
    [`a: ${keyText(1)}AAAA`, /key "a" (is not base64|has \d+ bytes)/],
    [`a: ${'-'.repeat(44)}`, /key "a" is not base64/],
  ])('is rejected with the place and advice, and without showing a key: %j', (text, message) => {
    const refused = (): unknown => parsePayloadKeys(text, 'SLUICE_PAYLOAD_KEYS');
    expect(refused).toThrow(message);
    expect(refused).toThrow(/^SLUICE_PAYLOAD_KEYS: /);
    expect(refused).not.toThrow(keyText(1).slice(0, 10));
  });

  it('comes from a file or from a variable, but not from both', () => {
    const warn = refuseWarnings;
    expect(readKeyRing({ SLUICE_PAYLOAD_KEYS: '', SLUICE_PAYLOAD_KEYS_FILE: '' }, { warn })).toBeUndefined();
    expect(readKeyRing({ SLUICE_PAYLOAD_KEYS: `a: ${keyText(1)}` }, { warn })?.current().id).toBe('a');
    const both = { SLUICE_PAYLOAD_KEYS: `a: ${keyText(1)}`, SLUICE_PAYLOAD_KEYS_FILE: '/keys' };
    expect(() => readKeyRing(both, { warn })).toThrow(/both/);
    expect(() => readKeyRing({ SLUICE_PAYLOAD_KEYS_FILE: '/does/not/exist' }, { warn })).toThrow(/cannot be read/);
  });
});

describe('a file of payload keys', () => {
  let folder: string;
  const warnings: string[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
    warnings.length = 0;
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** As the kubelet does it: the file is a link into a folder that is itself replaced. */
  const mount = (version: string, text: string): string => {
    const data = join(folder, version);
    writeFileSync(data, text);
    const next = join(folder, 'next');
    symlinkSync(data, next);
    renameSync(next, join(folder, 'keys'));
    return join(folder, 'keys');
  };
  const open = (path: string) => {
    const ring = readKeyRing({ SLUICE_PAYLOAD_KEYS_FILE: path }, { warn: (message) => void warnings.push(message) });
    if (ring === undefined) throw new Error('no keys');
    return ring;
  };

  it('is read again when a mounted Secret changes', async () => {
    const ring = open(mount('1', `one: ${keyText(1)}`));
    expect(ring.current().id).toBe('one');
    mount('2', `two: ${keyText(2)}\none: ${keyText(1)}`);
    await eventually(() => ring.current().id === 'two');
    expect(ring.ids()).toEqual(['two', 'one']);
  });

  it('is read once more for a missing key', () => {
    const ring = open(mount('1', `one: ${keyText(1)}`));
    expect(ring.find('two')).toBeUndefined();
    mount('2', `one: ${keyText(1)}\ntwo: ${keyText(2)}`);
    expect(ring.find('two')?.id).toBe('two');
  });

  it('keeps the former keys while it is invalid or missing, and logs it once', async () => {
    const path = mount('1', `one: ${keyText(1)}`);
    const ring = open(path);
    mount('2', 'one');
    await eventually(() => ring.current().id === 'one' && warnings.length > 0);
    expect(warnings).toEqual([expect.stringContaining('entry 1 is not of the form')]);
    unlinkSync(path);
    expect(ring.find('two')).toBeUndefined();
    expect(ring.find('two')).toBeUndefined();
    expect(ring.current().id).toBe('one');
    expect(warnings).toEqual([expect.anything(), expect.stringContaining('cannot be read')]);
    mount('3', `three: ${keyText(3)}\none: ${keyText(1)}`);
    await eventually(() => ring.current().id === 'three');
    expect(warnings).toHaveLength(2);
  });
});
