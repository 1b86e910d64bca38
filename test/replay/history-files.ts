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

/** The SDK's own reader of JSON fails where two copies of protobufjs are installed, so this one is used instead. */
export function parseHistory(text: string): RecordedHistory {
  return History.fromObject(JSON.parse(text) as Record<string, unknown>);
}
