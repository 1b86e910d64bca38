import { defaultPayloadConverter } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { PayloadEncryption } from '../../src/payloads/payload-encryption';
import { summaryLine } from '../../src/text/summary-line';
import { keyText, refuseWarnings } from '../payloads/key-text';

describe('a summary', () => {
  it('is one line', () => {
    expect(summaryLine(' detect ←\n a ')).toBe('detect ← a');
  });

  it.each(['x', 'ä', '水', '"', '😀'])(
    "never exceeds the 400 bytes of Temporal's limit, even encrypted: %s",
    async (character) => {
      const line = summaryLine(character.repeat(500));
      const environment = { SLUICE_PAYLOAD_KEYS: `2026-11-30: ${keyText(1)}` };
      const encryption = PayloadEncryption.read(environment, { warn: refuseWarnings });
      const [encrypted] = await encryption.codecFor('a-tenant').encode([defaultPayloadConverter.toPayload(line)]);
      expect(temporal.api.common.v1.Payload.encode(encrypted ?? {}).finish().length).toBeLessThanOrEqual(400);
      expect(line).toMatch(/^.{55,}…$/u);
    },
  );
});
