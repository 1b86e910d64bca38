/** Histories as JSON: readable, and the same on every machine. */
import { temporal } from '@temporalio/proto';

const { History } = temporal.api.history.v1;
type RecordedHistory = temporal.api.history.v1.History;

export function formatHistory(history: temporal.api.history.v1.IHistory): string {
  const options = { longs: String, enums: String, bytes: String };
  return `${JSON.stringify(History.toObject(History.fromObject(history), options), null, 1)}\n`;
}

/** The SDK's own reader of JSON fails where two copies of protobufjs are installed, so this one is used instead. */
export function parseHistory(text: string): RecordedHistory {
  return History.fromObject(JSON.parse(text) as Record<string, unknown>);
}
