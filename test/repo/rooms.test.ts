import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { productFiles, productImports } from './imports';
import { roomOf, rooms } from './rooms';

const files = productFiles();
const edges = productImports().flatMap(({ from, to }) => {
  const [source = '', target = ''] = [roomOf(from), roomOf(to)];
  return source === target ? [] : [{ source, target, import: `${from} → ${to}` }];
});

describe('rooms.json', () => {
  it('has a room for every folder of the product, and no room without a file', () => {
    expect(files.filter((file) => roomOf(file) === undefined)).toEqual([]);
    const used = new Set(files.map(roomOf));
    expect(Object.keys(rooms).filter((room) => !used.has(room))).toEqual([]);
  });

  it('lets rooms import what they import', () => {
    const allowed = (source: string): readonly string[] => [
      ...(rooms[source]?.imports ?? []),
      ...(rooms[source]?.types ?? []),
    ];
    expect(edges.filter(({ source, target }) => !allowed(source).includes(target))).toEqual([]);
  });

  it('allows nothing that no file needs', () => {
    const needless = Object.entries(rooms).flatMap(([source, { imports, types = [] }]) =>
      [...imports, ...types]
        .filter((target) => !edges.some((edge) => edge.source === source && edge.target === target))
        .map((target) => `${source} → ${target}`),
    );
    expect(needless).toEqual([]);
  });

  it('lists rooms bottom up, so that no two rooms import each other, not even by way of a third', () => {
    const order = Object.keys(rooms);
    expect(edges.filter(({ source, target }) => order.indexOf(target) > order.indexOf(source))).toEqual([]);
  });

  it('gives sandbox code values from sandbox code only', () => {
    const outside = Object.entries(rooms).flatMap(([room, { sandbox, imports }]) =>
      sandbox ? imports.filter((other) => !rooms[other]?.sandbox).map((other) => `${room} → ${other}`) : [],
    );
    expect(outside).toEqual([]);
  });
});

describe('docs/architecture.md', () => {
  it('describes every room, where it runs and what it may import, and no other', () => {
    expect(readRoomTable()).toEqual(
      Object.entries(rooms).map(([room, { sandbox, imports, types = [] }]) => ({
        room,
        runsIn: sandbox ? 'sandbox' : 'worker',
        imports: [...imports, ...types],
        types,
      })),
    );
  });
});

interface RoomRow {
  readonly room: string;
  readonly runsIn: string;
  /** With those of which only types may be imported. */
  readonly imports: readonly string[];
  readonly types: readonly string[];
}

function readRoomTable(): RoomRow[] {
  const page = readFileSync(join(repoRoot, 'docs/architecture.md'), 'utf8');
  const [, section = ''] = /^## The rooms$(.*?)^## /ms.exec(page) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) => {
    const [, room = '', , runsIn = '', allowed = ''] = row.split('|').map((cell) => cell.trim());
    const [, types = ''] = allowed.split('types of');
    return { room: room.replaceAll('`', ''), runsIn, imports: namesIn(allowed), types: namesIn(types) };
  });
}

/** Written without `src/`. */
function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => (name in rooms ? name : `src/${name}`));
}
