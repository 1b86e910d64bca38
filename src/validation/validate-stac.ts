/** Checks of `stac` events beyond their schema. */
import type { EventOptions } from '../manifest/event-source';
import { describeValue, type Findings } from '../manifest/problem';
import { parseDurationMs } from '../text/durations';
import { validateTls } from './validate-common';

type StacOptions = EventOptions<'stac'>;

export function validateStac(stac: StacOptions, findings: Findings): void {
  validateUrl(stac, findings.at('url'));
  validateArea(stac, findings);
  validateTimes(stac, findings);
  if (stac.basicAuth && stac.authSecret) {
    findings.error('basicAuth and authSecret both set the header Authorization', { fix: 'Remove one of them.' });
  }
  if (stac.method === 'get' && typeof stac.cql2 === 'object') {
    findings
      .at('cql2')
      .error('CQL2 JSON does not fit into a GET request', { fix: 'Write it as text, or remove method.' });
  }
  for (const [index, { name, valueFrom }] of (stac.secureHeaders ?? []).entries()) {
    if (valueFrom.secretKeyRef || valueFrom.configMapKeyRef) continue;
    findings.at('secureHeaders', index, 'valueFrom').error(`the header ${name} has no source for its value`, {
      fix: 'Set secretKeyRef or configMapKeyRef.',
    });
  }
  validateTls(stac.tls, findings.at('tls'));
}

function validateUrl({ url, tls }: StacOptions, findings: Findings): void {
  const api = URL.canParse(url) ? new URL(url) : undefined;
  // Not quoted: it may hold a password.
  if (api === undefined || !['http:', 'https:'].includes(api.protocol)) {
    findings.error('not an address', { expected: 'the root of a STAC API, such as https://stac.example.com/v1' });
  } else if (api.username !== '' || api.password !== '') {
    findings.error('holds a user or a password', { fix: 'Put them into a Secret, and name it in basicAuth.' });
  } else if (tls !== undefined && api.protocol === 'http:') {
    findings.error('is an http address, where tls has no effect', { fix: 'Write https, or remove tls.' });
  }
}

function validateArea({ bbox, intersects }: StacOptions, findings: Findings): void {
  if (bbox !== undefined && intersects !== undefined) {
    findings.error('bbox and intersects exclude each other', { fix: 'Remove one of them.' });
  }
  if (bbox !== undefined && bbox.length !== 4 && bbox.length !== 6) {
    findings
      .at('bbox')
      .error('not an area', { found: `${bbox.length} numbers`, expected: '4 numbers, or 6 with heights' });
  }
  if (intersects !== undefined && typeof intersects['type'] !== 'string') {
    findings.at('intersects').error('not a geometry', { expected: 'GeoJSON with type and coordinates' });
  }
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

function validateTimes({ datetime, last, since, interval, lateness }: StacOptions, findings: Findings): void {
  if (datetime !== undefined && last !== undefined) {
    findings.error('datetime and last exclude each other', { fix: 'Remove one of them.' });
  }
  if (datetime !== undefined && !isInterval(datetime)) {
    findings.at('datetime').error('not a time', {
      found: describeValue(datetime),
      expected: 'RFC 3339: an instant, or an interval such as 2026-01-01T00:00:00Z/..',
    });
  }
  if (since !== undefined && !isInstant(since)) {
    findings.at('since').error('not a time', { found: describeValue(since), expected: 'such as 2026-01-01T00:00:00Z' });
  }
  const durations = [
    ['last', last],
    ['interval', interval],
    ['lateness', lateness],
  ] as const;
  for (const [field, text] of durations) {
    if (text === undefined || (parseDurationMs(text) ?? 0) >= 1_000) continue;
    findings.at(field).error('not a duration of a second or more', {
      found: describeValue(text),
      expected: 'a duration such as 30s, 1h30m or 7d',
    });
  }
}

function isInterval(text: string): boolean {
  const ends = text.split('/');
  const isOpen = (end: string): boolean => end === '..' || end === '';
  return ends.length <= 2 && ends.some((end) => !isOpen(end)) && ends.every((end) => isOpen(end) || isInstant(end));
}

function isInstant(text: string): boolean {
  return INSTANT.test(text) && !Number.isNaN(Date.parse(text));
}
