import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Server, ServerCredentials, status, type sendUnaryData } from '@grpc/grpc-js';
import { temporal } from '@temporalio/proto';
import { repoRoot } from '../../dev/repo-root';
import { askWorkflow, notApplied } from '../../src/control/ask-workflow';
import { APPLIED_KINDS } from '../../src/control/applied-kinds';
import { withTemporal } from '../../src/control/temporal-session';
import { processIo } from '../../src/cli/io';

const SERVICE = '/temporal.api.workflowservice.v1.WorkflowService';

const DESCRIPTION = Buffer.from(
  temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse.encode({
    workflowExecutionInfo: {
      execution: { workflowId: 'sensor/a/b', runId: 'r' },
      ...{ type: { name: 'sensor' }, taskQueue: 'sensors', status: 1 },
      ...{ startTime: { nanos: 1 }, executionTime: { nanos: 1 } },
    },
  }).finish(),
);

/** A call that is repeated for a while, beside one that fails at once. */
const SCRIPT = `
const { withTemporal } = require(process.argv[1]);
const io = { env: {} };
withTemporal({ address: process.argv[2] }, io, async ({ connection }) => {
  connection.workflowService.listNamespaces({}).catch(() => undefined);
  await connection.workflowService.getClusterInfo({});
}).catch((error) => console.log(error.code));
`;

describe('the connection of a command', () => {
  let server: Server;
  let address: string;
  beforeAll(async () => {
    server = new Server();
    let unavailable = 0;
    let release = (): void => undefined;
    const isRepeated = new Promise<void>((resolve) => (release = resolve));
    const method = (name: string) => ({
      path: `${SERVICE}/${name}`,
      ...{ requestStream: false, responseStream: false },
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    });
    server.addService(
      {
        getSystemInfo: method('GetSystemInfo'),
        listNamespaces: method('ListNamespaces'),
        getClusterInfo: method('GetClusterInfo'),
        queryWorkflow: method('QueryWorkflow'),
        describeWorkflow: method('DescribeWorkflowExecution'),
      },
      {
        getSystemInfo: (_call: unknown, answer: sendUnaryData<Buffer>): void => answer(null, Buffer.alloc(0)),
        listNamespaces: (_call: unknown, answer: sendUnaryData<Buffer>): void => {
          answer({ code: status.UNAVAILABLE, details: 'not now' });
          unavailable += 1;
          if (unavailable === 2) release();
        },
        getClusterInfo: (_call: unknown, answer: sendUnaryData<Buffer>): void =>
          void isRepeated.then(() => answer({ code: status.PERMISSION_DENIED, details: 'not for you' })),
        queryWorkflow: (_call: unknown, answer: sendUnaryData<Buffer>): void =>
          answer({ code: status.CANCELLED, details: 'Call cancelled' }),
        describeWorkflow: (_call: unknown, answer: sendUnaryData<Buffer>): void => answer(null, DESCRIPTION),
      },
    );
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    address = `127.0.0.1:${port}`;
  });
  afterAll(() => server.forceShutdown());

  it('reports that no worker answers, even if the server times out first', async () => {
    const unknown = () => notApplied({ kind: APPLIED_KINDS.Sensor, namespace: 'a', name: 'b' });
    const asking = withTemporal({ address }, processIo(), (session) =>
      askWorkflow(session, 'sensor/a/b', unknown, (handle) => handle.query('status')),
    );
    await expect(asking).rejects.toMatchObject({ code: 'WORKER_MISSING' });
  });

  it('ends with the error of one call while another is still retried', async () => {
    const module = join(repoRoot, 'dist', 'src', 'control', 'temporal-session.js');
    const run = await promisify(execFile)(process.execPath, ['-e', SCRIPT, module, address]);
    expect(run).toMatchObject({ stdout: 'TEMPORAL_UNREACHABLE\n', stderr: '' });
  }, 60_000);
});
