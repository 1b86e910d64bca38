/** The messages between the checker of foreign manifests and its thread. All are plain data. */
import type { ExpressionComplaint, ExpressionLanguage } from '../expressions/engine';
import type { ReadYaml } from '../yaml/yaml-documents';
import type { LoadedManifests } from './load-manifests';

/** To the thread. */
export type ThreadOrder =
  | { readonly kind: 'check'; readonly manifest: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: SyntaxAnswer };

/** From the thread. */
export type ThreadReport =
  | { readonly kind: 'checked'; readonly manifests: LoadedManifests }
  | { readonly kind: 'failed'; readonly message: string }
  /** The threads of the expression engine belong to the main thread. */
  | { readonly kind: 'question'; readonly id: number; readonly question: SyntaxQuestion };

export type SyntaxQuestion =
  | { readonly about: 'syntax'; readonly language: ExpressionLanguage; readonly text: string }
  | { readonly about: 'yaml'; readonly text: string };

export type SyntaxAnswer =
  | { readonly about: 'syntax'; readonly complaint: ExpressionComplaint | undefined }
  | { readonly about: 'yaml'; readonly reading: PlainReading }
  | { readonly about: 'failure'; readonly message: string };

type Reading = Awaited<ReturnType<ReadYaml>>;
/** Only whether it can be read: the value itself is of no use to a check. */
export type PlainReading = { readonly ok: true } | Extract<Reading, { ok: false }>;
