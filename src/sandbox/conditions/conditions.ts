/**
 * Conditions of triggers: `(a && b) || c` over dependency names.
 *
 * `&&` binds tighter than `||`; the only other syntax is parentheses and white space. Unlike Argo Events, any legal
 * dependency name works here: dots, dashes, leading digits, letters of any script, words such as `in`.
 */
import { SluiceError } from '../../errors/sluice-error';

export type ParsedCondition =
  | { readonly kind: 'dependency'; readonly name: string }
  | { readonly kind: 'and'; readonly operands: readonly ParsedCondition[] }
  | { readonly kind: 'or'; readonly operands: readonly ParsedCondition[] };

/** Deepest accepted nesting of parentheses; keeps every walk over a condition within the call stack. */
export const MAX_CONDITION_DEPTH = 100;

type TokenKind = 'name' | '&&' | '||' | '(' | ')' | 'end' | 'unknown';
interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Counted from 1, as editors do. */
  readonly position: number;
}

const NAME_CHARACTERS = String.raw`[\p{L}\p{M}\p{N}_.\-/:@]+`;
const WHOLE_NAME = new RegExp(`^${NAME_CHARACTERS}$`, 'u');
const TOKEN = new RegExp(String.raw`\s+|(?<name>${NAME_CHARACTERS})|(?<operator>&&|\|\||[()])|(?<unknown>.)`, 'gsu');

/** True for names that can be written in a condition. */
export function isConditionName(name: string): boolean {
  return WHOLE_NAME.test(name);
}

/**
 * Parses the text of a condition.
 * @throws SluiceError EXPRESSION_INVALID with the position of the first mistake and what was expected there.
 */
export function parseCondition(text: string): ParsedCondition {
  return new ConditionParser(text).parse();
}

/**
 * The condition of a trigger as written in the manifest; without one, all dependencies of the sensor.
 * @throws SluiceError EXPRESSION_INVALID for a mistake in the text or a name that is not a dependency of the sensor.
 */
export function parseTriggerCondition(text: string | undefined, dependencyNames: readonly string[]): ParsedCondition {
  if (text === undefined || text.trim() === '') return defaultCondition(dependencyNames);
  const condition = parseCondition(text);
  const unknown = conditionDependencies(condition).find((name) => !dependencyNames.includes(name));
  if (unknown !== undefined) {
    throw new SluiceError('EXPRESSION_INVALID', {
      message: `condition "${text}": unknown dependency "${unknown}"; the sensor has: ${dependencyNames.join(', ') || 'none'}`,
      fix: 'Name only dependencies listed under spec.dependencies.',
      context: { condition: text, dependency: unknown },
    });
  }
  return condition;
}

/** The condition of a trigger without `conditions`: every dependency of the sensor must have an event. */
export function defaultCondition(dependencyNames: readonly string[]): ParsedCondition {
  const operands = dependencyNames.map((name): ParsedCondition => ({ kind: 'dependency', name }));
  const [first, ...others] = operands;
  if (first === undefined) {
    throw new SluiceError('EXPRESSION_INVALID', {
      message: 'a condition needs at least one dependency, and the sensor has none',
      fix: 'List at least one dependency under spec.dependencies.',
    });
  }
  return others.length === 0 ? first : { kind: 'and', operands };
}

/** Names in the condition, each once, in order of appearance. */
export function conditionDependencies(condition: ParsedCondition): string[] {
  const names = new Set<string>();
  visitDependencies(condition, (name) => names.add(name));
  return [...names];
}

/** Whether the condition holds; `has` returns whether a dependency has an event. */
export function evaluateCondition(condition: ParsedCondition, has: (dependency: string) => boolean): boolean {
  switch (condition.kind) {
    case 'dependency':
      return has(condition.name);
    case 'and':
      return condition.operands.every((operand) => evaluateCondition(operand, has));
    case 'or':
      return condition.operands.some((operand) => evaluateCondition(operand, has));
  }
}

/**
 * The dependencies that satisfy the condition: of an `||`, only the first operand that holds. Undefined if the
 * condition does not hold.
 */
export function satisfyingDependencies(
  condition: ParsedCondition,
  has: (dependency: string) => boolean,
): string[] | undefined {
  switch (condition.kind) {
    case 'dependency':
      return has(condition.name) ? [condition.name] : undefined;
    case 'and': {
      const names = new Set<string>();
      for (const operand of condition.operands) {
        const satisfying = satisfyingDependencies(operand, has);
        if (satisfying === undefined) return undefined;
        for (const name of satisfying) names.add(name);
      }
      return [...names];
    }
    case 'or':
      for (const operand of condition.operands) {
        const satisfying = satisfyingDependencies(operand, has);
        if (satisfying !== undefined) return satisfying;
      }
      return undefined;
  }
}

