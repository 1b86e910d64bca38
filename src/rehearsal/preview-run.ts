/** Returns what a run would send, without sending it: parameters resolved, the object marked and named. */
import { pino } from 'pino';
import { createYamlReader } from '../../activities/worker/read-yaml';
import { resolveFire } from '../../activities/firing/resolve-fire';
import { takeFire } from '../../activities/firing/unresolved-fire';
import { deadLetterOf, keysOf, loadFire, type Fire } from '../contract/packed-fires';
import type { RunStart } from '../contract/run-start';
import { isSluiceError, SluiceError } from '../errors/sluice-error';
import { isJsonObject, type JsonObject, type JsonValue } from '../event/json';
import { ACTION_TIMESTAMP_LABEL } from '../kubernetes/object-marks';
import { metadataMistakes } from '../kubernetes/metadata-rules';
import type { TriggerSpec } from '../manifest/sensor';
import { RESOURCE_SOURCE_KINDS } from '../manifest/triggers/resource-source';
import type { ExpressionEngine } from '../expressions/engine';
import { createTriggers, triggerKind, type KindBlocks, type Triggers } from '../triggers/registry';
import type { ParkedTrigger, RehearsedFire, RehearsedRequest } from './rehearsal';

export type PreviewRun = (
  run: RunStart,
) => Promise<{ readonly fires: readonly RehearsedFire[]; readonly parked: readonly ParkedTrigger[] }>;

export interface RunPreviews {
  readonly previewRun: PreviewRun;
  close(): Promise<void>;
}

/** `resources`: trigger → the object to use instead of the one that its source names. */
export function createRunPreviews(
  engine: ExpressionEngine,
  resources: ReadonlyMap<string, JsonObject>,
  signal: AbortSignal,
): RunPreviews {
  const triggers = createTriggers({
    secrets: { secret: refuseNetwork, configMap: refuseNetwork },
    kubernetes: { open: refuseNetwork, close: () => undefined },
    readYaml: createYamlReader(engine),
    log: pino({ enabled: false }),
  });

  async function previewFire(run: RunStart, fire: Fire): Promise<RehearsedFire> {
    const trigger = run.input.triggers[fire.trigger];
    if (trigger === undefined) throw new Error(`run ${run.workflowId} lacks its trigger ${fire.trigger}`);
    const request = await previewRequest(run, fire, trigger);
    const { dlqTrigger } = trigger;
    if (dlqTrigger === undefined) return request;
    const deadLetter = deadLetterOf(fire, dlqTrigger.template.name);
    return { ...request, deadLetter: await previewRequest(run, deadLetter, dlqTrigger) };
  }

  async function previewRequest(run: RunStart, fire: Fire, trigger: TriggerSpec): Promise<RehearsedRequest> {
    const { sensor, events } = run.input;
    const common = {
      trigger: fire.trigger,
      kind: triggerKind(trigger.template),
      fireId: fire.id,
      runId: run.workflowId,
      events: keysOf(loadFire(fire, events)),
    };
    let missing: string | undefined;
    const fetchResource: Triggers['fetchResource'] = async (request) => {
      const given = resources.get(fire.trigger);
      if (given !== undefined) return structuredClone(given);
      missing = networkOf(request.template);
      if (missing !== undefined) await refuseNetwork();
      return await triggers.fetchResource(request);
    };
    try {
      const request = { sensor, runId: run.workflowId, events, fires: [fire], triggers: { [fire.trigger]: trigger } };
      const resolved = await resolveFire(takeFire(request, 0), { triggers: { fetchResource }, engine, signal });
      const sends = triggers.preview(resolved);
      const problem = refusalOfMetadata(sends);
      if (problem !== undefined) return { ...common, outcome: 'fails', problem };
      if (sends !== undefined) return { ...common, outcome: 'sends', sends: withoutClock(sends) };
      return { ...common, outcome: 'unresolved', reason: `a ${common.kind} trigger cannot say what it would send` };
    } catch (error) {
      if (missing !== undefined) return { ...common, outcome: 'unresolved', reason: missing };
      if (!isSluiceError(error)) throw error;
      const { code, message, fix } = error;
      return { ...common, outcome: 'fails', problem: { code, message, ...(fix !== undefined && { fix }) } };
    }
  }

  return {
    async previewRun(run) {
      const { parkedBecause: reason, fires, events } = run.input;
      if (reason !== undefined) {
        return {
          fires: [],
          parked: fires.map((fire) => ({ trigger: fire.trigger, reason, events: keysOf(loadFire(fire, events)) })),
        };
      }
      return { fires: await Promise.all(fires.map((fire) => previewFire(run, fire))), parked: [] };
    },
    close: () => triggers.close(),
  };
}

/** Names what must be read over a network before the trigger's parameters can be applied. */
function networkOf(template: KindBlocks): string | undefined {
  if (template.custom?.parameters?.length) {
    return `its parameters apply to the object that the custom trigger server ${template.custom.serverURL} returns`;
  }
  if (template.k8s?.liveObject) return 'its parameters apply to the live object in the cluster';
  const source = template.k8s?.source ?? template.argoWorkflow?.source;
  const kind = RESOURCE_SOURCE_KINDS.find((each) => source?.[each] !== undefined);
  switch (kind) {
    case 's3':
    case 'url':
    case 'git':
    case 'configmap':
      return `its object comes from source.${kind}`;
    case 'inline':
    case 'file':
    case 'resource':
    case undefined:
      return undefined;
  }
}

function refuseNetwork(): Promise<never> {
  return Promise.reject(
    new SluiceError('TRIGGER_SOURCE_UNREADABLE', { message: 'sluice test contacts no server', retryable: false }),
  );
}

/** The API server rejects illegal names and labels, and the fire is then parked. */
function refusalOfMetadata(sends: JsonValue | undefined): { code: string; message: string; fix: string } | undefined {
  if (!isJsonObject(sends) || !isJsonObject(sends.object)) return undefined;
  const { object } = sends;
  const [mistake] = metadataMistakes(object);
  if (mistake === undefined) return undefined;
  const found = mistake.path.reduce<JsonValue | undefined>(
    (below, key) => (isJsonObject(below) ? below[key] : undefined),
    object,
  );
  const message = `the API server would refuse ${mistake.path.join('.')}: ${mistake.message}: ${JSON.stringify(found)}`;
  return { code: 'TRIGGER_REFUSED', message, fix: `Expected: ${mistake.expected}.` };
}

/** Replaces the value of the one label that would differ each time. */
function withoutClock(sends: JsonValue): JsonValue {
  if (!isJsonObject(sends) || !isJsonObject(sends.object)) return sends;
  const { object } = sends;
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  if (!isJsonObject(metadata.labels) || !(ACTION_TIMESTAMP_LABEL in metadata.labels)) return sends;
  const labels = { ...metadata.labels, [ACTION_TIMESTAMP_LABEL]: '<time of the request>' };
  return { ...sends, object: { ...object, metadata: { ...metadata, labels } } };
}
