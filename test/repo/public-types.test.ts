/** Users of the package can name every type that its public signatures mention, and read what each name is for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { repoRoot } from '../../dev/repo-root';

const ENTRIES = ['src/index', 'src/control-entry', 'src/messages'];

const program = ts.createProgram({
  rootNames: ENTRIES.map((entry) => join(repoRoot, 'dist', `${entry}.d.ts`)),
  options: { module: ts.ModuleKind.Node16, skipLibCheck: true, strict: true, types: ['node'] },
});
const checker = program.getTypeChecker();

/** What is exported as a type cannot be constructed. */
function isValue(symbol: ts.Symbol): boolean {
  return ENTRIES.some((entry) =>
    readFileSync(join(repoRoot, 'dist', `${entry}.d.ts`), 'utf8')
      .split('\n')
      .some((line) => /^export \{/.test(line) && new RegExp(`\\b${symbol.name}\\b`).test(line)),
  );
}

function publicSymbols(entry: string): Map<string, ts.Symbol> {
  const file = program.getSourceFile(join(repoRoot, 'dist', `${entry}.d.ts`));
  const symbol = file && checker.getSymbolAtLocation(file);
  if (symbol === undefined) throw new Error(`${entry} exports nothing`);
  return new Map(checker.getExportsOfModule(symbol).map((each) => [each.name, original(each)]));
}

function original(symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** True for what a file of the package declares at its top level. */
const isOurs = (symbol: ts.Symbol): boolean =>
  (symbol.declarations ?? []).some(
    (declaration) =>
      ts.isSourceFile(declaration.parent ?? declaration) &&
      declaration.getSourceFile().fileName.startsWith(join(repoRoot, 'dist')),
  );

/** Compute the types of options from the table of annotations: `SensorOptions` and the like name the results. */
const DERIVATIONS = new Set(['Annotation', 'HasDefault', 'ManifestOf', 'OptionAnnotation', 'OptionsOf', 'Value']);

const HIDDEN = new Set([ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword]);
const isHidden = (node: ts.Node): boolean =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => HIDDEN.has(kind));

/** Schemas and tables from which a type is derived: the derived type has a name of its own. */
const isSchema = (symbol: ts.Symbol): boolean => (symbol.flags & ts.SymbolFlags.Variable) !== 0;

/** Named types of this package that the declaration mentions, the bodies of unexported ones included. */
function mentioned(symbol: ts.Symbol, seen: Set<ts.Symbol>): void {
  if (seen.has(symbol)) return;
  seen.add(symbol);
  const visit = (node: ts.Node): void => {
    if (isHidden(node)) return;
    if (ts.isIdentifier(node) && !ts.isDeclarationStatement(node.parent)) {
      const found = checker.getSymbolAtLocation(node);
      const target = found && original(found);
      if (target && !ts.isSourceFile(target.valueDeclaration ?? node) && isOurs(target) && !isSchema(target))
        mentioned(target, seen);
    }
    ts.forEachChild(node, visit);
  };
  for (const declaration of symbol.declarations ?? []) visit(declaration);
}

describe('the types of the package', () => {
  const everywhere = new Set(ENTRIES.flatMap((entry) => [...publicSymbols(entry).values()]));

  it.each(ENTRIES)('%s exports every type that its signatures mention', (entry) => {
    const exported = new Set(publicSymbols(entry).values());
    const seen = new Set<ts.Symbol>();
    for (const symbol of exported) mentioned(symbol, seen);
    const missing = [...seen].filter((symbol) => !exported.has(symbol) && !DERIVATIONS.has(symbol.name));
    expect(missing.map(({ name }) => name).sort()).toEqual([]);
  });

  it('say what they are for: every exported function and class, and their methods, has a docstring', () => {
    const bare = [...everywhere].filter((symbol) => {
      const isCallable = (symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class)) !== 0;
      return isCallable && symbol.getDocumentationComment(checker).length === 0;
    });
    expect(bare.map(({ name }) => name)).toEqual([]);
  });

  it('show an example at each exported class', () => {
    const classes = [...everywhere].filter((symbol) => symbol.flags & ts.SymbolFlags.Class && isValue(symbol));
    const bare = classes.filter((symbol) => !symbol.getJsDocTags(checker).some(({ name }) => name === 'example'));
    expect(bare.map(({ name }) => name)).toEqual([]);
  });
});
