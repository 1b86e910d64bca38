import { toParameterText, withTextParameters } from '../../../src/triggers/argo/parameter-values';

describe('parameter values of Argo objects', () => {
  it.each([
    [3, '3'],
    [-1.5, '-1.5'],
    [0.0000001, '0.0000001'],
    [-1.25e-9, '-0.00000000125'],
    [1e21, '1000000000000000000000'],
    [12345678, '12345678'],
    [false, 'false'],
    ['as it is', 'as it is'],
    [{ a: [1] }, '{"a":[1]}'],
  ])('%p becomes %p', (value, expected) => {
    expect(toParameterText(value)).toBe(expected);
  });

  it('become strings only where the full definition requires strings', () => {
    const workflow = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Workflow',
      metadata: {},
      spec: {
        priority: 1,
        arguments: {
          parameters: [
            { name: 'a', value: 1, default: true, enum: [1, 'b'] },
            { name: 'n', value: null },
          ],
        },
        templates: [
          { inputs: { parameters: [{ name: 'i', default: 2 }] }, container: { env: [{ name: 'E', value: 'x' }] } },
        ],
      },
    };
    expect(withTextParameters(workflow).spec).toEqual({
      priority: 1,
      arguments: { parameters: [{ name: 'a', value: '1', default: 'true', enum: ['1', 'b'] }, { name: 'n' }] },
      templates: [
        { inputs: { parameters: [{ name: 'i', default: '2' }] }, container: { env: [{ name: 'E', value: 'x' }] } },
      ],
    });
    const other = { ...workflow, apiVersion: 'example.com/v1' };
    expect(withTextParameters(other)).toBe(other);
  });
});
