/** Reads an HTTP request and the parts of it that Argo Events makes payloads of, or the response that refuses it. */
import type { IncomingMessage } from 'node:http';
import { isSluiceError } from '../errors/sluice-error';
import { isJsonObject, type JsonObject } from '../event/json';
import { isJsonText, readJson, sortedObject, type JsonDocument, type ObjectDocument } from '../event/json-text';
import { inStage } from '../metrics/stages';
import { BODY_SECONDS, BodyRefused, type BodyReader } from './webhook-body';
import type { CredentialMask } from './webhook-masking';
import { isSameText } from './hook-signatures';

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

/** A request whose caller and method are accepted, with its body as it was sent. */
export interface HookRequest {
  readonly method: string;
  /** Without the question mark. */
  readonly query: string;
  /** Returns the first value of a header as it was sent, even of a masked one. */
  header(name: string): string | undefined;
  /** As sensors see them: without credentials. */
  readonly headers: Record<string, string[]>;
  /** Empty for GET. */
  readonly content: Buffer;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const FORM = 'application/x-www-form-urlencoded';

export interface RequestRules {
  readonly methods: readonly string[];
  /** Undefined: any caller is accepted. */
  readonly token: (() => Promise<string>) | undefined;
  readonly mask: CredentialMask;
  readonly maxPayloadBytes: number;
}

/** Throws RequestRefused. */
export async function readHookRequest(
  request: IncomingMessage,
  rules: RequestRules,
  bodies: BodyReader,
): Promise<HookRequest> {
  if (rules.token !== undefined) checkToken(request.headers.authorization, await readToken(rules.token));
  const method = request.method ?? '';
  if (!rules.methods.includes(method)) throw new RequestRefused(400, 'http method does not match');
  const headers = canonicalHeaders(request.rawHeaders);
  const [, query = ''] = /\?(.*)$/s.exec(request.url ?? '') ?? [];
  return {
    method,
    query,
    header: (name) => headers[name]?.[0],
    headers: rules.mask.headers(inUtf8(headers)),
    content: method === 'GET' ? Buffer.alloc(0) : await readBytes(request, rules.maxPayloadBytes, bodies),
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
  if (!isSameText(header.slice(scheme.length), token)) throw new RequestRefused(401, 'Invalid Auth token');
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

/** Returns the body as the webhooks of Argo Events do: JSON, or a form or a GET query by name. Throws RequestRefused. */
export function readHookBody(request: HookRequest, mask: CredentialMask): JsonDocument {
  if (request.method === 'GET') return sortedObject(mask.parameters(valuesByName(request.query)));
  if (request.method === 'POST' && isForm(request)) return sortedObject(valuesByName(readHookText(request)));
  return readHookJson(readHookText(request));
}

/** Parameters of a media type are not accepted, as in Argo Events. */
export function isForm(request: HookRequest): boolean {
  return request.header('Content-Type') === FORM;
}

/** Throws RequestRefused. */
export function readHookText({ content }: HookRequest): string {
  try {
    return utf8.decode(content);
  } catch {
    throw new RequestRefused(400, 'the body is not UTF-8', true);
  }
}

/** Throws RequestRefused. */
export function readHookJson(text: string): JsonDocument {
  if (text === '') throw new RequestRefused(400, 'the body is empty; JSON is expected', true);
  try {
    return inStage('webhook body', () => readJson(text));
  } catch (error) {
    const isBeyondLimit = isSluiceError(error) && error.context.limit !== undefined;
    throw new RequestRefused(400, isBeyondLimit ? error.message : 'the body is not JSON', true);
  }
}

/** The same, if it is an object. */
export function readHookObject(text: string): ObjectDocument {
  const document = readHookJson(text);
  if (isJsonText(document)) {
    if (isJsonObject(document.value)) return document;
  } else if (isJsonObject(document)) return document;
  throw new RequestRefused(400, 'the body is not a JSON object', true);
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
