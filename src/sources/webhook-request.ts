/** Converts an HTTP request to the payload that Argo Events makes of it, or to the response that refuses it. */
import type { IncomingMessage } from 'node:http';
import { isSluiceError } from '../errors/sluice-error';
import type { JsonObject } from '../event/json';
import { readJson, sortedObject, type JsonDocument } from '../event/json-text';
import { inStage } from '../metrics/stages';
import { BODY_SECONDS, BodyRefused, type BodyReader } from './webhook-body';
import type { CredentialMask } from './webhook-masking';
import { isSameToken } from './webhook-secrets';

/** The response that the caller gets instead. */
export class RequestRefused extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** True if the body was meant as an event and could not be decoded. */
    readonly isUndecodable = false,
  ) {
    super(message);
  }
}

export interface WebhookRequest {
  /** Returns the first value of a header as it was sent, even of a masked one. */
  header(name: string): string | undefined;
  /** As sensors see them: without credentials. */
  readonly headers: Record<string, string[]>;
  readonly body: JsonDocument;
  readonly bytes: number;
}

const DEFAULT_METHODS: readonly string[] = ['GET', 'POST'];
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export interface RequestRules {
  /** Undefined: GET and POST. */
  readonly method: string | undefined;
  /** Undefined: any caller is accepted. */
  readonly token: (() => Promise<string>) | undefined;
  readonly mask: CredentialMask;
  readonly maxPayloadBytes: number;
}

/** Throws RequestRefused. */
export async function readWebhookRequest(
  request: IncomingMessage,
  rules: RequestRules,
  bodies: BodyReader,
): Promise<WebhookRequest> {
  if (rules.token !== undefined) checkToken(request.headers.authorization, await readToken(rules.token));
  const method = request.method ?? '';
  if (!(rules.method === undefined ? DEFAULT_METHODS : [rules.method]).includes(method)) {
    throw new RequestRefused(400, 'http method does not match');
  }
  const headers = canonicalHeaders(request.rawHeaders);
  const { body, bytes } = await readBody(request, method, rules, bodies);
  return {
    header: (name) => headers[name]?.[0],
    headers: rules.mask.headers(inUtf8(headers)),
    body,
    bytes,
  };
}

async function readToken(token: () => Promise<string>): Promise<string> {
  try {
    return await token();
  } catch {
    throw new RequestRefused(500, 'Error loading auth token');
  }
}

function checkToken(header: string | undefined, token: string): void {
  const scheme = 'Bearer ';
  if (!header?.startsWith(scheme)) throw new RequestRefused(401, 'Invalid Authorization Header');
  if (!isSameToken(header.slice(scheme.length), token)) throw new RequestRefused(401, 'Invalid Auth token');
}

async function readBody(
  request: IncomingMessage,
  method: string,
  { mask, maxPayloadBytes }: RequestRules,
  bodies: BodyReader,
): Promise<{ body: JsonDocument; bytes: number }> {
  if (method === 'GET') {
    const [, query = ''] = /\?(.*)$/s.exec(request.url ?? '') ?? [];
    return { body: sortedObject(mask.parameters(valuesByName(query))), bytes: query.length };
  }
  const content = await readBytes(request, maxPayloadBytes, bodies);
  return { body: parseBody(request, method, content), bytes: content.length };
}

async function readBytes(request: IncomingMessage, maxBytes: number, bodies: BodyReader): Promise<Buffer> {
  try {
    return await bodies.read(request);
  } catch (error) {
    if (!(error instanceof BodyRefused)) throw error;
    switch (error.refusal) {
      case 'tooLarge':
        throw new RequestRefused(413, `the body is larger than ${maxBytes} bytes`, true);
      case 'tooSlow':
        throw new RequestRefused(408, `the body did not arrive within ${BODY_SECONDS} s`);
      case 'evicted':
      case 'stopping':
        throw new RequestRefused(503, 'busy, please try again');
    }
  }
}

function parseBody(request: IncomingMessage, method: string, content: Buffer): JsonDocument {
  let text: string;
  try {
    text = utf8.decode(content);
  } catch {
    throw new RequestRefused(400, 'the body is not UTF-8', true);
  }
  if (method === 'POST' && request.headers['content-type'] === 'application/x-www-form-urlencoded') {
    return sortedObject(valuesByName(text));
  }
  if (text === '') throw new RequestRefused(400, 'the body is empty; JSON is expected', true);
  try {
    return inStage('webhook body', () => readJson(text));
  } catch (error) {
    const isBeyondLimit = isSluiceError(error) && error.context.limit !== undefined;
    throw new RequestRefused(400, isBeyondLimit ? error.message : 'the body is not JSON', true);
  }
}

function valuesByName(encoded: string): JsonObject & Record<string, string[]> {
  const parameters = new URLSearchParams(encoded);
  const values = new Map<string, string[]>();
  for (const [name, value] of parameters) append(values, name, value);
  return Object.fromEntries(values);
}

/** Writes names as Go does (`Content-Type`), with values in lists; omits Host, which Go keeps elsewhere. */
function canonicalHeaders(raw: readonly string[]): Record<string, string[]> {
  const headers = new Map<string, string[]>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
    if (name !== 'Host') append(headers, name, raw[index + 1] ?? '');
  }
  return Object.fromEntries(headers);
}

/** Node decodes header values as Latin-1; Go, and so Argo Events, takes their bytes as UTF-8. */
function inUtf8(headers: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [
      name,
      values.map((value) => Buffer.from(value, 'latin1').toString('utf8')),
    ]),
  );
}

/** A map, because a name may be `__proto__`. */
function append(lists: Map<string, string[]>, name: string, value: string): void {
  const list = lists.get(name);
  if (list) list.push(value);
  else lists.set(name, [value]);
}
