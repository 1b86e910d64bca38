/** The parts of its host process that the control plane uses: of a command, a worker or a test. */
import { Writable } from 'node:stream';

export interface ProcessEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For warnings; results are returned. */
  readonly stderr: Writable;
}

/** For a worker or a program, which is told what a command would write to stderr. */
export function loggedEnvironment(
  warn: (text: string) => void,
  env: ProcessEnvironment['env'] = process.env,
): ProcessEnvironment {
  const stderr = new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      warn(text.trimEnd());
      done();
    },
  });
  return { env, stderr };
}
