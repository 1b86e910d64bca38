/**
 * The search attributes by which operators and Sluice itself find runs. `sluice setup` registers them.
 *
 * Only two are lists: Temporal on SQL offers three list attributes per namespace, and users have their own.
 */
import { defineSearchAttributeKey } from '@temporalio/common';

/** `<namespace>/<sensor>` */
export const SENSOR_ATTRIBUTE = defineSearchAttributeKey('SluiceSensor', 'KEYWORD');
/** Name of the EventSource; a joined run names all of its sources, comma-separated. */
export const EVENT_SOURCE_ATTRIBUTE = defineSearchAttributeKey('SluiceEventSource', 'KEYWORD');
export const TRIGGERS_ATTRIBUTE = defineSearchAttributeKey('SluiceTriggers', 'KEYWORD_LIST');
/** Short ids (12 characters) of at most 100 events: the value may hold 2,048 bytes. */
export const EVENT_IDS_ATTRIBUTE = defineSearchAttributeKey('SluiceEventIds', 'KEYWORD_LIST');
/** See RunState. */
export const STATE_ATTRIBUTE = defineSearchAttributeKey('SluiceState', 'KEYWORD');

/** Names and types as in the server's API and command line. */
export const SEARCH_ATTRIBUTES = [
  { name: 'SluiceSensor', type: 'Keyword' },
  { name: 'SluiceEventSource', type: 'Keyword' },
  { name: 'SluiceTriggers', type: 'KeywordList' },
  { name: 'SluiceEventIds', type: 'KeywordList' },
  { name: 'SluiceState', type: 'Keyword' },
] as const;
