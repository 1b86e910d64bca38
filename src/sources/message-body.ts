/** The content of a broker's message: JSON where the manifest asks for it, base64 otherwise, as in Argo Events. Pure. */
import { describeError } from '../errors/sluice-error';
import { readJson, type JsonDocument } from '../event/json-text';
import { inStage, type WorkStage } from '../metrics/stages';
import type { RejectedInput } from './source';

export interface MessageBody {
  /** Undefined if the content is not JSON in UTF-8. */
  readonly document?: JsonDocument;
  /** Why it is not. */
  readonly problem?: string;
}

export function readBody(stage: WorkStage, content: Uint8Array | string): MessageBody {
  try {
    const text = typeof content === 'string' ? content : new TextDecoder('utf-8', { fatal: true }).decode(content);
    return { document: inStage(stage, () => readJson(text)) };
  } catch (error) {
    return { problem: describeError(error) };
  }
}

/** The member `body` of a payload. */
export function bodyMember(
  jsonBody: boolean | undefined,
  { document }: MessageBody,
  content: Uint8Array | string,
): JsonDocument {
  return jsonBody && document !== undefined ? document : Buffer.from(content).toString('base64');
}

/** Returns why a message whose body must be JSON becomes no event; `what` names it: `the message 7`. */
export function rejectedBody(
  jsonBody: boolean | undefined,
  { problem }: MessageBody,
  what: string,
): Omit<RejectedInput, 'transportId'> | undefined {
  if (!jsonBody || problem === undefined) return undefined;
  return { code: 'EVENT_UNDECODABLE', reason: `${what} is rejected, because jsonBody is set: ${problem}` };
}
