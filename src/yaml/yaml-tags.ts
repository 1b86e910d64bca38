/** Reads plain scalars in YAML as the tools of Kubernetes do, not as the YAML library does. */
import type { CollectionTag, ScalarTag, Tags } from 'yaml';

type Tag = Tags[number];

const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)$/;
const FLOAT_WITH_EXPONENT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+$/;

/**
 * YAML 1.1 without times and dates (kept as text), and with numbers that have at least one digit (`.` is a jq program,
 * `e5` part of a hash).
 */
export function kubernetesTags(tags: Tags): Tags {
  return tags.filter((tag) => !isTime(tag)).map(narrow);
}

function isTime(tag: Tag): boolean {
  return isScalarTag(tag) && (tag.format === 'TIME' || tag.tag === 'tag:yaml.org,2002:timestamp');
}

function narrow(tag: Tag): Tag {
  if (!isScalarTag(tag) || tag.test === undefined) return tag;
  if (tag.tag !== 'tag:yaml.org,2002:float') return tag;
  if (tag.format === 'EXP') return { ...tag, test: FLOAT_WITH_EXPONENT };
  return tag.test.test('.') ? { ...tag, test: FLOAT } : tag;
}

function isScalarTag(tag: Tag): tag is ScalarTag {
  return typeof tag !== 'string' && !isCollectionTag(tag);
}

function isCollectionTag(tag: ScalarTag | CollectionTag): tag is CollectionTag {
  return tag.collection !== undefined;
}
