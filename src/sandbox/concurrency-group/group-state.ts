/**
 * The places of one concurrency group: who has them and who is next. First come, first served; a sensor has no more
 * turns in the queue than the limit that it states, so a flood of one sensor does not delay the others by its length.
 * Plain bookkeeping, tested without Temporal.
 */
import type { GroupPlaces, GroupStatus, LostPlaces, PlaceInUse, SensorShare } from '../../contract/group-messages';

interface HeldPlace {
  readonly since: number;
  readonly run?: string;
}

interface Member {
  readonly epoch: string;
  sequence: number;
  limit: number | undefined;
  waiting: number;
  /** By the name of the place. */
  held: Map<string, HeldPlace>;
}

interface Turn {
  readonly sensor: string;
  readonly place: string;
}

interface LeftBehind {
  readonly id: string;
  readonly sensor: string;
  readonly run: string;
  readonly since: number;
}

/** Plain JSON, for continue-as-new. */
export interface CarriedGroup {
  readonly members: ReadonlyArray<
    readonly [
      sensor: string,
      Omit<Member, 'held' | 'limit'> & { limit?: number; held: ReadonlyArray<readonly [string, HeldPlace]> },
    ]
  >;
  readonly queue: readonly Turn[];
  readonly leftBehind: readonly LeftBehind[];
}

export type SensorNews = Pick<GroupPlaces, 'epoch' | 'given' | 'lost'> & { readonly sensor: string };

export class GroupState {
  private readonly members: Map<string, Member>;
  private queue: Turn[];
  private leftBehind: LeftBehind[];
  private readonly news = new Map<string, { epoch: string; given: string[]; lost: string[] }>();

  constructor(carried: CarriedGroup = { members: [], queue: [], leftBehind: [] }) {
    this.members = new Map(
      carried.members.map(([sensor, { limit, held, ...member }]) => [
        sensor,
        { ...member, limit, held: new Map(held) },
      ]),
    );
    this.queue = [...carried.queue];
    this.leftBehind = [...carried.leftBehind];
  }

  carry(): CarriedGroup {
    return {
      members: [...this.members].map(([sensor, { held, limit, ...member }]) => [
        sensor,
        { ...member, ...(limit !== undefined && { limit }), held: [...held] },
      ]),
      queue: this.queue,
      leftBehind: this.leftBehind,
    };
  }

  /** Takes a sensor's share, and gives free places to those whose turn it is. */
  report(share: SensorShare, now: number): void {
    const known = this.members.get(share.sensor);
    if (known !== undefined && share.epoch < known.epoch) return;
    if (known !== undefined && share.epoch > known.epoch) this.part(share.sensor);
    const member = this.memberFor(share);
    if (share.sequence <= member.sequence) return;
    member.sequence = share.sequence;
    member.limit = share.limit;
    member.waiting = share.waiting;
    this.queueTurns(member, share);
    this.compareHeld(member, share, now);
    if (share.ended) this.part(share.sensor);
    else if (share.limit === undefined && member.held.size === 0 && share.asked.length === 0) {
      this.members.delete(share.sensor);
    }
    this.giveFree(now);
  }

  /** A sensor that does not exist any more: its runs keep their places until they end. */
  sensorGone(sensor: string, now: number, epoch = this.members.get(sensor)?.epoch): void {
    if (this.members.get(sensor)?.epoch !== epoch) return;
    this.part(sensor);
    this.giveFree(now);
  }

  /** Frees places that nobody will return. */
  lose({ places, sensors }: LostPlaces, now: number): void {
    const lost = new Set(places);
    this.leftBehind = this.leftBehind.filter(({ id }) => !lost.has(id));
    for (const [sensor, member] of this.members) {
      for (const place of [...member.held.keys()]) {
        if (!lost.has(placeId(member.epoch, place))) continue;
        member.held.delete(place);
        this.newsFor(sensor, member).lost.push(place);
      }
    }
    for (const sensor of sensors) this.part(sensor);
    this.giveFree(now);
  }

  /** What sensors must be told, once. */
  takeNews(): SensorNews[] {
    const news = [...this.news].map(([sensor, told]) => ({ sensor, ...told }));
    this.news.clear();
    return news;
  }

