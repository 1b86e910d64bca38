/** Manifests of hostile authors, as the controller and the admission webhook check them. */
import { createExpressionEngine, createExpressionSyntax } from '../../src/expressions';
import { createManifestChecker, type ManifestChecker } from '../../src/validation/manifest-checker';

jest.setTimeout(120_000);

const engine = createExpressionEngine();
const syntax = createExpressionSyntax(engine);
let checker: ManifestChecker;

beforeAll(() => (checker = createManifestChecker(syntax, 60_000)));
afterAll(async () => {
  await checker.close();
  await engine.close();
});

const times = <Item>(count: number, item: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => item(index));
const dependency = (name: string, more: object = {}): object => ({
  name,
  eventSourceName: 's',
  eventName: 'e',
  ...more,
});
const trigger = (name: string, more: object = {}): object => ({ template: { name, log: {} }, ...more });

function sensor(dependencies: readonly object[], triggers: readonly object[], more: object = {}): string {
  const [apiVersion, kind, metadata] = ['argoproj.io/v1alpha1', 'Sensor', { name: 'a', namespace: 'n' }];
  return JSON.stringify({ apiVersion, kind, metadata, spec: { dependencies, triggers }, ...more });
}

/** Returns the longest time in which the main thread did nothing else. */
async function longestBlockMs(work: Promise<unknown>): Promise<number> {
  let [last, longest] = [performance.now(), 0];
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  await work;
  clearInterval(timer);
  return longest;
}

it('accepts a valid manifest with its numbers and warnings, like a check without a thread', async () => {
  const resource = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { n: 'NUMBER' } };
  const text = sensor(
    [dependency('a', { transform: { jq: '.body' } })],
    [{ template: { name: 't', k8s: { operation: 'create', source: { resource } } } }],
  ).replace('"NUMBER"', '12345678901234567890');
  const { documents, problems } = await checker.check(text);
  expect(problems).toEqual([]);
  expect(JSON.stringify(documents)).toContain('12345678901234567890');
});

it('reports a program that does not compile, with its place', async () => {
  const { documents, problems } = await checker.check(
    sensor([dependency('a', { transform: { jq: '.x |' } })], [trigger('t')]),
  );
  expect(documents).toEqual([]);
  expect(problems).toMatchObject([{ path: 'spec.dependencies[0].transform.jq', caret: 4 }]);
});

const UNKNOWN = { src: { dependencyName: 'dex', dataKey: 'a' }, dest: 'b' };

it.each([
  [
    'names of 300,000 characters',
    sensor([dependency('a'.repeat(300_000))], [{ template: { name: 't', log: {}, conditions: 'b'.repeat(300_000) } }]),
  ],
  ['a field of a million characters', sensor([dependency('a')], [trigger('t')], { ['x'.repeat(1_000_000)]: 1 })],
  [
    '40,000 unknown fields',
    sensor([dependency('a')], [trigger('t')], Object.fromEntries(times(40_000, (index) => [`field${index}`, 1]))),
  ],
  [
    '8,000 unknown dependencies',
    sensor(
      times(1_000, (index) => dependency(`dep${index}`)),
      [trigger('t', { parameters: times(8_000, () => UNKNOWN) })],
    ),
  ],
  [
    'braces that open 300,000 times',
    sensor(
      [
        dependency('a', {
          filters: { data: [{ path: 'a', type: 'string', value: ['x'], template: '{{'.repeat(300_000) }] },
        }),
      ],
      [trigger('t')],
    ),
  ],
  [
    'half a million items',
    sensor(
      [dependency('a', { filters: { data: [{ path: 'a', type: 'string', value: times(500_000, () => 'x') }] } })],
      [trigger('t')],
    ),
  ],
])('refuses %s with few, short words and without holding up the main thread', async (_, text) => {
  const checking = checker.check(text);
  expect(await longestBlockMs(checking)).toBeLessThan(2_000);
  const { problems } = await checking;
  expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
  expect(JSON.stringify(problems).length).toBeLessThan(500_000);
});

it('refuses a manifest whose check does not end, and checks the next one', async () => {
  const impatient = createManifestChecker({ ...syntax, check: () => new Promise(() => undefined) }, 2_000);
  const { problems } = await impatient.check(sensor([dependency('a', { transform: { jq: '.' } })], [trigger('t')]));
  expect(problems).toMatchObject([{ severity: 'error', message: 'checking it took more than 2 s' }]);
  expect((await impatient.check(sensor([dependency('a')], [trigger('t')]))).problems).toEqual([]);
  await impatient.close();
});
