/** Histories as JSON: readable, and the same on every machine. */
import { temporal } from '@temporalio/proto';

const { History } = temporal.api.history.v1;
export type RecordedHistory = temporal.api.history.v1.History;

export function formatHistory(history: temporal.api.history.v1.IHistory): string {
  const options = { longs: String, enums: String, bytes: String };
  return `${JSON.stringify(History.toObject(History.fromObject(history), options), withoutTheMachine, 1)}\n`;
}

/** Where it was recorded is of no interest, and changes with each recording. */
function withoutTheMachine(key: string, value: unknown): unknown {
  if (key === 'stackTrace') return undefined;
  return key === 'identity' ? 'recorder' : value;
}

/**
 * Reads a history that was recorded here, or that `temporal workflow show --output json` or the UI wrote. The SDK's own
 * reader of JSON fails where two copies of protobufjs are installed, so this one is used instead.
 */
export function parseHistory(text: string): RecordedHistory {
  return History.fromObject(JSON.parse(text, readTimes) as Record<string, unknown>);
}

/** In the JSON of protobuf times and durations are text; payloads are base64, which matches neither. */
function readTimes(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const [, fraction = ''] = /^\d{4}-\d\d-\d\dT[\d:]+(?:\.(\d+))?Z$/.exec(value) ?? [];
  if (/time$/i.test(key) && value.endsWith('Z')) {
    return { seconds: Math.floor(Date.parse(value) / 1_000), nanos: Number(fraction.padEnd(9, '0')) };
  }
  const [, seconds, rest = ''] = /^(\d+)(?:\.(\d+))?s$/.exec(value) ?? [];
  if (seconds === undefined || !/(timeout|interval|backoff|duration|delay|retention)$/i.test(key)) return value;
  return { seconds, nanos: Number(rest.padEnd(9, '0')) };
}