  hasNews(): boolean {
    return this.news.size > 0;
  }

  isQueueing(): boolean {
    return this.queue.length > 0;
  }

  /** True if sensors left runs behind, whose end nobody reports. */
  hasLeftBehind(): boolean {
    return this.leftBehind.length > 0;
  }

  isEmpty(): boolean {
    return this.members.size === 0 && this.leftBehind.length === 0 && this.news.size === 0;
  }

  placesInUse(): PlaceInUse[] {
    return [
      ...[...this.members].flatMap(([sensor, { epoch, held }]) =>
        [...held].map(([place, { since, run }]) => ({
          id: placeId(epoch, place),
          ...{ sensor, since, isLeftBehind: false },
          ...(run !== undefined && { run }),
        })),
      ),
      ...this.leftBehind.map((place) => ({ ...place, isLeftBehind: true })),
    ];
  }

  sensors(): string[] {
    return [...this.members.keys()];
  }

  status(): Omit<GroupStatus, 'namespace' | 'name'> {
    return {
      limit: this.limit(),
      used: this.used(),
      sensors: [...this.members]
        .map(([sensor, { limit, held, waiting }]) => ({
          sensor,
          ...(limit !== undefined && { limit }),
          ...{ holding: held.size, waiting },
        }))
        // By name. Not localeCompare: workers may differ in their locale.
        .sort((one, other) => (one.sensor < other.sensor ? -1 : 1)),
      leftBehind: this.leftBehind.map(({ run }) => run),
    };
  }

  private memberFor({ sensor, epoch }: SensorShare): Member {
    const known = this.members.get(sensor);
    if (known !== undefined) return known;
    const member: Member = { epoch, sequence: -1, limit: undefined, waiting: 0, held: new Map() };
    this.members.set(sensor, member);
    return member;
  }

  /** Turns that were queued before keep their place in the queue. */
  private queueTurns({ held }: Member, { sensor, asked }: SensorShare): void {
    const wanted = new Set(asked.filter((place) => !held.has(place)));
    this.queue = this.queue.filter((turn) => turn.sensor !== sensor || wanted.delete(turn.place));
    this.queue.push(...[...wanted].map((place) => ({ sensor, place })));
  }

  /** A place that the sensor still asks for is on its way to it; one that it neither has nor asks for is returned. */
  private compareHeld(member: Member, { asked, holding }: SensorShare, now: number): void {
    const onTheWay = new Set(asked);
    const before = member.held;
    member.held = new Map([...before].filter(([place]) => onTheWay.has(place)));
    for (const [place, run] of Object.entries(holding)) {
      // Unknown if an operator terminated the group: the sensor's word counts.
      const since = before.get(place)?.since ?? now;
      member.held.set(place, { since, ...(run !== null && { run }) });
    }
  }

  private giveFree(now: number): void {
    let free = this.limit() - this.used();
    while (free > 0) {
      const turn = this.queue.shift();
      if (turn === undefined) return;
      const member = this.members.get(turn.sensor);
      if (member === undefined) continue;
      member.held.set(turn.place, { since: now });
      this.newsFor(turn.sensor, member).given.push(turn.place);
      free -= 1;
    }
  }

  private part(sensor: string): void {
    const member = this.members.get(sensor);
    if (member === undefined) return;
    for (const [place, { run, since }] of member.held) {
      if (run !== undefined) this.leftBehind.push({ id: placeId(member.epoch, place), sensor, run, since });
    }
    this.members.delete(sensor);
    this.queue = this.queue.filter((turn) => turn.sensor !== sensor);
    this.news.delete(sensor);
  }

  private newsFor(sensor: string, { epoch }: Member): { given: string[]; lost: string[] } {
    const told = this.news.get(sensor) ?? { epoch, given: [], lost: [] };
    this.news.set(sensor, told);
    return told;
  }

  private limit(): number {
    const stated = [...this.members.values()].flatMap(({ limit }) => (limit === undefined ? [] : [limit]));
    return stated.length === 0 ? 0 : Math.min(...stated);
  }

  private used(): number {
    return [...this.members.values()].reduce((total, { held }) => total + held.size, this.leftBehind.length);
  }
}

function placeId(epoch: string, place: string): string {
  return `${epoch} ${place}`;
}
