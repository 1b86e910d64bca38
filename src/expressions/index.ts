export { createExpressionEngine } from './expression-engine';
export type { ExpressionEngineOptions } from './expression-engine';
export { createExpressionSyntax } from './expression-syntax';
