/** Decides about one AdmissionReview by the checks of `sluice validate`. */
import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../kubernetes/kubernetes-object';
import { formatProblem, type Problem } from '../manifest/problem';
import type { CheckManifest } from '../validation/manifest-checker';

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  /** kubectl prints them. */
  readonly warnings?: readonly string[];
}

/** By the convention of Kubernetes: longer ones may be cut, and more than 4,096 characters together are dropped. */
const MOST_WARNINGS = 12;
const WARNING_CHARACTERS = 256;
const MESSAGE_CHARACTERS = 4_000;

/** Undefined if `review` is not an AdmissionReview. */
export async function answerReview(review: unknown, check: CheckManifest): Promise<AdmissionResponse | undefined> {
  const request = isRecord(review) ? review['request'] : undefined;
  if (!isRecord(request) || typeof request['uid'] !== 'string') return undefined;
  const { uid, object, oldObject } = request;
  if (!isRecord(object) || isLeaving(object) || isSame(object, oldObject)) return { uid, allowed: true };
  const { apiVersion, kind, spec, metadata } = object;
  const { name, generateName, namespace, annotations } = isRecord(metadata) ? metadata : {};
  // The API server makes a name of generateName after admission.
  const named = { name: name ?? `${typeof generateName === 'string' ? generateName : ''}0`, namespace, annotations };
  const { problems } = await check(JSON.stringify({ apiVersion, kind, metadata: named, spec }));
  const errors = problems.filter(({ severity }) => severity === 'error');
  const notices = problems.filter(({ severity }) => severity !== 'error');
  return {
    uid,
    allowed: errors.length === 0,
    ...(errors.length > 0 && {
      status: {
        code: 422,
        reason: 'Invalid',
        message: errors.map(describe).join('\n').slice(0, MESSAGE_CHARACTERS),
      },
    }),
    ...(notices.length > 0 && {
      warnings: notices.slice(0, MOST_WARNINGS).map((notice) => inOneLine(describe(notice))),
    }),
  };
}

/** Without file and line, which are those of a request that no author has seen. */
function describe({ file: _, line: _line, column: _column, ...problem }: Problem): string {
  return formatProblem({ ...problem, file: '' });
}

function inOneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, '; ').slice(0, WARNING_CHARACTERS);
}

/** A faulty object must lose its finalizers all the same. */
function isLeaving({ metadata }: Record<string, unknown>): boolean {
  return isRecord(metadata) && typeof metadata['deletionTimestamp'] === 'string';
}

/** A change of labels or owners of an object that was faulty before makes nothing worse. */
function isSame(object: Record<string, unknown>, former: unknown): boolean {
  if (!isRecord(former)) return false;
  return isDeepStrictEqual(checked(object), checked(former));
}

function checked({ apiVersion, spec, metadata }: Record<string, unknown>): unknown {
  return { apiVersion, spec, annotations: isRecord(metadata) ? metadata['annotations'] : undefined };
}
