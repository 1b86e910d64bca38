/**
 * Functions of sprig that take about a second by design, because they protect passwords or make keys. An expression
 * that names one gets a longer time limit.
 */
import type { ExpressionRequest } from './engine';

const COSTLY =
  /\b(?:bcrypt|htpasswd|derivePassword|genPrivateKey|genCA|genCAWithKey|genSelfSignedCert|genSelfSignedCertWithKey|genSignedCert|genSignedCertWithKey)\b/;
const FACTOR = 10;

/** How many times the usual limit an evaluation may take. */
export function limitFactor(request: ExpressionRequest): number {
  const text = textWithFunctions(request);
  return text !== undefined && COSTLY.test(text) ? FACTOR : 1;
}

function textWithFunctions(request: ExpressionRequest): string | undefined {
  switch (request.kind) {
    case 'template':
      return request.template;
    case 'dataFilter':
      return request.filter.template;
    case 'expr':
      return request.expression;
    default:
      return undefined;
  }
}
