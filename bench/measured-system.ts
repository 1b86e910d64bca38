/** The complete system under measurement: real servers, a worker process, the water-bodies example applied. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Redis from 'ioredis';
import { parseAllDocuments, parseDocument, Scalar } from 'yaml';
import { SluiceCommand } from '../dev/demo/command';
import { repoRoot } from '../dev/repo-root';
import { startSystem, type OwnSystem } from '../dev/system';
import { startWorker, type RunningWorker } from '../dev/worker-process';
import type { RawTarget } from './raw-posts';

const EXAMPLE = join(repoRoot, 'examples', 'water-bodies');
const NAMESPACE = 'default';
const WORKFLOWS = `/apis/argoproj.io/v1alpha1/namespaces/${NAMESPACE}/workflows`;
const STREAM = 'stac-items';
const ITEMS = 'https://earth-search.aws.element84.com/v1/collections/sentinel-2-l2a/items';
export interface WorkflowObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: { readonly arguments: { readonly parameters: ReadonlyArray<{ readonly value: string }> } };
}

export interface MeasuredSystem {
  readonly sluice: SluiceCommand;
  readonly workerPid: number;
  readonly temporalPid: number;
  /** Metrics of the worker. */
  readonly metricsUrl: string;
  readonly temporalMetricsUrl: string;
  /** Without it Workflows of the example end at once, as failed. */
  createWorkflowTemplate(): Promise<void>;
  /** The metrics of the API server, as text. */
  apiServerMetrics(): Promise<string>;
  /** The addresses of all servers, for further workers and commands. */
  readonly environment: Readonly<Record<string, string>>;
  /** Adds entries to a stream of any name, together. */
  addAll(stream: string, entries: ReadonlyArray<Readonly<Record<string, string>>>): Promise<void>;
  /** Adds one entry to a stream of any name. */
  add(stream: string, fields: Readonly<Record<string, string>>): Promise<void>;
  /** Adds entries in the flat form of the water-bodies system, with the links that `linkOf` gives. */
  publish(count: number, tag: string): Promise<void>;
  countWorkflows(): Promise<number>;
  /** Where clients of the comparison POST Workflows. */
  readonly rawTarget: RawTarget;
  /** Returns bodies for such POSTs: Workflows as Sluice creates them, under names of their own. */
  rawBodies(tag: string): Promise<(index: number) => string>;
  /** Applies the sensor again, with or without a record of every decision, and waits until it listens. */
  keepDecisions(kept: boolean): Promise<void>;
  /** Calls back for every new Workflow; resolves, once the watch is open, with a function that closes it. */
  watchWorkflows(onCreated: (workflow: WorkflowObject) => void): Promise<() => void>;
  stop(): Promise<void>;
}

export interface MeasuredSystemOptions {
  /** Without the example. */
  readonly isEmpty?: boolean;
  /** Settings of the worker. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Workflows end after so long; otherwise they never begin. */
  readonly workflowDurationMs?: number;
}

export async function startMeasuredSystem({
  isEmpty = false,
  settings = {},
  workflowDurationMs,
}: MeasuredSystemOptions = {}): Promise<MeasuredSystem> {
  const system = await startSystem({
    temporalUi: false,
    own: true,
    ...(workflowDurationMs !== undefined && { workflowDurationMs }),
  });
  let worker: RunningWorker | undefined;
  try {
    worker = await startWorker('all-in-one', { ...system.environment, SLUICE_LOG_LEVEL: 'warn', ...settings });
    const sluice = new SluiceCommand(system.environment);
    if (!isEmpty) await sluice.json('apply', '-f', EXAMPLE, '-n', NAMESPACE, '--wait', '30s');
    const measured = await measure(system, worker, sluice);
    if (workflowDurationMs !== undefined) await measured.createWorkflowTemplate();
    return measured;
  } catch (error) {
    await worker?.stop();
    await system.stop();
    throw error;
  }
}

/** Of an entry that `publish` makes. */
export function linkOf(tag: string, index: number): string {
  return `${ITEMS}/S2B_10TFK_20210713_${tag}_${index}_L2A`;
}

