/** The names of the tests in a file, read from its source: titles, rows of `.each` tables, and `name:` of scenarios. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { repoRoot } from '../../dev/repo-root';

/** Throws what reading throws: a file that is gone has no tests. */
export function readTestTitles(file: string): ReadonlySet<string> {
  const text = readFileSync(join(repoRoot, file), 'utf8');
  const titles = new Set<string>();
  const visit = (node: ts.Node): void => {
    for (const literal of namesIn(node)) titles.add(literal.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ES2022));
  return titles;
}

function namesIn(node: ts.Node): ts.StringLiteralLike[] {
  if (ts.isPropertyAssignment(node)) {
    const isName = ts.isIdentifier(node.name) && node.name.text === 'name';
    return isName && ts.isStringLiteralLike(node.initializer) ? [node.initializer] : [];
  }
  if (!ts.isCallExpression(node)) return [];
  const [first] = node.arguments;
  if (first === undefined || !isTestFunction(node.expression)) return [];
  if (ts.isStringLiteralLike(first)) return [first];
  return tableOf(first).flatMap((row) => {
    const cell = ts.isArrayLiteralExpression(row) ? row.elements[0] : row;
    return cell !== undefined && ts.isStringLiteralLike(cell) ? [cell] : [];
  });
}

/** `it`, `it.each`, `it.each(table)`. */
function isTestFunction(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'it';
  if (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) return isTestFunction(callee.expression);
  return false;
}

function tableOf(argument: ts.Expression): readonly ts.Expression[] {
  if (ts.isAsExpression(argument)) return tableOf(argument.expression);
  return ts.isArrayLiteralExpression(argument) ? argument.elements : [];
}
