export { createExpressionEngine } from './expression-engine';
export { createExpressionSyntax } from './expression-syntax';
