/** Parser of the part of jq that plain-jq.ts evaluates. Anything else is not an error: it is left to the engine. */
import type { JsonValue } from '../../event/json';

export type JqNode =
  | { readonly kind: 'identity' }
  | { readonly kind: 'field'; readonly of: JqNode; readonly name: string }
  | { readonly kind: 'index'; readonly of: JqNode; readonly index: number }
  | { readonly kind: 'iterate'; readonly of: JqNode }
  | { readonly kind: 'literal'; readonly value: JsonValue }
  | { readonly kind: 'pipe' | 'comma'; readonly left: JqNode; readonly right: JqNode }
  | { readonly kind: 'sum'; readonly left: JqNode; readonly right: JqNode }
  | { readonly kind: 'object'; readonly entries: readonly { readonly key: string; readonly value: JqNode }[] }
  | { readonly kind: 'array'; readonly of: JqNode | undefined }
  | { readonly kind: 'assign'; readonly operator: string; readonly path: JqPath; readonly value: JqNode };
export type JqPath = readonly (string | number)[];

type Token =
  | { readonly kind: 'symbol' | 'name' | 'field'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'end' };

/** The program uses syntax that only the engine knows. */
class NotPlain extends Error {}

const LONGEST_PROGRAM = 4_000;
const IDENTITY: JqNode = { kind: 'identity' };

/** The program as a tree, or undefined if only the engine can evaluate it. */
export function parsePlainJq(program: string): JqNode | undefined {
  if (program.length > LONGEST_PROGRAM) return undefined;
  try {
    return new Parser(tokenize(program)).program();
  } catch (error) {
    // A RangeError comes from a program nested deeper than the stack.
    if (error instanceof NotPlain || error instanceof RangeError) return undefined;
    throw error;
  }
}

const LEXEMES =
  /\s*(?:\.([A-Za-z_]\w*)|([A-Za-z_]\w*)(?!::)|([0-9]+(?:\.[0-9]+)?)(?![\w.])|("(?:[^"\\]|\\.)*")|(\|=|\+=|=(?!=)|[.[\]{}()|,:+\-?])|$)/y;

function tokenize(program: string): Token[] {
  const tokens: Token[] = [];
  LEXEMES.lastIndex = 0;
  while (LEXEMES.lastIndex < program.length) {
    const [, field, name, number, text, symbol] = LEXEMES.exec(program) ?? refuse();
    if (field) tokens.push({ kind: 'field', text: field });
    else if (name) tokens.push({ kind: 'name', text: name });
    else if (number) tokens.push({ kind: 'literal', value: readNumber(number) });
    else if (text) tokens.push({ kind: 'literal', value: readString(text) });
    else if (symbol) tokens.push({ kind: 'symbol', text: symbol });
  }
  return tokens;
}

/** gojq keeps the digits of a literal. */
function readNumber(text: string): number {
  return String(Number(text)) === text ? Number(text) : refuse();
}

/** The engine decides what a string means that is not JSON, such as one with `\(…)` in it. */
function readString(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return refuse();
  }
}

function refuse(): never {
  throw new NotPlain();
}

const KEYWORDS = new Set(
  'and or not if then elif else end as def reduce foreach try catch label import include __loc__'.split(' '),
);

/** From loosest to tightest: `|` `,` assignments `+` terms. */
class Parser {
  private at = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  program(): JqNode {
    const node = this.pipe();
    return this.peek().kind === 'end' ? node : refuse();
  }

  private pipe(): JqNode {
    const left = this.comma();
    return this.accepts('|') ? { kind: 'pipe', left, right: this.pipe() } : left;
  }

  private comma(): JqNode {
    let left = this.assignment();
    while (this.accepts(',')) left = { kind: 'comma', left, right: this.assignment() };
    return left;
  }

  private assignment(): JqNode {
    const left = this.sum();
    const operator = ['=', '|=', '+='].find((text) => this.accepts(text));
    return operator ? { kind: 'assign', operator, path: pathOf(left), value: this.sum() } : left;
  }

  private sum(): JqNode {
    let left = this.postfix();
    while (this.accepts('+')) left = { kind: 'sum', left, right: this.postfix() };
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
        node = { kind: 'field', of: node, name: textOf(this.next()) };
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
    if (token.kind !== 'literal') return refuse();
    const { value } = token;
    this.expect(']');
    if (typeof value === 'number' && Number.isInteger(value)) {
      return { kind: 'index', of, index: isNegative ? -value : value };
    }
    return isNegative ? refuse() : { kind: 'field', of, name: textOf(token) };
  }

  private term(): JqNode {
    const token = this.next();
    switch (token.kind) {
      case 'field':
        return { kind: 'field', of: IDENTITY, name: token.text };
      case 'literal':
        return token;
      case 'name':
        return { kind: 'literal', value: constant(token.text) };
      case 'symbol':
        return this.symbol(token.text);
      case 'end':
        return refuse();
    }
  }

  private symbol(text: string): JqNode {
    switch (text) {
      case '.':
        return this.isText(0) ? { kind: 'field', of: IDENTITY, name: textOf(this.next()) } : IDENTITY;
      case '(': {
        const inner = this.pipe();
        this.expect(')');
        return inner;
      }
      case '[': {
        if (this.accepts(']')) return { kind: 'array', of: undefined };
        const of = this.pipe();
        this.expect(']');
        return { kind: 'array', of };
      }
      case '{':
        return this.object();
      default:
        return refuse();
    }
  }

  private object(): JqNode {
    const entries: { key: string; value: JqNode }[] = [];
    if (this.accepts('}')) return { kind: 'object', entries };
    do {
      const token = this.next();
      if (token.kind === 'name' && KEYWORDS.has(token.text)) refuse();
      const key = token.kind === 'name' ? token.text : textOf(token);
      const value: JqNode = this.accepts(':') ? this.objectValue() : { kind: 'field', of: IDENTITY, name: key };
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

  private accepts(text: string): boolean {
    if (!this.isSymbol(text)) return false;
    this.at++;
    return true;
  }

  private expect(text: string): void {
    if (!this.accepts(text)) refuse();
  }
}

function constant(name: string): JsonValue {
  if (name === 'null') return null;
  return name === 'true' || name === 'false' ? name === 'true' : refuse();
}

function textOf(token: Token): string {
  return token.kind === 'literal' && typeof token.value === 'string' ? token.value : refuse();
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
      return refuse();
  }
}
