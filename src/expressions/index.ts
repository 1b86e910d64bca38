export { createExpressionEngine } from './wasm-engine';
export { createExpressionSyntax } from './expression-syntax';
