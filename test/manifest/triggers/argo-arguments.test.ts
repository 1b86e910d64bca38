import type { ArgoWorkflowOperation } from '../../../src/manifest/triggers/kubernetes';
import { parseArgoArguments, readArgoArguments } from '../../../src/manifest/triggers/argo-arguments';

describe('args of argoWorkflow', () => {
  it.each([
    ['submit', ['--parameter', 'a=b=c'], { parameters: [{ name: 'a', value: 'b=c' }] }],
    ['submit', ['-p', 'a=1', '-pb=2', '--parameter=c='], { parameters: ['a=1', 'b=2', 'c='].map(toParameter) }],
    ['submit', ['--labels', 'a=1,b=2', '-l=c=3'], { labels: { c: '3' } }],
    ['submit', ['--generate-name', 'x-', '--name=y'], { generateName: 'x-', name: 'y' }],
    ['submit', ['--entrypoint', 'main', '--serviceaccount', 'sa'], { entrypoint: 'main', serviceAccount: 'sa' }],
    ['submit-from', ['--priority=7', '-n', 'argo'], { priority: 7, namespace: 'argo' }],
    ['submit', ['--wait', '--log', '-o', 'json', '--strict=false'], { strict: false }],
    ['submit', ['--strict', '-vwp', 'a=1', '-vpb=2'], { strict: true, parameters: ['a=1', 'b=2'].map(toParameter) }],
    ['submit', ['--node-field-selector', 'phase=Failed', '--status=Running', '--watch'], {}],
    ['submit', ['-v=false', '-wn', 'argo'], { namespace: 'argo' }],
    ['submit-from', ['--scheduled-time', '2026-01-31T06:00:00Z'], { scheduledTime: '2026-01-31T06:00:00Z' }],
    ['terminate', ['--instanceid=blue'], { instanceId: 'blue' }],
    ['resubmit', ['--memoized', '-p', 'a=1'], { memoized: true, parameters: [toParameter('a=1')] }],
    ['resubmit', ['--memoized=false'], { memoized: false }],
    [
      'retry',
      ['--restart-successful', '--node-field-selector', 'id=x'],
      { restartSuccessful: true, nodeFieldSelector: 'id=x' },
    ],
    [
      'stop',
      ['--message', 'enough', '--node-field-selector=name=a.b'],
      { message: 'enough', nodeFieldSelector: 'name=a.b' },
    ],
    ['resume', ['--node-field-selector', 'displayName=approve'], { nodeFieldSelector: 'displayName=approve' }],
  ] as [ArgoWorkflowOperation, string[], object][])(
    'of %s are read as the argo command reads them: %p',
    (operation, args, expected) => {
      expect(parseArgoArguments(args, operation)).toEqual({ parameters: [], ...expected });
    },
  );

  it.each([
    ['submit', ['--parameter-file', 'x.yaml'], 'args[0]', '--parameter-file'],
    ['submit', ['--memoized'], 'args[0]', '--memoized'],
    ['terminate', ['-l', 'app=x'], 'args[0]', '-l'],
    ['submit', ['workflow.yaml'], 'args[0]', 'workflow.yaml'],
    ['submit', ['-p', 'a=1', '--name'], 'args[2]', '--name'],
    ['submit', ['-fx.yaml'], 'args[0]', '-f'],
    ['submit', ['-wx'], 'args[0]', '-x'],
    ['submit-from', ['--scheduled-time=tomorrow'], 'args[0]', 'tomorrow'],
    ['submit', ['--priority=3000000000'], 'args[0]', '3000000000'],
    ['submit', ['--strict=maybe'], 'args[0]', 'maybe'],
    ['submit', ['--wait=tRUE'], 'args[0]', 'tRUE'],
    ['submit', ['--'], 'args[0]', '--'],
    ['submit', [''], 'args[0]', ''],
    ['submit', ['-p', 'novalue'], 'args', 'NAME=VALUE'],
    ['submit', ['--labels', 'a=b=c'], 'args', 'a=b=c'],
    ['submit', ['--priority', 'high'], 'args', 'high'],
    ['submit', ['--dry-run'], 'args[0]', '--dry-run'],
  ] as [ArgoWorkflowOperation, string[], string, string][])(
    'of %s that are not supported are rejected: %p',
    (operation, args, where, what) => {
      const refusal = { code: 'MANIFEST_INVALID', retryable: false } as object;
      expect(() => parseArgoArguments(args, operation)).toThrow(expect.objectContaining(refusal) as Error);
      expect(() => parseArgoArguments(args, operation)).toThrow(where);
      expect(() => parseArgoArguments(args, operation)).toThrow(what);
    },
  );
});

describe('rejected args of argoWorkflow', () => {
  it.each([
    ['submit', '--paramter=a=1', 'Did you mean --parameter?'],
    [
      'submit',
      '--parameter-file=x.yaml',
      'Write each of its values as --parameter NAME=VALUE: a worker has no such file.',
    ],
    ['submit', '-f', 'Write each of its values as --parameter NAME=VALUE: a worker has no such file.'],
    ['stop', '--memoized', 'Remove it: --memoized is an option of resubmit.'],
    ['submit', '--token=x', 'Remove it: the worker knows its cluster.'],
  ] as [ArgoWorkflowOperation, string, string][])('come with advice: %s %s', (operation, argument, fix) => {
    expect(readArgoArguments([argument], operation).mistakes).toMatchObject([{ index: 0, fix }]);
  });

  it('are all named, without the others', () => {
    const { options, mistakes } = readArgoArguments(['--nme', 'x', '-p', 'a=1', '--priority', 'high'], 'submit');
    expect(options).toEqual({ parameters: [{ name: 'a', value: '1' }] });
    expect(mistakes.map(({ index }) => index)).toEqual([0, 4]);
  });
});

function toParameter(text: string): { name: string; value: string } {
  const [name = '', value = ''] = text.split('=');
  return { name, value };
}