/** The unsatisfied part: of `a && (b || c)` with an `a`, `b || c`. Undefined if the condition holds. */
export function remainingCondition(
  condition: ParsedCondition,
  has: (dependency: string) => boolean,
): ParsedCondition | undefined {
  if (evaluateCondition(condition, has)) return undefined;
  if (condition.kind === 'dependency') return condition;
  return combine(
    condition.kind,
    condition.operands.flatMap((operand) => remainingCondition(operand, has) ?? []),
  );
}

/** True if events must be kept until others arrive. Without any `&&`, each event fires the trigger by itself. */
export function joinsDependencies(condition: ParsedCondition): boolean {
  return (
    condition.kind === 'and' ||
    (condition.kind === 'or' && condition.operands.some((operand) => joinsDependencies(operand)))
  );
}

/** The condition as text with only the necessary parentheses: equal conditions give equal texts. */
export function formatCondition(condition: ParsedCondition): string {
  switch (condition.kind) {
    case 'dependency':
      return condition.name;
    case 'and':
      return condition.operands
        .map((operand) => (operand.kind === 'or' ? `(${formatCondition(operand)})` : formatCondition(operand)))
        .join(' && ');
    case 'or':
      return condition.operands.map((operand) => formatCondition(operand)).join(' || ');
  }
}

function visitDependencies(condition: ParsedCondition, visit: (name: string) => void): void {
  if (condition.kind === 'dependency') visit(condition.name);
  else for (const operand of condition.operands) visitDependencies(operand, visit);
}

/** Joins operands, flattening nested ones of the same kind, so that depth grows with real alternation only. */
function combine(kind: 'and' | 'or', operands: readonly ParsedCondition[]): ParsedCondition {
  const [first, ...others] = operands;
  if (first !== undefined && others.length === 0) return first;
  return { kind, operands: operands.flatMap((operand) => (operand.kind === kind ? operand.operands : [operand])) };
}

/** Recursive descent; the depth is bounded by MAX_CONDITION_DEPTH, not by the length of the text. */
class ConditionParser {
  private readonly tokens: readonly Token[];
  private next = 0;

  constructor(private readonly text: string) {
    this.tokens = tokenize(text);
  }

  parse(): ParsedCondition {
    const condition = this.parseOr(0);
    if (this.peek().kind !== 'end') this.fail('"&&", "||" or the end');
    return condition;
  }

  private parseOr(depth: number): ParsedCondition {
    const operands = [this.parseAnd(depth)];
    while (this.accept('||')) operands.push(this.parseAnd(depth));
    return combine('or', operands);
  }

  private parseAnd(depth: number): ParsedCondition {
    const operands = [this.parseOperand(depth)];
    while (this.accept('&&')) operands.push(this.parseOperand(depth));
    return combine('and', operands);
  }

  private parseOperand(depth: number): ParsedCondition {
    const token = this.peek();
    if (this.accept('name')) return { kind: 'dependency', name: token.text };
    if (!this.accept('(')) return this.fail('a dependency name or "("');
    if (depth >= MAX_CONDITION_DEPTH) {
      throw invalid(this.text, token.position, `parentheses are nested deeper than ${MAX_CONDITION_DEPTH} levels`);
    }
    const condition = this.parseOr(depth + 1);
    if (!this.accept(')')) this.fail(`"&&", "||" or ")" for the "(" at position ${token.position}`);
    return condition;
  }

  private peek(): Token {
    return this.tokens[this.next] ?? { kind: 'end', text: '', position: this.text.length + 1 };
  }

  private accept(kind: TokenKind): boolean {
    if (this.peek().kind !== kind) return false;
    this.next += 1;
    return true;
  }

  private fail(expected: string): never {
    const token = this.peek();
    const found = token.kind === 'end' ? 'the text ends' : `found "${token.text}"`;
    throw invalid(this.text, token.position, `${found} where ${expected} is expected`);
  }
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const position = match.index + 1;
    const { name, operator, unknown } = match.groups ?? {};
    if (name !== undefined) tokens.push({ kind: 'name', text: name, position });
    else if (isOperator(operator)) tokens.push({ kind: operator, text: operator, position });
    else if (unknown !== undefined) tokens.push({ kind: 'unknown', text: unknown, position });
  }
  return tokens;
}

function isOperator(text: string | undefined): text is '&&' | '||' | '(' | ')' {
  return text === '&&' || text === '||' || text === '(' || text === ')';
}

function invalid(text: string, position: number, problem: string): SluiceError {
  return new SluiceError('EXPRESSION_INVALID', {
    message: `condition "${shorten(text)}" is not valid at position ${position}: ${problem}`,
    fix: 'Write dependency names joined by "&&" and "||", grouped by parentheses, such as "(a && b) || c".',
    context: { condition: text, position },
  });
}

function shorten(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
