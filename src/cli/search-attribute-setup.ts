/** Registers the search attributes by which runs are found. */
import { temporal } from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes';
import { SluiceError } from '../errors';
import type { TemporalSession } from './temporal';

type AttributeType = (typeof SEARCH_ATTRIBUTES)[number]['type'];

export interface AttributeState {
  readonly name: string;
  readonly type: AttributeType;
  readonly state: 'registered' | 'missing' | 'wrong type';
}

/** What the server has under our names. */
export async function readSearchAttributes(session: TemporalSession): Promise<readonly AttributeState[]> {
  const types = temporal.api.enums.v1.IndexedValueType;
  const { namespace, connection } = session;
  const { customAttributes = {} } = await connection.operatorService.listSearchAttributes({ namespace });
  return SEARCH_ATTRIBUTES.map(({ name, type }) => {
    const found = customAttributes[name];
    if (found === undefined) return { name, type, state: 'missing' };
    return { name, type, state: found === types[indexedTypeName(type)] ? 'registered' : 'wrong type' };
  });
}

/** Registers what is missing and answers the names. Throws TEMPORAL_UNREACHABLE with the commands to run by hand. */
export async function registerSearchAttributes(
  session: TemporalSession,
  states: readonly AttributeState[],
): Promise<readonly string[]> {
  const missing = states.filter(({ state }) => state === 'missing');
  if (missing.length === 0) return [];
  const types = temporal.api.enums.v1.IndexedValueType;
  try {
    await session.connection.operatorService.addSearchAttributes({
      namespace: session.namespace,
      searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, types[indexedTypeName(type)]])),
    });
  } catch (error) {
    throw new SluiceError('TEMPORAL_UNREACHABLE', {
      message: `Temporal at ${session.address} does not let this client register search attributes`,
      fix: `Have an administrator run: ${missing.map(manualCommand).join(' && ')}`,
      retryable: false,
      cause: error,
    });
  }
  return missing.map(({ name }) => name);
}

function manualCommand({ name, type }: AttributeState): string {
  return `temporal operator search-attribute create --name ${name} --type ${type}`;
}

function indexedTypeName(type: AttributeType): 'INDEXED_VALUE_TYPE_KEYWORD' | 'INDEXED_VALUE_TYPE_KEYWORD_LIST' {
  return type === 'Keyword' ? 'INDEXED_VALUE_TYPE_KEYWORD' : 'INDEXED_VALUE_TYPE_KEYWORD_LIST';
}
