/** Entry of the thread that checks foreign manifests. Holds no state: it may be terminated at any moment. */
import { parentPort } from 'node:worker_threads';
import { describeError } from '../errors/sluice-error';
import type { ExpressionSyntax } from '../expressions/expression-syntax';
import type { SyntaxAnswer, SyntaxQuestion, ThreadOrder, ThreadReport } from './checking-thread-messages';
import { loadManifestText } from './load-manifests';

const waiting = new Map<number, (answer: SyntaxAnswer) => void>();
let questions = 0;

const report = (message: ThreadReport): void => parentPort?.postMessage(message);

function ask(question: SyntaxQuestion): Promise<SyntaxAnswer> {
  questions += 1;
  const id = questions;
  return new Promise((resolve, reject) => {
    waiting.set(id, (answer) => (answer.about === 'failure' ? reject(new Error(answer.message)) : resolve(answer)));
    report({ kind: 'question', id, question });
  });
}

const expressions: ExpressionSyntax = {
  check: async (language, text) => {
    const answer = await ask({ about: 'syntax', language, text });
    return answer.about === 'syntax' ? answer.complaint : undefined;
  },
  readYaml: async (text) => {
    const answer = await ask({ about: 'yaml', text });
    const reading = answer.about === 'yaml' ? answer.reading : { ok: false as const, message: 'it cannot be read' };
    return reading.ok ? { ok: true, value: null } : reading;
  },
};

parentPort?.on('message', (order: ThreadOrder) => {
  if (order.kind === 'answer') {
    waiting.get(order.id)?.(order.answer);
    waiting.delete(order.id);
    return;
  }
  loadManifestText(order.manifest, '', { expressions, isJson: true }).then(
    (manifests) => report({ kind: 'checked', manifests }),
    (error: unknown) => report({ kind: 'failed', message: describeError(error) }),
  );
});
