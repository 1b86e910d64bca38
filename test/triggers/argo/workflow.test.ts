import { parseWorkflow } from '../../../src/triggers/argo/workflow';

const workflow = (spec: unknown) => ({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { name: 'w' }, spec }); // prettier-ignore

describe('a Workflow whose arguments a trigger parameter has made invalid', () => {
  it.each<[string, unknown]>([
    ['spec.arguments is not an object', { arguments: 'x' }],
    ['spec.arguments is not an object', { arguments: [] }],
    ['spec.arguments.parameters is not a list', { arguments: { parameters: { name: 'p' } } }],
    ['spec.arguments.parameters[1] is not a parameter', { arguments: { parameters: [{ name: 'p' }, null] } }],
    ['spec.arguments.parameters[0] is not a parameter', { arguments: { parameters: ['p'] } }],
    ['spec.arguments.parameters[0] is not a parameter', { arguments: { parameters: [{ name: 'p', enum: 'a' }] } }],
  ])('is rejected: %s', (message, spec) => {
    expect(() => parseWorkflow(workflow(spec), 'the source')).toThrow(
      expect.objectContaining({ code: 'TRIGGER_REFUSED', message: `the source: ${message}` }) as Error,
    );
  });

  it.each([undefined, null, {}, { arguments: null }, { arguments: { parameters: null } }])('or is read: %j', (spec) => {
    expect(parseWorkflow(workflow(spec), 'the source').spec).toEqual(spec ?? {});
  });
});
