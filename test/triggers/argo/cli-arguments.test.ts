import type { ArgoWorkflowOperation } from '../../../src/manifest/triggers/kubernetes';
import { parseArgoArguments } from '../../../src/triggers/argo/cli-arguments';

describe('args of argoWorkflow', () => {
  it.each([
    ['submit', ['--parameter', 'a=b=c'], { parameters: [{ name: 'a', value: 'b=c' }] }],
    ['submit', ['-p', 'a=1', '-pb=2', '--parameter=c='], { parameters: ['a=1', 'b=2', 'c='].map(toParameter) }],
    ['submit', ['--labels', 'a=1,b=2', '-l=c=3'], { labels: { a: '1', b: '2', c: '3' } }],
    ['submit', ['--generate-name', 'x-', '--name=y'], { generateName: 'x-', name: 'y' }],
    ['submit', ['--entrypoint', 'main', '--serviceaccount', 'sa'], { entrypoint: 'main', serviceAccount: 'sa' }],
    ['submit-from', ['--priority=7', '-n', 'argo'], { priority: 7, namespace: 'argo' }],
    ['submit', ['--wait', '--log', '-o', 'json', '--strict=false'], {}],
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
    ['submit', ['-p', 'novalue'], 'args', 'NAME=VALUE'],
    ['submit', ['--labels', 'a=b=c'], 'args', 'a=b=c'],
    ['submit', ['--priority', 'high'], 'args', 'high'],
    ['submit', ['--dry-run'], 'args[0]', '--dry-run'],
  ] as [ArgoWorkflowOperation, string[], string, string][])(
    'of %s that cannot be honoured are refused: %p',
    (operation, args, where, what) => {
      const refusal = { code: 'MANIFEST_INVALID', retryable: false } as object;
      expect(() => parseArgoArguments(args, operation)).toThrow(expect.objectContaining(refusal) as Error);
      expect(() => parseArgoArguments(args, operation)).toThrow(where);
      expect(() => parseArgoArguments(args, operation)).toThrow(what);
    },
  );
});

function toParameter(text: string): { name: string; value: string } {
  const [name = '', value = ''] = text.split('=');
  return { name, value };
}
