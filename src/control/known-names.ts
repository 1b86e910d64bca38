/**
 * Explains an empty list: a name that does not exist is a typing error, and "none" would hide it. Runs only for empty
 * lists. Each function returns the explanation, or undefined if the names exist and the list is just empty.
 */
import { sensorDefinitionQuery } from '../contract/sensor-messages';
import type { TriggerSpec } from '../manifest/sensor';
import { isSluiceError } from '../errors/sluice-error';
import { APPLIED_KINDS, type AppliedKind } from './applied-kinds';
import { ALL_KINDS, listApplied, type AppliedObject } from './applied-objects';
import { queryApplied } from './ask-workflow';
import { concurrently } from '../concurrency/concurrently';
import { findRuns, type RunFilter } from './runs/search-runs';
import type { TemporalSession } from './temporal-session';
import { didYouMean, listNames, suggestObject } from './unknown-object';

const QUERIES_AT_ONCE = 8;

/** For `runs list`. Objects that are no longer applied may have left runs. */
export async function explainNoRuns(session: TemporalSession, filter: RunFilter): Promise<string | undefined> {
  const { sensor, trigger, event } = filter;
  const { namespace } = filter;
  const hasRuns = async (wanted: Partial<RunFilter>): Promise<boolean> => {
    for await (const run of findRuns(session, { namespace, ...wanted })) return run.id !== '';
    return false;
  };
  const [name = '', own = namespace] = (sensor ?? '').split('/').reverse();
  if (sensor !== undefined && !(await hasRuns({ sensor }))) {
    const unknown = await explainUnapplied(session, APPLIED_KINDS.Sensor, own, name);
    if (unknown !== undefined) return unknown;
  }
  if (trigger !== undefined && !(await hasRuns({ trigger }))) {
    const applied = await listApplied(session, [APPLIED_KINDS.Sensor]);
    const asked = applied.filter(
      (object) => sensor === undefined || (object.name === name && object.namespace === own),
    );
    const { triggers, silent } = await readTriggers(session, asked);
    if (silent > 0 && silent === asked.length) {
      return `No run fires trigger "${trigger}". Sensors could not be queried for it: no worker answers`;
    }
    if (!triggers.includes(trigger)) {
      const others = silent === 0 ? '' : `. No worker answers for ${silent} more sensors`;
      return `No applied sensor has a trigger "${trigger}", and no run fires it. ${didYouMean(trigger, triggers)}Triggers: ${listNames(triggers) || 'none'}${others}`;
    }
  }
  if (event !== undefined && !(await hasRuns({ event }))) {
    return `No run carries event "${event}"; sluice explain ${event} shows what happened to it`;
  }
  return undefined;
}

/** Returns undefined if an object of this name is applied. */
export async function explainUnapplied(
  session: TemporalSession,
  kind: AppliedKind,
  namespace: string,
  name: string,
): Promise<string | undefined> {
  const applied = await listApplied(session, [kind]);
  if (applied.some((object) => object.namespace === namespace && object.name === name)) return undefined;
  return `${kind.word} ${namespace}/${name} is not applied. ${suggestObject({ kind, namespace, name }, applied)}`;
}

/** A namespace without applied objects may be a typing error, if other namespaces have some. */
export async function explainNamespace(
  session: TemporalSession,
  namespace: string | undefined,
): Promise<string | undefined> {
  if (namespace === undefined) return undefined;
  const others = [...new Set((await listApplied(session, ALL_KINDS)).map((object) => object.namespace))];
  if (others.length === 0 || others.includes(namespace)) return undefined;
  return `Nothing is applied in namespace "${namespace}". ${didYouMean(namespace, others)}Objects are applied in ${listNames(others)}`;
}

/** `silent`: sensors for which no worker answers; those of another team must not hide the names of one's own. */
async function readTriggers(
  session: TemporalSession,
  sensors: readonly AppliedObject[],
): Promise<{ readonly triggers: readonly string[]; readonly silent: number }> {
  let silent = 0;
  const found = await concurrently(sensors, QUERIES_AT_ONCE, async (object): Promise<readonly TriggerSpec[]> => {
    try {
      const { spec } = await queryApplied(session, object, sensorDefinitionQuery, []);
      return spec.triggers;
    } catch (error) {
      if (!isSluiceError(error) || error.code !== 'WORKER_MISSING') throw error;
      silent += 1;
      return [];
    }
  });
  return { triggers: [...new Set(found.flat().map(({ template }) => template.name))].sort(), silent };
}
