/** The codec server with its two real clients: the Temporal UI in a browser, and Temporal's own command. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { findBinary } from '../../dev/binaries/find-binary';
import { tools } from '../../dev/binaries/catalogue';
import { openChromium, type OpenChromium } from '../../dev/chromium';
import { startTemporal, type RunningTemporal } from '../../dev/servers';
import { TemporalUi } from '../../dev/temporal-ui-pages';
import { sensorWorkflowId } from '../../src/contract/identity';
import { startClusterAtWork, type ClusterAtWork } from '../cli/cluster-at-work';
import { keyText } from '../payloads/key-text';
import { eventually } from '../setup/eventually';

const CANARY = 'canary-51c0';
const TOKEN = 'b'.repeat(40);

describe('a codec server', () => {
  let folder: string;
  let server: RunningTemporal;
  let cluster: ClusterAtWork;
  let browser: OpenChromium;
  let ui: TemporalUi;
  let codecUrl: string;
  const stop = new AbortController();
  let stopped: Promise<unknown>;
  const sensorId = (): string => sensorWorkflowId(cluster.namespace.name, 'scenes');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-codec-'));
    await writeFile(join(folder, 'keys'), `k: ${keyText(1)}`);
    await writeFile(join(folder, 'tokens'), `ada: ${TOKEN}`);
    server = await startTemporal({ own: true });
    cluster = await startClusterAtWork({
      environment: { TEMPORAL_ADDRESS: server.address, SLUICE_PAYLOAD_KEYS_FILE: join(folder, 'keys') },
    });
    await cluster.apply(cluster.busDocument, manifests());
    codecUrl = await new Promise<string>((resolve, reject) => {
      const argv = ['--port', '0', '--origin', server.uiUrl, '--token-file', join(folder, 'tokens'), '-o', 'name'];
      stopped = cluster
        .sluice(['codec-server', ...argv], { signal: stop.signal, onOutput: (text) => resolve(text.trim()) })
        .then(({ stderr }) => reject(new Error(stderr)));
      stopped.catch(() => undefined);
    });
    browser = await openChromium({ width: 1280, height: 900 });
    ui = new TemporalUi(browser.page, server.uiUrl);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    stop.abort();
    await stopped?.catch(() => undefined);
    await cluster?.stop();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const manifests = (): string => `${cluster.sourceDocument({ items: 'STREAM' })}---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: scenes }
spec:
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers:
    - template: { name: ${CANARY}, log: {} }
`;

  it('shows the content of a history to the Temporal CLI only with a token', async () => {
    const run = promisify(execFile);
    const binary = await findBinary(tools.temporal);
    const show = async (authorization: string): Promise<string> => {
      const where = ['--address', server.address, '-w', sensorId()];
      const codec = ['--codec-endpoint', codecUrl, '--codec-auth', authorization];
      const { stdout } = await run(binary, [
        'workflow',
        'show',
        ...where,
        ...codec,
        '-o',
        'json',
        '--disable-config-file',
      ]);
      // The command shows data as base64.
      return stdout.replace(/"data": "([^"]+)"/g, (_field, data: string) => Buffer.from(data, 'base64').toString());
    };
    const decoded = await show(`Bearer ${TOKEN}`);
    expect(decoded).toContain(CANARY);
    await expect(show('Bearer wrong')).rejects.toThrow('Command failed');
  }, 60_000);

  it('lets the Temporal UI show details and send encoded signals after signing in', async () => {
    const { page } = browser;
    await page.goto(server.uiUrl);
    // As the dialog "Codec Server" of the UI stores it.
    const settings = { endpoint: codecUrl, includeCredentials: true, overrideRemoteCodecConfiguration: true };
    for (const [name, value] of Object.entries(settings)) {
      await page.evaluate(`localStorage.setItem(${JSON.stringify(name)}, ${JSON.stringify(JSON.stringify(value))})`);
    }
    await page.goto(codecUrl);
    await page.getByLabel('Token').fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('You are signed in').waitFor();

    await ui.openMetadata(sensorId());
    await eventually(async () => (await ui.details().locator('main').innerText()).includes(CANARY));

    await ui.signal(sensorId(), 'pause', `{"by": "ada", "why": "${CANARY}-why"}`);
    const { stdout } = await eventually(async () => {
      const status = await cluster.sluice(['status', 'sensor/scenes']);
      return status.stdout.includes('Paused') && status;
    });
    expect(stdout).toContain(`by "ada" (unverified): ${CANARY}-why`);
    const connection = await Connection.connect({ address: server.address });
    try {
      const history = await new Client({ connection }).workflow.getHandle(sensorId()).fetchHistory();
      const stored = Buffer.from(temporal.api.history.v1.History.encode(history).finish()).toString('latin1');
      expect(stored).not.toContain(CANARY);
    } finally {
      await connection.close();
    }
    await cluster.sluice(['resume', 'sensor', 'scenes', '--why', 'shown']);
  }, 120_000);
});
