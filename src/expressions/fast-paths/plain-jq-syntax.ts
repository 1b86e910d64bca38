/** Parser of the part of jq that plain-jq.ts evaluates. Anything else is not an error: it is left to the engine. */
import type { JsonValue } from '../../event/json';
import { NotPlain, tokenizeJq, type Token } from './plain-jq-tokens';

export type JqNode =
  | { readonly kind: 'identity' }
  | { readonly kind: 'field'; readonly of: JqNode; readonly name: string }
  | { readonly kind: 'index'; readonly of: JqNode; readonly index: number }
  | { readonly kind: 'iterate'; readonly of: JqNode }
  | { readonly kind: 'literal'; readonly value: JsonValue }
  /** A string with `\(…)` in it. */
  | { readonly kind: 'text'; readonly parts: readonly (string | JqNode)[] }
  | { readonly kind: 'pipe' | 'comma' | 'alternative'; readonly left: JqNode; readonly right: JqNode }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: JqNode; readonly right: JqNode }
  | { readonly kind: 'object'; readonly entries: readonly { readonly key: string; readonly value: JqNode }[] }
  | { readonly kind: 'array'; readonly of: JqNode | undefined }
  | { readonly kind: 'call'; readonly name: string; readonly argument: JqNode | undefined }
  | { readonly kind: 'if'; readonly condition: JqNode; readonly then: JqNode; readonly otherwise: JqNode }
  | { readonly kind: 'assign'; readonly operator: string; readonly path: JqPath; readonly value: JqNode };
export type JqPath = readonly (string | number)[];

const LONGEST_PROGRAM = 4_000;

/** The program as a tree, or undefined if only the engine can evaluate it. */
export function parsePlainJq(program: string): JqNode | undefined {
  if (program.length > LONGEST_PROGRAM) return undefined;
  try {
    return parse(program);
  } catch (error) {
    // A RangeError comes from a program nested deeper than the stack.
    if (error instanceof NotPlain || error instanceof RangeError) return undefined;
    throw error;
  }
}

function parse(program: string): JqNode {
  return new Parser(tokenizeJq(program)).program();
}

const KEYWORDS = new Set(
  'and or not if then elif else end as def reduce foreach try catch label import include __loc__'.split(' '),
);
/** A program that names an unknown function is invalid, even if it never calls it. */
const WITHOUT_ARGUMENT = new Set(
  'empty not type length keys tostring tonumber fromjson ascii_downcase ascii_upcase'.split(' '),
);
const WITH_ARGUMENT = new Set('map select del has split join startswith endswith ltrimstr rtrimstr'.split(' '));
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='];
const ASSIGNMENTS = ['=', '|=', '+='];

/** From loosest to tightest: `|` `,` `//` assignments `or` `and` comparisons `+ -` `* /` terms. */
class Parser {
  private at = 0;
  /** How many `if` were read so far. */
  private conditions = 0;
  /** How many list constructors were read so far. */
  private lists = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  program(): JqNode {
    const node = this.pipe();
    if (this.peek().kind !== 'end') throw new NotPlain();
    return node;
  }

  private pipe(): JqNode {
    const left = this.comma();
    return this.accepts('|') ? { kind: 'pipe', left, right: this.pipe() } : left;
  }

  private comma(): JqNode {
    let left = this.alternative();
    while (this.accepts(',')) left = { kind: 'comma', left, right: this.alternative() };
    return left;
  }

  private alternative(): JqNode {
    const left = this.assignment();
    return this.accepts('//') ? { kind: 'alternative', left, right: this.alternative() } : left;
  }

  private assignment(): JqNode {
    const left = this.or();
    const operator = this.acceptsOneOf(ASSIGNMENTS);
    if (!operator) return left;
    // `a = b // c` means `(a = b) // c`, in jq too.
    const conditionsBefore = this.conditions;
    const value = this.or();
    // gojq 0.12.19 can lose the input here: `.a += (if .b then .c else [.d] end | 1)`. Only gojq itself reproduces
    // that.
    if (this.conditions > conditionsBefore) throw new NotPlain();
    return { kind: 'assign', operator, path: pathOf(left), value };
  }

  private or(): JqNode {
    let left = this.and();
    while (this.acceptsName('or')) left = { kind: 'binary', operator: 'or', left, right: this.and() };
    return left;
  }

  private and(): JqNode {
    let left = this.comparison();
    while (this.acceptsName('and')) left = { kind: 'binary', operator: 'and', left, right: this.comparison() };
    return left;
  }

  private comparison(): JqNode {
    const left = this.sum();
    const operator = this.acceptsOneOf(COMPARISONS);
    return operator ? { kind: 'binary', operator, left, right: this.sum() } : left;
  }

  private sum(): JqNode {
    let left = this.product();
    for (let operator = this.acceptsOneOf(['+', '-']); operator; operator = this.acceptsOneOf(['+', '-'])) {
      left = { kind: 'binary', operator, left, right: this.product() };
    }
    return left;
  }

  private product(): JqNode {
    let left = this.postfix();
    for (let operator = this.acceptsOneOf(['*', '/']); operator; operator = this.acceptsOneOf(['*', '/'])) {
      left = { kind: 'binary', operator, left, right: this.postfix() };
    }
    return left;
  }

  private postfix(): JqNode {
    let node = this.term();
    for (;;) {
      const token = this.peek();
      if (token.kind === 'field') {
        this.at++;
        node = { kind: 'field', of: node, name: token.text };
      } else if (this.accepts('[')) {
        node = this.bracket(node);
      } else if (this.isSymbol('.') && this.isText(1)) {
        this.at++;
        node = { kind: 'field', of: node, name: this.text() };
      } else if (this.accepts('?')) {
        continue; // `?` only hides errors, and programs that fail are evaluated by the engine.
      } else {
        return node;
      }
    }
  }

