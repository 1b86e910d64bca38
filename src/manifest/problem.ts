/** A mistake in a manifest: where it is, what was found, what is allowed, what to write instead. */

/**
 * `error`: rejected by validate and apply. `unsupported`: a valid manifest that Sluice cannot run yet; validate accepts
 * it with a notice, apply rejects it. `warning`: works, but perhaps not as its author expects.
 */
export type Severity = 'error' | 'warning' | 'unsupported';

export type FieldPath = ReadonlyArray<string | number>;

/** A problem inside one object, before it is known where that object was read. */
export interface Finding {
  readonly severity: Severity;
  readonly path: FieldPath;
  readonly found?: string;
  /** Position of the mistake in `found`, counted from 0. */
  readonly caret?: number;
  readonly expected?: string;
  readonly message: string;
  readonly fix?: string;
}

export interface Problem {
  readonly severity: Severity;
  /** As the user named it; `-` for standard input, empty for objects passed in by a program. */
  readonly file: string;
  /** Counted from 1. */
  readonly line?: number;
  readonly column?: number;
  /** `Sensor/water-bodies`, or empty if the text could not be read as an object. */
  readonly object: string;
  /** `spec.triggers[0].template.k8s.operation`, or empty. */
  readonly path: string;
  readonly found?: string;
  /** Position of the mistake in `found`, counted from 0. */
  readonly caret?: number;
  readonly expected?: string;
  readonly message: string;
  readonly fix?: string;
}

const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/;

/** `spec.triggers[0].template`, with `["…"]` around keys that contain dots or slashes. */
export function formatPath(path: FieldPath): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (!PLAIN_KEY.test(segment)) text += `[${JSON.stringify(segment)}]`;
    else text += text === '' ? segment : `.${segment}`;
  }
  return text;
}

/** Several lines for a terminal: place and severity, what is wrong, what was found, what to do. No colours. */
export function formatProblem(problem: Problem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined && part !== '');
  const subject = [problem.object, problem.path].filter((part) => part !== '').join(' ');
  const lines = [
    `${[...place, ` ${problem.severity}`].join(':').trim()}: ${subject === '' ? '' : `${subject}: `}${problem.message}`,
  ];
  if (problem.found !== undefined) lines.push(`    found:    ${problem.found}`);
  if (problem.caret !== undefined) lines.push(`              ${' '.repeat(problem.caret)}^`);
  if (problem.expected !== undefined) lines.push(`    expected: ${problem.expected}`);
  if (problem.fix !== undefined) lines.push(`    fix:      ${problem.fix}`);
  return lines.join('\n');
}

/** The value in a form fit for a message: short, and without passwords in URLs. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object') {
    const keys = Object.keys(value);
    return keys.length === 0 ? 'an empty object' : `an object with ${shorten(keys.join(', '))}`;
  }
  if (typeof value === 'string') return `"${shorten(withoutPasswords(value))}"`;
  if (typeof value === 'number' || typeof value === 'boolean') return `${typeof value} ${value}`;
  return typeof value;
}

/** Removes everything before the host in URLs. */
export function withoutPasswords(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, '//***@');
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= 80 ? line : `${line.slice(0, 77)}…`;
}

/** More of one severity say nothing new, and a hostile manifest may have a hundred thousand. */
const MOST_FINDINGS = 100;
/** Names and values of manifests may have megabytes. */
const LONGEST_TEXT = 2_000;

/** Returns the findings, with at most `MOST_FINDINGS` of each severity and a last one that says so. */
export function limitFindings(findings: readonly Finding[]): Finding[] {
  const counts = new Map<Severity, number>();
  return findings.flatMap((finding) => {
    const count = (counts.get(finding.severity) ?? 0) + 1;
    counts.set(finding.severity, count);
    if (count > MOST_FINDINGS + 1) return [];
    if (count <= MOST_FINDINGS) return [withShortTexts(finding)];
    const { severity } = finding;
    return [{ severity, path: [], message: `there are more of these; the first ${MOST_FINDINGS} are listed` }];
  });
}

function withShortTexts(finding: Finding): Finding {
  const { message, found, expected, fix } = finding;
  return {
    ...finding,
    message: cut(message),
    ...(found !== undefined && { found: cut(found) }),
    ...(expected !== undefined && { expected: cut(expected) }),
    ...(fix !== undefined && { fix: cut(fix) }),
  };
}

function cut(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;
}

/** Collects findings below one path, so that checks need not repeat the path. */
export class Findings {
  constructor(
    readonly list: Finding[] = [],
    private readonly base: FieldPath = [],
  ) {}

  /** True once no more are listed: looking for advice on others would be in vain. */
  get isFull(): boolean {
    return this.list.length > MOST_FINDINGS;
  }

  /** A collector for a field below, adding to the same list. */
  at(...path: FieldPath): Findings {
    return new Findings(this.list, [...this.base, ...path]);
  }

  error(message: string, details: FindingDetails = {}): void {
    this.list.push({ severity: 'error', path: this.base, message, ...details });
  }

  warning(message: string, details: FindingDetails = {}): void {
    this.list.push({ severity: 'warning', path: this.base, message, ...details });
  }

  unsupported(message: string, details: FindingDetails = {}): void {
    this.list.push({ severity: 'unsupported', path: this.base, message, ...details });
  }
}

export type FindingDetails = Pick<Finding, 'found' | 'expected' | 'fix'>;
