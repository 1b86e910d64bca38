import { startTenants, type Tenants } from './tenants';

/** Enough to meet every attack; how long they take is measured by `npm run hostile`. */
const EVENTS = 200;

describe('a tenant next to a hostile one', () => {
  let tenants: Tenants;

  beforeAll(async () => {
    tenants = await startTenants();
  }, 180_000);
  afterAll(() => tenants.stop(), 60_000);

  it('gets each of its events fired, once', async () => {
    await tenants.attack();
    const { latenciesMs, missing, repeated } = await tenants.sendOrders(EVENTS, 20);
    const attacks = await tenants.endAttacks();
    expect({ missing, repeated, fired: latenciesMs.length }).toEqual({ missing: [], repeated: [], fired: EVENTS });
    for (const [attack, count] of Object.entries(attacks)) expect([attack, count > 0]).toEqual([attack, true]);
  }, 600_000);
});
