/** The part of a subject that identifies the kind of event: the same on every stream. Pure. */

/** `<event source>.<event name>`, as two tokens that are legal in a subject. */
export function eventPath(source: string, eventName: string): string {
  return `${subjectToken(source)}.${subjectToken(eventName)}`;
}

/** Returns the event path of a subject. */
export function pathOfSubject(subject: string): string {
  return subject.split('.').slice(-2).join('.');
}

/** Dots, wildcards and blanks would split or break a subject, so they are percent-encoded (`a.b` → `a%2Eb`). */
export function subjectToken(name: string): string {
  return name.replace(/[^A-Za-z0-9_$@:+=~-]/g, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
