import { promisify } from 'node:util';
import { allowedLookup, readBlockedRanges, requireAllowedAddress } from '../../src/clients/blocked-addresses';

const VARIABLE = 'SLUICE_BLOCKED_ADDRESSES';
afterEach(() => {
  delete process.env[VARIABLE];
});

describe('blocked addresses', () => {
  it.each([
    '169.254.169.254',
    '169.254.0.1',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1:a9fe:a9:fe00::',
    '64:ff9b:1:a9:fe:a9fe::',
    '64:ff9b:1::a9:fea9:fe00:0',
    '64:ff9b:1:2:3:4:a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '2002:6464:64c8::',
    '2001:0:a9fe:a9fe::',
    '2001:0:1:2:3:4:5601:5601',
    '::169.254.169.254',
    'fe00::5efe:169.254.169.254',
    '[fe80::1]',
    'fd00:ec2::254',
    '100.100.100.200',
    '168.63.129.16',
  ])('include %s by default', (address) => {
    expect(() => requireAllowedAddress(address)).toThrow('is blocked');
  });

  it.each([
    '127.0.0.1',
    '10.0.0.1',
    '169.253.255.255',
    '::1',
    '2002:a00:1::',
    '64:ff9b:1::a00:1',
    '2001:db8::a9fe:a9fe',
    'metadata.example',
  ])('do not include %s', (address) => {
    expect(() => requireAllowedAddress(address)).not.toThrow();
  });

  it("are those of the worker's configuration", () => {
    process.env[VARIABLE] = '10.0.0.0/8, fd00::/8, 127.0.0.9';
    expect(() => requireAllowedAddress('10.1.2.3')).toThrow('is blocked');
    expect(() => requireAllowedAddress('127.0.0.9')).toThrow('is blocked');
    expect(() => requireAllowedAddress('169.254.169.254')).not.toThrow();
    process.env[VARIABLE] = 'none';
    expect(() => requireAllowedAddress('10.1.2.3')).not.toThrow();
  });

  it.each(['0.0.0.0', '::', '0:0:0:0:0:0:0:0', '::0.0.0.0', '::ffff:0.0.0.0', '[::ffff:0:0]'])(
    'include %s, which reaches this machine, where its own address is blocked',
    (address) => {
      process.env[VARIABLE] = '127.0.0.0/8,::1';
      expect(() => requireAllowedAddress(address)).toThrow('is blocked');
    },
  );

  it('include a name that resolves to one of them', async () => {
    process.env[VARIABLE] = '127.0.0.0/8,::1';
    const lookup = promisify(allowedLookup);
    await expect(lookup('localhost', {})).rejects.toThrow('is blocked');
    process.env[VARIABLE] = 'none';
    await expect(lookup('localhost', { family: 4 })).resolves.toBe('127.0.0.1');
  });

  it.each(['10.0.0.0/33', 'example.com', '10.0.0.0/x', '::/129'])('cannot be configured as %s', (ranges) => {
    expect(() => readBlockedRanges({ [VARIABLE]: ranges })).toThrow(`found "${ranges}"`);
  });
});
