import {
  deriveTraceContext,
  findTraceparent,
  formatTraceparent,
  parseTraceparent,
} from '../../src/tracing/trace-context';

const GOOD = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const OTHER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

describe('a traceparent', () => {
  it('is formatted as it was parsed', () => {
    for (const text of [GOOD, OTHER]) {
      const context = parseTraceparent(text);
      expect(context && formatTraceparent(context)).toBe(text);
    }
  });

  it.each([
    ['nothing', undefined],
    ['empty text', ''],
    ['other text', 'yes please'],
    ['capital letters', GOOD.toUpperCase()],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['a span id of zeros', `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`],
    ['the forbidden version', GOOD.replace(/^00/, 'ff')],
    ['text around it', ` ${GOOD}`],
  ])('is ignored when it is %s', (_what, text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });

  it.each([
    ['next to the event', GOOD, undefined, GOOD],
    ['inside a CloudEvent', undefined, { specversion: '1.0', traceparent: OTHER }, OTHER],
    ['next to the event before inside it', GOOD, { specversion: '1.0', traceparent: OTHER }, GOOD],
    ['inside, if the one next to the event is invalid', 'broken', { specversion: '1.0', traceparent: OTHER }, OTHER],
    ['not in a document that is no CloudEvent', undefined, { traceparent: OTHER }, undefined],
    ['not if it is not a string', undefined, { specversion: '1.0', traceparent: 7 }, undefined],
  ])('is found %s', (_where, beside, document, found) => {
    expect(findTraceparent(beside, document)).toBe(found);
  });

  it('derived from an event key is valid, and the same every time', () => {
    const derived = formatTraceparent(deriveTraceContext('orders/placed:orders:1-0'));
    expect(parseTraceparent(derived)).toBeDefined();
    expect(formatTraceparent(deriveTraceContext('orders/placed:orders:1-0'))).toBe(derived);
    expect(formatTraceparent(deriveTraceContext('orders/placed:orders:1-1'))).not.toBe(derived);
  });
});
