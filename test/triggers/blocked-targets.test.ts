import { customTrigger } from '../../src/triggers/custom';
import { emailTrigger } from '../../src/triggers/email';
import { kafkaTrigger } from '../../src/triggers/kafka';
import { natsTrigger } from '../../src/triggers/nats';
import { createTriggerWorld, failureOf, fireRequest } from './trigger-world';

const METADATA_SERVICE = '169.254.169.254';
const mail = { from: 'a@example.com', to: ['b@example.com'], subject: 's', body: 'b' };

describe('a trigger whose server is at a blocked address', () => {
  it.each<[string, () => Promise<unknown>]>([
    [
      'nats',
      () => {
        const template = { url: `nats://${METADATA_SERVICE}:80`, subject: 's', payload: [] };
        return natsTrigger.create(createTriggerWorld()).fire(fireRequest(template, { payload: {} }));
      },
    ],
    [
      'kafka',
      () => {
        const template = { url: `127.0.0.1:1,${METADATA_SERVICE}:80`, topic: 't', payload: [] };
        return kafkaTrigger.create(createTriggerWorld()).fire(fireRequest(template, { payload: {} }));
      },
    ],
    ['email', () => fireMail(METADATA_SERVICE)],
    ['email over IPv6', () => fireMail('fd00:ec2::254')],
    ['custom', () => fireCustom(`${METADATA_SERVICE}:80`)],
    ['custom with a resolver', () => fireCustom(`dns:///${METADATA_SERVICE}:80`)],
    ['custom with several servers', () => fireCustom(`ipv4:127.0.0.1:1,${METADATA_SERVICE}:80`)],
  ])('contacts nothing: %s', async (_, fire) => {
    expect(await failureOf(fire())).toMatchObject({
      code: 'TRIGGER_REFUSED',
      retryable: false,
      message: expect.stringContaining('is blocked') as string,
      fix: expect.stringContaining('SLUICE_BLOCKED_ADDRESSES') as string,
    });
  });

  it("does not open a socket of the worker's file system", async () => {
    expect(await failureOf(fireCustom('unix:///var/run/docker.sock'))).toMatchObject({ code: 'TRIGGER_REFUSED' });
  });
});

function fireMail(host: string): Promise<unknown> {
  return emailTrigger.create(createTriggerWorld()).fire(fireRequest({ ...mail, host, port: 80 }));
}

function fireCustom(serverURL: string): Promise<unknown> {
  const template = { serverURL, secure: false, spec: {} };
  return customTrigger.create(createTriggerWorld()).fire(fireRequest(template));
}