  private bracket(of: JqNode): JqNode {
    if (this.accepts(']')) return { kind: 'iterate', of };
    const isNegative = this.accepts('-');
    const token = this.next();
    if (token.kind !== 'literal') throw new NotPlain();
    const { value } = token;
    this.expect(']');
    if (typeof value === 'string' && !isNegative) return { kind: 'field', of, name: value };
    if (typeof value !== 'number' || !Number.isInteger(value)) throw new NotPlain();
    return { kind: 'index', of, index: isNegative ? -value : value };
  }

  private term(): JqNode {
    const token = this.next();
    switch (token.kind) {
      case 'field':
        return { kind: 'field', of: { kind: 'identity' }, name: token.text };
      case 'literal':
        return token;
      case 'text':
        return {
          kind: 'text',
          parts: token.parts.map((part) => (typeof part === 'string' ? part : parse(part.program))),
        };
      case 'name':
        return this.named(token.text);
      case 'symbol':
        return this.symbol(token.text);
      case 'end':
        throw new NotPlain();
    }
  }

  private symbol(text: string): JqNode {
    switch (text) {
      case '.':
        return this.isText(0) ? { kind: 'field', of: { kind: 'identity' }, name: this.text() } : { kind: 'identity' };
      case '(': {
        const inner = this.pipe();
        this.expect(')');
        return inner;
      }
      case '[': {
        this.lists++;
        if (this.accepts(']')) return { kind: 'array', of: undefined };
        const of = this.pipe();
        this.expect(']');
        return { kind: 'array', of };
      }
      case '{':
        return this.object();
      default:
        throw new NotPlain();
    }
  }

  private named(name: string): JqNode {
    if (name === 'true' || name === 'false') return { kind: 'literal', value: name === 'true' };
    if (name === 'null') return { kind: 'literal', value: null };
    if (name === 'if') return this.condition();
    if (KEYWORDS.has(name) && name !== 'not') throw new NotPlain();
    if (name === 'map') this.lists++;
    if (!this.accepts('(')) {
      if (!WITHOUT_ARGUMENT.has(name)) throw new NotPlain();
      return { kind: 'call', name, argument: undefined };
    }
    const argument = this.pipe();
    this.expect(')');
    if (!WITH_ARGUMENT.has(name)) throw new NotPlain();
    return { kind: 'call', name, argument };
  }

  private condition(): JqNode {
    this.conditions++;
    const listsBefore = this.lists;
    const condition = this.pipe();
    this.expectName('then');
    const then = this.pipe();
    const otherwise: JqNode = this.acceptsName('else') ? this.pipe() : { kind: 'identity' };
    this.expectName('end');
    // gojq 0.12.19 loses values where a branch builds a list: `{a: [if .b then [1] else .c end], d: 1}` can fail.
    if (this.lists > listsBefore) throw new NotPlain();
    return { kind: 'if', condition, then, otherwise };
  }

  private object(): JqNode {
    const entries: { key: string; value: JqNode }[] = [];
    if (this.accepts('}')) return { kind: 'object', entries };
    do {
      const token = this.next();
      if (token.kind === 'name' && KEYWORDS.has(token.text)) throw new NotPlain();
      const key = token.kind === 'name' ? token.text : literalText(token);
      const value: JqNode = this.accepts(':') ? this.objectValue() : ofInput(key);
      entries.push({ key, value });
    } while (this.accepts(','));
    this.expect('}');
    return { kind: 'object', entries };
  }

  /** jq allows only terms joined by `|` here, followed by `,` or `}`; otherwise the program is not plain. */
  private objectValue(): JqNode {
    const left = this.postfix();
    return this.accepts('|') ? { kind: 'pipe', left, right: this.objectValue() } : left;
  }

  private peek(ahead = 0): Token {
    return this.tokens[this.at + ahead] ?? { kind: 'end' };
  }

  private next(): Token {
    const token = this.peek();
    this.at++;
    return token;
  }

  private isSymbol(text: string): boolean {
    const token = this.peek();
    return token.kind === 'symbol' && token.text === text;
  }

  private isText(ahead: number): boolean {
    const token = this.peek(ahead);
    return token.kind === 'literal' && typeof token.value === 'string';
  }

  private text(): string {
    return literalText(this.next());
  }

  private accepts(text: string): boolean {
    if (!this.isSymbol(text)) return false;
    this.at++;
    return true;
  }

  private acceptsOneOf(texts: readonly string[]): string | undefined {
    return texts.find((text) => this.accepts(text));
  }

  private acceptsName(name: string): boolean {
    const token = this.peek();
    if (token.kind !== 'name' || token.text !== name) return false;
    this.at++;
    return true;
  }

  private expect(text: string): void {
    if (!this.accepts(text)) throw new NotPlain();
  }

  private expectName(name: string): void {
    if (!this.acceptsName(name)) throw new NotPlain();
  }
}

function literalText(token: Token): string {
  if (token.kind === 'literal' && typeof token.value === 'string') return token.value;
  throw new NotPlain();
}

function ofInput(name: string): JqNode {
  return { kind: 'field', of: { kind: 'identity' }, name };
}

function pathOf(node: JqNode): JqPath {
  switch (node.kind) {
    case 'identity':
      return [];
    case 'field':
      return [...pathOf(node.of), node.name];
    case 'index':
      return [...pathOf(node.of), node.index];
    default:
      throw new NotPlain();
  }
}
