import { FlyballError } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../../../../test/support/identity-kit.js';
import { sessionState, situated } from '../../../../../test/support/policy-kit.js';
import { Grant } from '../../action/seal.js';
import type { Approval, Stages } from '../../action/stages.js';
import type { Decided, Hold, HoldState } from '../../action/states.js';
import { flowOfAgreed, flowOfRequests } from './flow.js';

const clock = new FakeClock();
const holdState = (over: Partial<HoldState> = {}): HoldState => ({ id: 'mine', digest: 'old', question: 'q', action: 'access.request', outcome: 'step_up', asks: [], status: 'pending', atMs: 0, deadlineMs: clock.ms + 1, agreed: [], evidence: [], depth: 0, after: [], late: [], arrived: false, ...over });
const decidedOn = (digest: string, hold: HoldState, args = {}) => ({ ...situated({ call: { name: 'db-read', args } }), digest, decision: { outcome: 'step_up' }, session: { stream: 's', version: 1, state: sessionState({ holds: { [hold.digest]: hold } }) } }) as unknown as Decided;

function stagesThat(approval: Approval) {
  const written: string[] = [];
  const record = { refusal: (_reached: unknown, error: FlyballError) => (written.push(`refusal ${error.code}`), Promise.resolve('p')), outcome: (_intended: unknown, effect: string) => (written.push(`outcome ${effect}`), Promise.resolve()) };
  return { written, stages: { approve: () => Promise.resolve(approval), decide: () => Promise.resolve('decided'), record, clock } as unknown as Stages };
}

const approvedUnder = (hold: string | undefined): Approval => ({ kind: 'approved', approved: { grant: new Grant('old', [], hold, undefined) } as never });
const waiting = (known: string | undefined): Approval => ({ kind: 'hold', known: known === undefined ? undefined : ({ id: known } as Hold) });

async function whatHappens(approval: Approval, digest = 'old', hold = holdState()): Promise<string> {
  const { stages: under } = stagesThat(approval);
  const { stages, moved, free } = flowOfAgreed(under, 'mine');
  const said = await stages.approve(decidedOn(digest, hold));
  if (said.kind !== 'refused') return said.kind;
  return said.error === moved ? 'moved' : said.error === free ? 'free' : 'refused';
}

describe('the flow for what one hold asks for', () => {
  test.each<[string, Approval, string, Partial<HoldState>, string]>([
    ['agreed to', approvedUnder('mine'), 'old', {}, 'approved'],
    ['agreed to, another hold', approvedUnder('other'), 'old', {}, 'free'],
    ['permitted by another policy', approvedUnder(undefined), 'new', {}, 'free'],
    ['permitted by another policy when it is used up', approvedUnder(undefined), 'new', { status: 'used' }, 'moved'],
    ['not agreed to any more', waiting('mine'), 'old', {}, 'hold'],
    ['asked under another policy', waiting(undefined), 'new', {}, 'hold'],
    ['asked under another policy when it is used up', waiting(undefined), 'new', { status: 'used' }, 'moved'],
    ['asked under another policy when it was refused', waiting(undefined), 'new', { status: 'refused' }, 'moved'],
    ['asked anew, the same, of other people', waiting(undefined), 'old', {}, 'hold'],
    ['over at this moment', approvedUnder('mine'), 'old', { deadlineMs: clock.ms }, 'moved'],
    ['not there any more', approvedUnder('mine'), 'old', { id: 'newer' }, 'moved'],
  ])('law: %s', async (_name, approval, digest, over, expected) => {
    expect(await whatHappens(approval, digest, holdState(over))).toBe(expected);
  });

  test('law: what would be asked anew because its time ended while that was found out is not', async () => {
    const hold = holdState();
    const { stages: under } = stagesThat(waiting(undefined));
    const late = { ...under, approve: (decided: never) => ((clock.ms = hold.deadlineMs), under.approve(decided)) };
    const before = clock.ms;
    const { stages, moved } = flowOfAgreed(late as Stages, 'mine');
    const said = await stages.approve(decidedOn('old', hold));
    clock.ms = before;
    expect(said.kind === 'refused' && said.error === moved).toBe(true);
  });

  test('law: that somebody else was first is no refusal; what policy refuses is one', async () => {
    const { stages: under, written } = stagesThat(waiting('mine'));
    const { stages, moved, free } = flowOfAgreed(under, 'mine');
    for (const error of [moved, free, new FlyballError('already_settled', ''), new FlyballError('denied', ''), new FlyballError('conflict', '')]) await stages.record.refusal({} as never, error);
    expect(written).toEqual(['refusal denied', 'refusal conflict']);
  });
});

describe('the flow of requests', () => {
  const declared = () => new Map([['db-read', { description: '', owner: 'ann', longestMs: 600_000 }]]);

  test('law: what only the record knows is not written down as unknown', async () => {
    const { stages: under, written } = stagesThat(waiting(undefined));
    const { record } = flowOfRequests(under, declared);
    for (const effect of ['unknown', 'failed', 'succeeded'] as const) await record.outcome({} as never, effect, {});
    expect(written).toEqual(['outcome failed', 'outcome succeeded']);
  });

  test('attack: nobody is asked about what is not declared, too long or over', async () => {
    const { stages: under } = stagesThat(waiting(undefined));
    const { decide, approve } = flowOfRequests(under, declared);
    await expect(decide(situated({ call: { name: 'other' } }))).rejects.toThrow('policy does not allow this');
    const said = async (args: object) => (await approve(decidedOn('d', holdState(), args))).kind;
    expect([await said({ minutes: 10 }), await said({ minutes: 11 }), await said({ minutes: 1, until: new Date(clock.ms).toISOString() })]).toEqual(['hold', 'refused', 'refused']);
  });
});
