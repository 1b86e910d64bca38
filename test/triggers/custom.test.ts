import { loadSync } from '@grpc/proto-loader';
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { createTlsFiles } from '../../dev/tls-certificates';
import { customTrigger, type CustomTemplate } from '../../src/triggers/custom';
import type { FireRequest, FireResult } from '../../src/triggers/trigger';
import { describeTriggerContract } from '../contract-suites/trigger-contract';
import { createTriggerWorld, failureOf, fireRequest } from './trigger-world';

interface TriggerServer {
  readonly port: number;
  readonly address: string;
  /** `Execute` as it was received. */
  readonly executed: Array<{ resource: string; payload: string; idempotencyKey: string }>;
  readonly policiesAsked: string[];
  /** Spec → resource. */
  fetch: (spec: string) => string;
  execute: () => string;
  policy: { success: boolean; message: string };
  /** Thrown by Execute instead of an answer. */
  failure?: { code: status; details: string };
  stop(): void;
}

type Call = ServerUnaryCall<Record<string, Buffer>, unknown>;

/** A server as a user would write it, from the published proto file. */
async function startTriggerServer(access = ServerCredentials.createInsecure()): Promise<TriggerServer> {
  const proto = loadPackageDefinition(loadSync(join(repoRoot, 'docs/triggers/trigger.proto'))) as unknown as {
    triggers: { Trigger: { service: ServiceDefinition } };
  };
  const server = new Server();
  const text = (bytes: Buffer | undefined) => bytes?.toString() ?? '';
  server.addService(proto.triggers.Trigger.service, {
    FetchResource: (call: Call, done: sendUnaryData<unknown>) =>
      done(null, { resource: Buffer.from(state.fetch(text(call.request.resource))) }),
    Execute: (call: Call, done: sendUnaryData<unknown>) => {
      const { resource, payload } = call.request;
      const idempotencyKey = String(call.metadata.get('idempotency-key')[0]);
      state.executed.push({ resource: text(resource), payload: text(payload), idempotencyKey });
      if (state.failure) done(state.failure);
      else done(null, { response: Buffer.from(state.execute()) });
    },
    ApplyPolicy: (call: Call, done: sendUnaryData<unknown>) => {
      state.policiesAsked.push(text(call.request.request));
      done(null, state.policy);
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', access, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  const state: TriggerServer = {
    port,
    address: `127.0.0.1:${port}`,
    executed: [],
    policiesAsked: [],
    fetch: (spec) => spec,
    execute: () => 'done',
    policy: { success: true, message: '' },
    stop: () => server.forceShutdown(),
  };
  return state;
}

const spec = { pipeline: 'water', size: 'large' };

async function fire(
  template: CustomTemplate,
  more: Partial<Omit<FireRequest<CustomTemplate>, 'template'>> = {},
  world = createTriggerWorld(),
): Promise<FireResult> {
  const trigger = customTrigger.create(world);
  try {
    return await trigger.fire(fireRequest(template, more));
  } finally {
    await trigger.close();
  }
}

describeTriggerContract<CustomTemplate>({
  factory: customTrigger,
  hasKey: true,
  asksToWait: false,
  hasShortLimit: false,
  async start() {
    const server = await startTriggerServer();
    return {
      port: server.port,
      leadTo: (port) => ({ serverURL: `127.0.0.1:${port}`, spec }),
      keys: () => server.executed.map(({ idempotencyKey }) => idempotencyKey),
      refuse: () => void (server.failure = { code: status.PERMISSION_DENIED, details: 'not for you' }),
      stop: () => Promise.resolve(server.stop()),
    };
  },
});

describe('the custom trigger', () => {
  let server: TriggerServer;
  beforeEach(async () => (server = await startTriggerServer()));
  afterEach(() => server.stop());

  it('fetches the resource, executes it with the payload and asks for the policy', async () => {
    const result = await fire({ serverURL: server.address, spec }, { payload: { scene: 'S2A' } });
    expect(server.executed).toEqual([
      { resource: 'pipeline: water\nsize: large\n', payload: '{"scene":"S2A"}', idempotencyKey: 'fire-1' },
    ]);
    expect(server.policiesAsked).toEqual(['done']);
    expect(result).toMatchObject({ kind: 'response' });
  });

  it('applies parameters to the resource, and executes the result', async () => {
    server.fetch = () => '{"pipeline":"water"}';
    const parameters = [{ src: { dependencyName: 'scene', dataKey: 'scene' }, dest: 'scene' }];
    const template: CustomTemplate = { serverURL: server.address, spec, parameters };
    const trigger = customTrigger.create(createTriggerWorld());
    const request = fireRequest(template);
    await expect(trigger.fetchResource?.(request)).resolves.toEqual({ pipeline: 'water' });
    await trigger.fire({ ...request, resource: { pipeline: 'water', scene: 'S2A' } });
    expect(server.executed).toMatchObject([{ resource: '{"pipeline":"water","scene":"S2A"}' }]);
    await trigger.close();
  });

  it('requires a JSON object to apply parameters to', async () => {
    server.fetch = () => 'pipeline: water';
    const parameters = [{ src: { dependencyName: 'scene' }, dest: 'scene' }];
    const trigger = customTrigger.create(createTriggerWorld());
    const request = fireRequest({ serverURL: server.address, spec, parameters });
    const failure = await failureOf(Promise.resolve(trigger.fetchResource?.(request)));
    expect(failure).toMatchObject({ code: 'TRIGGER_SOURCE_UNREADABLE', retryable: false });
    await trigger.close();
  });

  it('passes on any bytes without parameters', async () => {
    server.fetch = () => 'not: [json';
    const trigger = customTrigger.create(createTriggerWorld());
    const request = fireRequest({ serverURL: server.address, spec });
    await expect(trigger.fetchResource?.(request)).resolves.toBeUndefined();
    await trigger.fire(request);
    expect(server.executed).toMatchObject([{ resource: 'not: [json' }]);
    await trigger.close();
  });

  it("fails if the server's policy rejects", async () => {
    server.policy = { success: false, message: 'quota exceeded' };
    const failure = await failureOf(fire({ serverURL: server.address, spec }));
    expect(failure).toMatchObject({ code: 'TRIGGER_POLICY_FAILED', retryable: false });
    expect(failure.message).toContain('quota exceeded');
  });

  it.each([
    ['UNKNOWN', status.UNKNOWN, true],
    ['INTERNAL', status.INTERNAL, true],
    ['RESOURCE_EXHAUSTED', status.RESOURCE_EXHAUSTED, true],
    ['INVALID_ARGUMENT', status.INVALID_ARGUMENT, false],
    ['PERMISSION_DENIED', status.PERMISSION_DENIED, false],
    ['UNIMPLEMENTED', status.UNIMPLEMENTED, false],
  ])('classifies %s as transient or permanent', async (name, code, retryable) => {
    server.failure = { code, details: 'because' };
    const failure = await failureOf(fire({ serverURL: server.address, spec }));
    expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', retryable, context: { status: name } });
  });

  it('fails transiently if the server is down', async () => {
    server.stop();
    const failure = await failureOf(fire({ serverURL: server.address, spec }));
    expect(failure).toMatchObject({ code: 'TRIGGER_UNREACHABLE', retryable: true });
  });

  it('stops immediately when it is cancelled', async () => {
    const controller = new AbortController();
    const reason = new Error('shutting down');
    server.execute = () => {
      controller.abort(reason);
      return '';
    };
    await expect(fire({ serverURL: server.address, spec }, { signal: controller.signal })).rejects.toBe(reason);
  });

  it('previews the calls without making them', () => {
    const request = fireRequest({ serverURL: server.address, spec }, { payload: { a: 1 } });
    expect(customTrigger.create(createTriggerWorld()).preview?.(request)).toMatchObject({
      server: server.address,
      FetchResource: 'pipeline: water\nsize: large\n',
      Execute: { payload: '{"a":1}' },
    });
  });
});

describe('the custom trigger over TLS', () => {
  it('trusts the certificate of certSecret, under the name of serverNameOverride', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-custom-'));
    const files = await createTlsFiles(folder);
    const pair = {
      private_key: await readFile(files.serverKeyPath),
      cert_chain: await readFile(files.serverCertificatePath),
    };
    const server = await startTriggerServer(ServerCredentials.createSsl(null, [pair]));
    try {
      const world = createTriggerWorld({ 'trigger/ca': await readFile(files.caPath, 'utf8') });
      const secured: CustomTemplate = {
        serverURL: server.address,
        spec,
        secure: true,
        certSecret: { name: 'trigger', key: 'ca' },
      };
      await expect(fire({ ...secured, serverNameOverride: 'localhost' }, {}, world)).resolves.toBeDefined();
      const misnamed = await failureOf(fire({ ...secured, serverNameOverride: 'example.com' }, {}, world));
      expect(misnamed).toMatchObject({ code: 'TRIGGER_UNREACHABLE' });
      const untrusted = await failureOf(fire({ ...secured, certSecret: undefined }, {}, world));
      expect(untrusted).toMatchObject({ code: 'TRIGGER_UNREACHABLE' });
    } finally {
      server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