async function measure(system: OwnSystem, worker: RunningWorker, sluice: SluiceCommand): Promise<MeasuredSystem> {
  const { url, caPath, adminToken } = system.kubernetes;
  const redis = new Redis(system.redis.url);
  const ca = await readFile(caPath, 'utf8');
  const agent = new Agent({ keepAlive: true, ca });
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };

  const call = (method: string, path: string, body?: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const sent = request(new URL(path, url), { agent, method, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          (response.statusCode ?? 500) < 300 ? resolve(text) : reject(new Error(`${response.statusCode}: ${text}`)),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const list = async (): Promise<{
    items: WorkflowObject[];
    metadata: { remainingItemCount?: number; resourceVersion: string };
  }> => JSON.parse(await call('GET', `${WORKFLOWS}?limit=1`)) as never;

  return {
    sluice,
    workerPid: worker.pid,
    temporalPid: system.temporal.pid(),
    metricsUrl: worker.metricsUrl,
    temporalMetricsUrl: system.temporal.metricsUrl ?? '',
    async createWorkflowTemplate() {
      const documents = parseAllDocuments(await readFile(join(EXAMPLE, 'workflow-template.yaml'), 'utf8'));
      const template = documents.find((document) => document.get('kind') === 'WorkflowTemplate');
      await call('POST', WORKFLOWS.replace(/workflows$/, 'workflowtemplates'), JSON.stringify(template));
    },
    apiServerMetrics: () => call('GET', '/metrics'),
    environment: system.environment,
    async addAll(stream, entries) {
      const pipeline = redis.pipeline();
      for (const fields of entries) pipeline.xadd(stream, '*', ...Object.entries(fields).flat());
      await pipeline.exec();
    },
    add: async (stream, fields) => void (await redis.xadd(stream, '*', ...Object.entries(fields).flat())),
    async publish(count, tag) {
      const pipeline = redis.pipeline();
      for (let index = 0; index < count; index += 1) {
        const link = linkOf(tag, index);
        pipeline.xadd(STREAM, '*', 'subject', link, 'producer', 'project-a', 'href', link);
      }
      await pipeline.exec();
    },
    async countWorkflows() {
      const { items, metadata } = await list();
      return items.length + (metadata.remainingItemCount ?? 0);
    },
    rawTarget: { url, ca, token: adminToken, path: WORKFLOWS },
    async rawBodies(tag) {
      const [first] = (await list()).items;
      if (first === undefined) throw new Error('no Workflow was created');
      const { apiVersion, kind, metadata, spec } = first;
      const {
        uid: _uid,
        resourceVersion: _version,
        creationTimestamp: _time,
        generation: _generation,
        managedFields: _fields,
        ...own
      } = metadata;
      return (index) => JSON.stringify({ apiVersion, kind, metadata: { ...own, name: `raw-${tag}-${index}` }, spec });
    },
    async keepDecisions(kept) {
      const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
      try {
        const manifest = parseDocument(await readFile(join(EXAMPLE, 'sensor.yaml'), 'utf8'));
        // Quoted: YAML parses a bare `off` as a boolean.
        const value = new Scalar(kept ? 'all' : 'off');
        value.type = Scalar.QUOTE_SINGLE;
        manifest.setIn(['metadata', 'annotations', 'sluice.io/decisions'], value);
        const path = join(folder, 'sensor.yaml');
        await writeFile(path, String(manifest));
        await sluice.json('apply', '-f', path, '-n', NAMESPACE, '--wait', '30s');
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    async watchWorkflows(onCreated) {
      const { resourceVersion } = (await list()).metadata;
      const path = `${WORKFLOWS}?watch=1&resourceVersion=${resourceVersion}`;
      return await new Promise((resolve, reject) => {
        const watching = request(new URL(path, url), { agent, headers }, (response) => {
          let rest = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            const lines = (rest + chunk).split('\n');
            rest = lines.pop() ?? '';
            for (const line of lines) {
              const { type, object } = JSON.parse(line) as { type: string; object: WorkflowObject };
              if (type === 'ADDED') onCreated(object);
            }
          });
          response.on('error', () => undefined);
          resolve(() => watching.destroy());
        });
        watching.on('error', reject);
        watching.end();
      });
    },
    async stop() {
      redis.disconnect();
      agent.destroy();
      await worker.stop();
      await system.stop();
    },
  };
}
