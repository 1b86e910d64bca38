import { requestRefusal, SENSOR_RETRIGGER_FIELDS, type RequestFields } from '../../src/contract/operator-request';

const BY = { by: 'ada', why: 'test' };
const RETRIGGER = SENSOR_RETRIGGER_FIELDS;

describe('a request that an operator types', () => {
  it.each<[string, unknown]>([
    ['neither by nor why', {}],
    ['nobody', { why: 'x' }],
    ['no why', { by: 'ada', why: ' ' }],
    ['text', 'please'],
    ['null', null],
    ['a list', [BY]],
    ['nothing', undefined],
    ['a number for a name', { by: 1, why: 'x' }],
  ])('is rejected if it contains %s', (_what, request) => {
    expect(requestRefusal(request, RETRIGGER)).toContain('"by" and "why" are required');
  });

  it.each<[string, object, RegExp]>([
    [
      'has a misspelt field, which would otherwise have no effect',
      { triger: 'post' },
      /"triger"; expected one of by, why/,
    ],
    ['names a run by a number', { runId: 5 }, /"runId" is not text/],
    ['sets values by a list', { overrides: [] }, /"overrides" is not an object/],
    ['sets values by a string', { overrides: 'spec.priority=3' }, /"overrides" is not an object/],
    ['sets again by a string', { again: 'yes' }, /"again" is not true or false/],
  ])('is rejected if it %s', (_what, fields, refusal) => {
    expect(requestRefusal({ ...BY, ...fields }, RETRIGGER)).toMatch(refusal);
  });

  it.each<[object, RequestFields]>([
    [{}, {}],
    [{ runId: 'run/a/b/c', trigger: 't', overrides: { 'spec.priority': 3 }, again: true }, RETRIGGER],
  ])('is accepted with by and why, and %j', (fields, known) => {
    expect(requestRefusal({ ...BY, ...fields }, known)).toBeUndefined();
  });
});
