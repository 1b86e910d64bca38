import { defaultPayloadConverter } from '@temporalio/common';
import { createExpressionEngine } from '../../src/expressions';
import { decodeEvent, encodeEvent } from '../../src/event/encode-event';
import { MAX_JSON_DEPTH, measureDepth, parseJson } from '../../src/event/json';
import type { ExpressionEngine, ExpressionRequest } from '../../src/expressions/engine';
import { cloudEvent } from '../setup/cloud-event';

describe('a document at the depth limit', () => {
  const body = parseJson('{"a":'.repeat(MAX_JSON_DEPTH) + '1' + '}'.repeat(MAX_JSON_DEPTH));
  const data = { body };
  let engine: ExpressionEngine;

  beforeAll(() => {
    engine = createExpressionEngine();
  });
  afterAll(() => engine.close());

  it.each<[string, ExpressionRequest, number | undefined]>([
    ['a jq transform', { kind: 'jq', program: '{wrapped: .}', data }, MAX_JSON_DEPTH + 2],
    ['a Lua transform', { kind: 'luaTransform', script: 'event.more = 1 return event', data }, MAX_JSON_DEPTH + 1],
    ['a data path', { kind: 'get', path: 'body', data }, undefined],
    ['a Lua filter', { kind: 'luaFilter', script: 'return event.body.a ~= nil', data }, undefined],
    ['a source filter', { kind: 'expr', expression: 'body != nil', data }, undefined],
  ])('passes %s', async (_, request, depth) => {
    const outcome = await engine.evaluate(request);
    expect(outcome.ok).toBe(true);
    if (depth !== undefined) expect(measureDepth(outcome.ok && outcome.value)).toBe(depth);
  });

  it('cannot be multiplied in the result of a transform', async () => {
    const program = '{x: (reduce range(1000) as $i (0; [.]) as $deep | [range(1000) | $deep])}';
    const outcome = await engine.evaluate({ kind: 'jq', program, data });
    expect(outcome).toMatchObject({ ok: false, code: 'EXPRESSION_FAILED' });
    expect(outcome).toMatchObject({ message: expect.stringContaining('their depths add up to') as string });
  });

  it('passes the bus and the input of a run', () => {
    const event = cloudEvent({ data });
    const input = { events: [{ dependencies: { d: [decodeEvent(encodeEvent(event))] } }] };
    const payload = defaultPayloadConverter.toPayload(input);
    expect(measureDepth(defaultPayloadConverter.fromPayload(payload))).toBe(measureDepth(input));
  });
});
