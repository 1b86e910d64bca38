import { createExpressionEngine } from '../../src/expressions';
import { writeYaml } from '../../src/yaml/write-yaml';

describe('YAML that Sluice writes', () => {
  const engine = createExpressionEngine();
  afterAll(() => engine.close());

  it('means the same to the library of kubectl', async () => {
    const texts = [
      'n',
      'y',
      'yes',
      'off',
      '~',
      'null',
      '',
      '1:30',
      '0777',
      '012',
      '1e3',
      '1_000',
      '2026-01-02',
      '=',
      '<<',
    ];
    const value = { dest: 'n', n: 1, texts, flags: [true, false, null], numbers: [1, -2.5, 1e21] };
    const read = await engine.evaluate({ kind: 'yaml', text: writeYaml(value) });
    expect(read).toEqual({ ok: true, value });
  });
});
