/** Consumer groups of Kafka: who reads which partitions, where the group stands, and how much it has not read. */
import { AssignerProtocol, type Admin, type PartitionAssigner } from 'kafkajs';
import { kafkaErrorType } from '../clients/kafka/kafka-failure';
import type { EventOptions } from '../manifest/event-source';
import type { SourceBacklog, SourceContext } from './source';

export interface KafkaGroup {
  readonly topic: string;
  readonly groupId: string;
  /** Undefined: all partitions, shared with the other members. */
  readonly partition?: number;
  /** Where a partition begins that the group never read: at its oldest record, or at what comes next. */
  readonly oldest: boolean;
  readonly strategy: Strategy;
}

type Strategy = 'range' | 'roundrobin' | 'sticky';

export function groupOf(spec: EventOptions<'kafka'>, context: SourceContext): KafkaGroup {
  const { topic, partition, consumerGroup } = spec;
  const { namespace, eventSourceName, eventName } = context;
  return {
    topic,
    // Argo Events reads a single partition without a group, and forgets where it was.
    groupId: consumerGroup?.groupName || `sluice-${namespace}-${eventSourceName}-${eventName}`,
    ...(consumerGroup === undefined && { partition: Number(partition) }),
    oldest: consumerGroup?.oldest === true,
    strategy: consumerGroup?.rebalanceStrategy === 'sticky' ? 'sticky' : strategyOf(consumerGroup?.rebalanceStrategy),
  };
}

function strategyOf(text: string | undefined): Strategy {
  return text === 'roundrobin' ? 'roundrobin' : 'range';
}

/**
 * Assigns partitions under the names that other clients use, so that a group may have members of other kinds, such as a pod
 * of Argo Events that is being replaced.
 */
export function assignerOf({ strategy, partition: only }: KafkaGroup): PartitionAssigner {
  return ({ cluster }) => ({
    name: only === undefined ? strategy : 'sluice-partition',
    version: 0,
    protocol({ topics }) {
      const metadata = AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) });
      return { name: this.name, metadata };
    },
    assign({ members, topics }) {
      const shares = new Map(members.map(({ memberId }) => [memberId, new Map<string, number[]>()]));
      for (const topic of topics) {
        const subscribed = members
          .filter(({ memberMetadata }) =>
            AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics.includes(topic),
          )
          .map(({ memberId }) => memberId)
          .sort();
        const partitions = cluster
          .findTopicPartitionMetadata(topic)
          .map(({ partitionId }) => partitionId)
          .filter((partition) => only === undefined || partition === only)
          .sort((left, right) => left - right);
        partitions.forEach((partition, index) => {
          const turn =
            strategy === 'range' ? rangeOf(index, partitions.length, subscribed.length) : index % subscribed.length;
          const share = shares.get(subscribed[turn] ?? '');
          share?.set(topic, [...(share.get(topic) ?? []), partition]);
        });
      }
      return Promise.resolve(
        [...shares].map(([memberId, share]) => ({
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({
            version: 0,
            assignment: Object.fromEntries(share),
            userData: Buffer.alloc(0),
          }),
        })),
      );
    },
  });
}

/** Consecutive partitions for each member; the first members have one more. */
function rangeOf(index: number, partitions: number, members: number): number {
  const [share, extra] = [Math.floor(partitions / members), partitions % members];
  const ofLarger = extra * (share + 1);
  return index < ofLarger ? Math.floor(index / (share + 1)) : extra + Math.floor((index - ofLarger) / share);
}

export interface PartitionPosition {
  readonly partition: number;
  readonly low: bigint;
  readonly high: bigint;
  /** Undefined if the group never read the partition. */
  readonly committed?: bigint;
}

/** Throws what kafkajs throws, also for a topic or partition that does not exist. */
export async function readGroupPositions(
  admin: Admin,
  { topic, groupId, partition: only }: KafkaGroup,
): Promise<readonly PartitionPosition[]> {
  const [extents, groups] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchOffsets({ groupId, topics: [topic] }).catch(noneOfUnknownGroup),
  ]);
  const ofTopic = groups.find((group) => group.topic === topic)?.partitions ?? [];
  const committedAt = new Map(ofTopic.map(({ partition, offset }) => [partition, BigInt(offset)]));
  const positions = extents
    .filter(({ partition }) => only === undefined || partition === only)
    .map(({ partition, low, high }): PartitionPosition => {
      const committed = committedAt.get(partition) ?? -1n;
      return { partition, low: BigInt(low), high: BigInt(high), ...(committed >= 0n && { committed }) };
    });
  if (only !== undefined && positions.length === 0) throw new Error(`the topic has no partition ${only}`);
  return positions;
}

function noneOfUnknownGroup(error: unknown): readonly [] {
  if (kafkaErrorType(error) === 'GROUP_ID_NOT_FOUND') return [];
  throw error;
}

export function startOf({ committed, low, high }: PartitionPosition, { oldest }: KafkaGroup): bigint {
  return committed ?? (oldest ? low : high);
}

/** What the group has not read, as far as the topic still has it. */
export function lagOf(positions: readonly PartitionPosition[], group: KafkaGroup): SourceBacklog {
  let entries = 0n;
  for (const position of positions) {
    const start = startOf(position, group);
    // A topic that was made anew ends before the former position.
    const from = start > position.high || start < position.low ? position.low : start;
    entries += position.high - from;
  }
  return { entries: Number(entries), pending: 0 };
}
