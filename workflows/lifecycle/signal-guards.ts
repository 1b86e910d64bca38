/**
 * Guards of the signals and updates between workers and workflows. The Temporal UI offers these to operators too, and
 * input that a handler cannot read would block its workflow permanently. Pure.
 */
import { isJsonObject, type JsonObject } from '../../src/event/json';
import { planSensor } from '../../src/sandbox/sensor/sensor-plan';
import type { SensorDefinition } from '../../src/contract/definitions';
import { missingRequester } from '../../src/contract/operator-request';
import { createUpdateRefusal } from '../../src/contract/update-refusal';

const PHASES = ['Succeeded', 'Failed', 'Error', 'Deleted', 'Unknown'];
const COUNTS = ['consumed', 'matched', 'unmatched', 'fired', 'failed'];

export function isObservationBatch(value: unknown): boolean {
  return isJsonObject(value) && isListOf(value['observations'], isObservation);
}

export function isListenerReport(value: unknown): boolean {
  if (!isJsonObject(value) || !hasTexts(value, ['listener', 'epoch', 'at']) || !hasNumbers(value, ['lag']))
    return false;
  return isJsonObject(value['counts']) && hasNumbers(value['counts'], COUNTS);
}

export function isSensorShare(value: unknown): boolean {
  if (!isJsonObject(value) || !hasTexts(value, ['group', 'sensor', 'epoch'])) return false;
  if (!hasNumbers(value, ['sequence', 'waiting']) || !isTicketList(value['asked'])) return false;
  const { holding, limit } = value;
  return isJsonObject(holding) && (limit === undefined || Number.isFinite(limit));
}

export function isGroupPlaces(value: unknown): boolean {
  return (
    isJsonObject(value) &&
    hasTexts(value, ['group', 'epoch']) &&
    isTicketList(value['given']) &&
    isTicketList(value['lost'])
  );
}

export function isBacklogReport(value: unknown): boolean {
  if (!isJsonObject(value) || !hasTexts(value, ['eventName'])) return false;
  const { backlog } = value;
  return isJsonObject(backlog) && hasTexts(backlog, ['at']) && hasNumbers(backlog, ['entries', 'pending']);
}

export function isTicketList(value: unknown): boolean {
  return isListOf(value, (ticket) => typeof ticket === 'string');
}

export function isOutcomeList(value: unknown): boolean {
  return isListOf(
    value,
    (report) =>
      isJsonObject(report) &&
      hasTexts(report, ['fireId', 'phase', 'message']) &&
      PHASES.some((phase) => phase === report['phase']) &&
      isJsonObject(report['outputs']),
  );
}

export function isAttemptList(value: unknown): boolean {
  return isListOf(
    value,
    (attempt) =>
      isJsonObject(attempt) &&
      hasTexts(attempt, ['fireId', 'at']) &&
      hasNumbers(attempt, ['tookMs']) &&
      attempt['attempts'] === undefined &&
      (attempt['failure'] === undefined
        ? isResponse(attempt['result'])
        : isFailureOfCall(attempt['failure']) && attempt['result'] === undefined),
  );
}

/** Validator of `configure`: also rejects the definition of another object. @throws ApplicationFailure USAGE */
export function requireDefinition(
  value: unknown,
  current: { readonly namespace: string; readonly name: string },
  request?: unknown,
): void {
  const isOwn = isJsonObject(value) && value['namespace'] === current.namespace && value['name'] === current.name;
  if (!isOwn || !isJsonObject(value['spec'])) {
    const own = `${current.namespace}/${current.name}`;
    throw createUpdateRefusal('USAGE', `this is not a definition of ${own}: apply its manifest with sluice apply`);
  }
  // Earlier versions of the command send none.
  const missing = request === undefined || request === null ? undefined : missingRequester(request);
  if (missing !== undefined) throw createUpdateRefusal('USAGE', missing);
}

/** Like `requireDefinition`; a spec that cannot be planned would end the sensor. @throws ApplicationFailure USAGE */
export function requireSensorDefinition(value: SensorDefinition, current: SensorDefinition, request?: unknown): void {
  requireDefinition(value, current, request);
  try {
    planSensor(value.spec, value.options);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw createUpdateRefusal('USAGE', `this sensor cannot be read: ${problem}. Apply its manifest with sluice apply`);
  }
}

function isObservation(value: unknown): boolean {
  if (!isJsonObject(value) || !hasTexts(value, ['dependency']) || !hasNumbers(value, ['receivedAt'])) return false;
  const { event, keys } = value;
  if (!isJsonObject(event) || !hasTexts(event, ['id', 'source', 'subject', 'time'])) return false;
  return keys === undefined || (isJsonObject(keys) && hasTexts(keys, Object.keys(keys)));
}

/** Only calls are under way when a run starts, so no object is expected: the run would wait for its end. */
function isResponse(value: unknown): boolean {
  return isJsonObject(value) && value['kind'] === 'response' && hasTexts(value, ['summary']);
}

function isFailureOfCall(value: unknown): boolean {
  if (!isJsonObject(value) || !hasTexts(value, ['code', 'message'])) return false;
  const { fix = '', retryAfterMs = 0, retryable, object } = value;
  return (
    typeof fix === 'string' && Number.isFinite(retryAfterMs) && typeof retryable === 'boolean' && object === undefined
  );
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function hasTexts(object: JsonObject, names: readonly string[]): boolean {
  return names.every((name) => typeof object[name] === 'string');
}

function hasNumbers(object: JsonObject, names: readonly string[]): boolean {
  return names.every((name) => Number.isFinite(object[name]));
}
