/** Parameters of triggers: keys, templates, defaults and destinations. */
import fc from 'fast-check';
import type { TriggerParameter, TriggerParameterSource } from '../../src/manifest/parameters';
import { paths } from './random-json';
import { templates } from './random-templates';

const keys = fc.oneof(paths, fc.constantFrom('a', 'b', 'list.0', 'größe', '[a,b]', '{a,b}', 'list.#', 'a|@this'));
const defaults = fc.constantFrom('D', '', '5', '{"k":1}');

const sources: fc.Arbitrary<TriggerParameterSource> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ dataKey: keys }) },
  { weight: 3, arbitrary: fc.record({ dataTemplate: templates }) },
  { weight: 1, arbitrary: fc.record({ dataKey: keys, dataTemplate: templates }) },
  { weight: 1, arbitrary: fc.record({ contextKey: fc.constantFrom('id', 'subject', 'time', 'missing', '#') }) },
  { weight: 1, arbitrary: fc.record({ contextTemplate: fc.constantFrom('{{ .Input.type | upper }}', '{{ .Input.x }}') }) },
  { weight: 1, arbitrary: fc.record({ value: defaults }, { requiredKeys: [] }) },
).chain((selector) =>
  fc
    .record(
      { dependencyName: fc.constantFrom('dep', 'dep', 'dep', 'dep', 'other'), value: defaults, useRawData: fc.boolean() },
      { requiredKeys: ['dependencyName'] },
    )
    .map((rest) => ({ ...rest, ...selector })),
); // prettier-ignore

const destinations = fc.oneof(
  { weight: 3, arbitrary: paths },
  { weight: 2, arbitrary: fc.constantFrom('a', 'new', 'new.deep', 'list.-1', 'list.0', 'list.3', 'spec.0.value') },
);

const parameters: fc.Arbitrary<TriggerParameter> = fc.record(
  { src: sources, dest: destinations, operation: fc.constantFrom('append', 'prepend', 'overwrite') },
  { requiredKeys: ['src', 'dest'] },
);

export const parameterLists = fc.oneof(
  { weight: 3, arbitrary: parameters.map((each) => [each]) },
  { weight: 1, arbitrary: fc.array(parameters, { minLength: 2, maxLength: 4 }) },
);
