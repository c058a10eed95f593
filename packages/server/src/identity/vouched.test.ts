import { describe, expect, test } from 'vitest';
import { FakeClock, identity, received, refusal } from '../../../../test/support/identity-kit.js';
import { Vouched } from '../action/seal.js';
import type { Presented } from '../action/states.js';
import { Identification } from './identify.js';
import { Registry } from './registry.js';

const clock = new FakeClock();
const identification = (over: Parameters<typeof identity>[0] = {}) => new Identification([], () => new Registry([identity(over)]), clock);
const who = (presented: Presented, over: Parameters<typeof identity>[0] = {}) => identification(over).identify({ ...received(undefined), presented });

describe('an identity that the server vouches for', () => {
  test('story: it acts for the person who asked', async () => {
    expect((await who(new Vouched('robot', 'ann'))).principal).toMatchObject({ identity: { id: 'robot' }, onBehalfOf: 'ann', method: 'vouched', chain: [] });
  });

  test.each([['suspended', { status: 'suspended' }], ['retired', { status: 'retired' }], ['over', { expiresAtMs: clock.ms }], ['another', { id: 'other' }]] as const)('attack: one that is %s is refused', async (_name, over) => {
    expect(await refusal(who(new Vouched('robot', 'ann'), over))).toMatch(/^identity_refused/);
  });

  test.each([
    ['plain members', { kind: 'vouched', identity: 'robot', onBehalfOf: 'ann', chain: [] }],
    ['a method of its own', { kind: 'vouched', identity: 'robot', chain: [], isSealed: Vouched.prototype.isSealed.bind({}) }],
    ['the prototype', Object.assign(Object.create(Vouched.prototype) as object, { kind: 'vouched', identity: 'robot', chain: [] })],
  ])('attack: what only looks like it, with %s, is nobody', async (_name, forged) => {
    await expect(who(forged as unknown as Presented)).rejects.toThrow(TypeError);
  });
});
