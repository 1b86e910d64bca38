/** Errors for the name of an object that is not applied: what happened to it, or the closest match. */
import { SluiceError } from '../errors/sluice-error';
import { closestMatch } from '../text/closest-match';
import { addressText } from './ask-workflow';
import type { ObjectAddress } from './applied-kinds';
import { listApplied, workflowIdOf, type AppliedObject } from './applied-objects';
import { describeEnd, isDeleted, readEnd } from './status/execution-end';
import { findExecution } from './find-execution';
import type { TemporalSession } from './temporal-session';

const MOST_NAMES = 10;

export async function objectUnknown(session: TemporalSession, address: ObjectAddress): Promise<SluiceError> {
  const execution = await findExecution(session, workflowIdOf(address));
  const end = execution && (await readEnd(session, execution));
  if (end !== undefined && !isDeleted(end)) {
    return new SluiceError('OBJECT_UNKNOWN', {
      message: `${addressText(address)} no longer exists: ${describeEnd(end)}`,
      fix: 'Apply it again',
    });
  }
  const applied = await listApplied(session, [address.kind]);
  return new SluiceError('OBJECT_UNKNOWN', {
    message: `${addressText(address)} is not applied`,
    fix: suggestObject(address, applied),
  });
}

/** For queries that an ended workflow would still respond to. Throws OBJECT_UNKNOWN. */
export async function requireRunning(session: TemporalSession, address: ObjectAddress): Promise<void> {
  const description = await findExecution(session, workflowIdOf(address));
  if (description?.status.name !== 'RUNNING') throw await objectUnknown(session, address);
}

/** Pure. */
export function suggestObject(
  { kind, namespace, name }: ObjectAddress,
  applied: ReadonlyArray<Pick<AppliedObject, 'namespace' | 'name'>>,
): string {
  const elsewhere = applied.filter((object) => object.name === name && object.namespace !== namespace);
  if (elsewhere.length > 0) {
    const namespaces = elsewhere.map((object) => object.namespace);
    return `It is applied in namespace ${listNames(namespaces)}: add -n ${namespaces[0]}`;
  }
  const here = applied.filter((object) => object.namespace === namespace).map((object) => object.name);
  if (here.length > 0) return `${didYouMean(name, here)}${capitalize(kind.plural)} here: ${listNames(here)}`;
  const namespaces = [...new Set(applied.map((object) => object.namespace))];
  if (namespaces.length === 0) return `No ${kind.word} is applied in any namespace; sluice apply -f PATH applies one`;
  return `${didYouMean(namespace, namespaces)}${capitalize(kind.plural)} are applied in namespace ${listNames(namespaces)}; -n selects one`;
}

export function didYouMean(word: string, candidates: readonly string[]): string {
  const meant = closestMatch(word, candidates);
  return meant === undefined || meant === word ? '' : `Did you mean ${meant}? `;
}

export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).join(', ');
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown;
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
