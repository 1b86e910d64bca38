/** From an HTTP request to the payload that Argo Events makes of it, or to the answer that refuses it. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { parseJson, type JsonObject, type JsonValue } from '../event/json';

/** What the caller is told instead. */
export class RequestRefused extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** True where the body was meant as an event and could not be read as one. */
    readonly isUndecodable = false,
  ) {
    super(message);
  }
}

export interface WebhookRequest {
  readonly headers: Record<string, string[]>;
  readonly body: JsonValue;
}

const MASKED_AUTHORIZATION = '*** Masked Auth Header ***';
const DEFAULT_METHODS: readonly string[] = ['GET', 'POST'];

export interface RequestRules {
  /** Undefined: GET and POST. */
  readonly method: string | undefined;
  readonly token: string | undefined;
  readonly maxPayloadBytes: number;
}

/** Throws RequestRefused. */
export async function readWebhookRequest(request: IncomingMessage, rules: RequestRules): Promise<WebhookRequest> {
  const headers = canonicalHeaders(request.rawHeaders);
  if (rules.token !== undefined) {
    checkToken(request.headers.authorization, rules.token);
    headers.Authorization = [MASKED_AUTHORIZATION];
  }
  const method = request.method ?? '';
  if (!(rules.method === undefined ? DEFAULT_METHODS : [rules.method]).includes(method)) {
    throw new RequestRefused(400, 'http method does not match');
  }
  return { headers, body: await readBody(request, method, rules.maxPayloadBytes) };
}

function checkToken(header: string | undefined, token: string): void {
  const [scheme, given, ...rest] = (header ?? '').split(' ');
  if (scheme !== 'Bearer' || given === undefined || rest.length > 0) {
    throw new RequestRefused(401, 'Invalid Authorization Header');
  }
  if (!timingSafeEqual(digest(given), digest(token))) throw new RequestRefused(401, 'Invalid Auth token');
}

/** Equal lengths for a comparison that takes the same time whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

async function readBody(request: IncomingMessage, method: string, maxBytes: number): Promise<JsonValue> {
  if (method === 'GET') return valuesByName(new URL(request.url ?? '/', 'http://localhost').searchParams);
  const text = (await readBytes(request, maxBytes)).toString('utf8');
  if (method === 'POST' && request.headers['content-type'] === 'application/x-www-form-urlencoded') {
    return valuesByName(new URLSearchParams(text));
  }
  try {
    return parseJson(text);
  } catch {
    throw new RequestRefused(400, text === '' ? 'the body is empty; JSON is expected' : 'the body is not JSON', true);
  }
}

async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBytes) throw new RequestRefused(413, `the body is larger than ${maxBytes} bytes`, true);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function valuesByName(parameters: URLSearchParams): JsonObject {
  const names = [...new Set(parameters.keys())];
  // A name may be `__proto__`.
  return Object.fromEntries(names.map((name) => [name, parameters.getAll(name)]));
}

/** Names as Go writes them (`Content-Type`), values in lists; Go keeps Host elsewhere. */
function canonicalHeaders(raw: readonly string[]): Record<string, string[]> {
  const headers = new Map<string, string[]>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
    if (name === 'Host') continue;
    const values = headers.get(name);
    if (values) values.push(raw[index + 1] ?? '');
    else headers.set(name, [raw[index + 1] ?? '']);
  }
  // A name may be `__proto__`.
  return Object.fromEntries(headers);
}
