import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';

/** A folder of the product, as rooms.json describes it; see docs/architecture.md. */
export interface Room {
  /** Workflows may run its code. */
  readonly sandbox?: true;
  readonly imports: readonly string[];
  /** Rooms of which it may import types alone. */
  readonly types?: readonly string[];
  readonly packages?: readonly string[];
}

export const rooms = JSON.parse(readFileSync(join(repoRoot, 'rooms.json'), 'utf8')) as Readonly<Record<string, Room>>;

/** The innermost room that a file lies in; undefined where no room has its folder. */
export function roomOf(file: string): string | undefined {
  return Object.keys(rooms)
    .filter((room) => file.startsWith(`${room}/`))
    .sort((one, other) => other.length - one.length)
    .find((room) => !isOuter(room) || !file.slice(room.length + 1).includes('/'));
}

/** Such a room is the files that lie directly in it. */
function isOuter(room: string): boolean {
  return Object.keys(rooms).some((other) => other.startsWith(`${room}/`));
}
