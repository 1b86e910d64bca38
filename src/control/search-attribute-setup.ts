/** Registers the search attributes of runs. */
import { temporal } from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import { describeError, SluiceError } from '../errors/sluice-error';
import { grpcStatusOf } from '../errors/temporal-failures';
import type { TemporalSession } from './temporal-session';

const TYPES = temporal.api.enums.v1.IndexedValueType;

type AttributeType = (typeof SEARCH_ATTRIBUTES)[number]['type'];

export interface AttributeState {
  readonly name: string;
  readonly type: AttributeType;
  readonly state: 'registered' | 'missing' | 'wrong type';
}

/** Resolves with the server's attributes that have our names. */
export async function readSearchAttributes(session: TemporalSession): Promise<readonly AttributeState[]> {
  const { namespace, connection } = session;
  const { customAttributes = {} } = await connection.operatorService.listSearchAttributes({ namespace });
  return SEARCH_ATTRIBUTES.map(({ name, type }) => {
    const found = customAttributes[name];
    if (found === undefined) return { name, type, state: 'missing' };
    return { name, type, state: found === indexedType(type) ? 'registered' : 'wrong type' };
  });
}

/** Registers missing attributes and returns their names. Throws TEMPORAL_NOT_PREPARED with the commands to run. */
export async function registerSearchAttributes(
  session: TemporalSession,
  states: readonly AttributeState[],
): Promise<readonly string[]> {
  const missing = states.filter(({ state }) => state === 'missing');
  if (missing.length === 0) return [];
  const { namespace, address, connection } = session;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, indexedType(type)])),
    });
  } catch (error) {
    const reason = grpcStatusOf(error)?.details ?? describeError(error);
    throw new SluiceError('TEMPORAL_NOT_PREPARED', {
      message: `Temporal at ${address} does not register the search attributes ${namesOf(missing)} for this client: ${reason}`,
      fix: `Have an administrator run: ${createCommand(namespace, missing)} (on Temporal Cloud: ${cloudCommand(namespace, missing)})`,
      retryable: false,
      cause: error,
    });
  }
  return missing.map(({ name }) => name);
}

/** Returns TEMPORAL_NOT_PREPARED if attributes have another type than runs need, otherwise undefined. */
export function wrongTypes(
  { namespace }: Pick<TemporalSession, 'namespace'>,
  states: readonly AttributeState[],
): SluiceError | undefined {
  const wrong = states.filter(({ state }) => state === 'wrong type');
  if (wrong.length === 0) return undefined;
  const needed = wrong.map(({ name, type }) => `${name} (needed: ${type})`).join(', ');
  const flags = wrong.map(({ name }) => `--name ${name}`).join(' ');
  return new SluiceError('TEMPORAL_NOT_PREPARED', {
    message: `Search attributes in Temporal namespace "${namespace}" are of another type: ${needed}. No run can start`,
    fix: `If nothing else uses them: temporal operator search-attribute remove --namespace ${namespace} ${flags}; then sluice setup`,
    retryable: false,
  });
}

function createCommand(namespace: string, attributes: readonly AttributeState[]): string {
  const flags = attributes.map(({ name, type }) => `--name ${name} --type ${type}`);
  return `temporal operator search-attribute create --namespace ${namespace} ${flags.join(' ')}`;
}

function cloudCommand(namespace: string, attributes: readonly AttributeState[]): string {
  const flags = attributes.map(({ name, type }) => `--search-attribute ${name}=${type}`);
  return `tcld namespace search-attributes add --namespace ${namespace} ${flags.join(' ')}`;
}

function namesOf(attributes: readonly AttributeState[]): string {
  return attributes.map(({ name }) => name).join(', ');
}

function indexedType(type: AttributeType): temporal.api.enums.v1.IndexedValueType {
  return type === 'Keyword' ? TYPES.INDEXED_VALUE_TYPE_KEYWORD : TYPES.INDEXED_VALUE_TYPE_KEYWORD_LIST;
}
