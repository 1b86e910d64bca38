/** Objects of triggers come from manifests, events and servers: nothing but text may become a part of a path. */
import { readJson } from '../../src/event/json-text';
import { parseKubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { toWorkingCopy } from '../../src/yaml/exact-numbers';

const read = (metadata: string) =>
  parseKubernetesObject(toWorkingCopy(readJson(`{"apiVersion":"v1","kind":"ConfigMap","metadata":${metadata}}`)), 'x');

it.each(['name', 'generateName', 'namespace'])('rejects a metadata.%s that is not a string', (field) => {
  for (const value of ['[".."]', '{"a":1}', '5', 'true', '12345678901234567890']) {
    expect(() => read(`{"${field}":${value}}`)).toThrow(
      expect.objectContaining({
        code: 'TRIGGER_SOURCE_UNREADABLE',
        message: `x is not a Kubernetes object: metadata.${field} is not text`,
      }) as Error,
    );
  }
});

it('accepts an object without name and namespace', () => {
  expect(read('{"name":null,"namespace":""}')).toMatchObject({ metadata: { name: null } });
});
