/**
 * The search attributes by which people and Sluice itself find runs. `sluice setup` registers them.
 *
 * Only two are lists: Temporal on SQL offers three list attributes per namespace, and users have their own.
 */
export const SEARCH_ATTRIBUTES = [
  /** `<namespace>/<sensor>` */
  { name: 'SluiceSensor', type: 'Keyword' },
  /** Name of the EventSource; a joined run names all of its sources, comma-separated. */
  { name: 'SluiceEventSource', type: 'Keyword' },
  { name: 'SluiceTriggers', type: 'KeywordList' },
  /** Short ids (12 characters) of at most 100 events: the value may hold 2,048 bytes. */
  { name: 'SluiceEventIds', type: 'KeywordList' },
  /** See RunState. */
  { name: 'SluiceState', type: 'Keyword' },
] as const;
