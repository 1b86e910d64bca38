export { createExpressionEngine } from './expression-engine';
export type { ExpressionEngineOptions } from './expression-engine';
