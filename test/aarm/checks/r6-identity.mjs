import { equal, eventually, expect } from '../world.mjs';

const row = (id, what, run) => ({ id, level: 'MUST', from: 'row', what, run });
const bullet = (id, what, run) => ({ id, level: 'MUST', from: 'bullet', what, run });

const identityOf = async (world, act) => (await world.receipt(act)).facts.identity;
const wanted = ({ names: { agent, human, service, scope } }) => ({ agent, human, service, scope });

export const checks = [
  row('R6.1', 'receipts of different callers and sessions name the right agent, person, service, session and scope', async (world) => {
    const sessions = [];
    for (const role of ['agent', 'other', 'delegated', 'service']) {
      const caller = await world.caller(role);
      const act = await world.act(caller, 'allow');
      world.passed(act);
      const { facts } = await world.receipt(act);
      equal(facts.identity, wanted(caller), `identity of ${role}`);
      sessions.push(facts.context.session);
    }
    expect(sessions.every(Boolean), 'a session is not named');
    equal(new Set(sessions).size, sessions.length, 'different sessions');
  }),
  row('R6.2', 'a deferred action that is resolved is its caller\'s still', async (world) => {
    world.needs('resolveDeferral');
    const caller = await world.caller('delegated');
    const act = await world.act(caller, 'defer');
    world.stopped(act, 'DEFER');
    await world.resolved(act, async () => {
      await eventually(async () => act.effects().length === 1 || (await world.resume(act)).passed, 'the resolved action');
      equal(await identityOf(world, act), wanted(caller), 'identity');
    });
  }),
  bullet('R6.3', 'the person for whom an agent acts is bound to the action, and nobody where there is nobody', async (world) => {
    const [delegated, alone] = [await world.caller('delegated'), await world.caller()];
    equal((await identityOf(world, await world.act(delegated, 'allow'))).human, delegated.names.human, 'person');
    equal((await identityOf(world, await world.act(alone, 'allow'))).human, undefined, 'person of an agent by itself');
  }),
  bullet('R6.4', 'the service that acts, or through which an agent acts, is bound to the action', async (world) => {
    for (const role of ['service', 'delegated']) {
      const caller = await world.caller(role);
      equal((await identityOf(world, await world.act(caller, 'allow'))).service, caller.names.service, `service of ${role}`);
    }
  }),
  bullet('R6.5', 'the agent itself is bound to the action: two of a kind are told apart', async (world) => {
    const callers = [await world.caller(), await world.caller()];
    for (const caller of callers) equal((await identityOf(world, await world.act(caller, 'deny'))).agent, caller.names.agent, 'agent');
  }),
  bullet('R6.6', 'actions of one session share its identifier, those of another session do not', async (world) => {
    world.needs('forRequest');
    const caller = await world.caller();
    const { request, otherRequest } = world.case('forRequest');
    const [one, other] = [await world.target.forRequest(caller, request), await world.target.forRequest(caller, otherRequest)];
    const sessionOf = async (by) => (await world.receipt(await world.act(by, 'allow'))).facts.context.session;
    const found = [await sessionOf(one), await sessionOf(one), await sessionOf(other)];
    equal(found, [one.names.session, one.names.session, other.names.session], 'sessions');
    expect(found[0] !== found[2], 'two sessions have one identifier');
  }),
  bullet('R6.7', 'what a caller may at the time is bound to the action', async (world) => {
    for (const role of ['agent', 'other', 'service']) {
      const caller = await world.caller(role);
      equal((await identityOf(world, await world.act(caller, 'allow'))).scope, caller.names.scope, `scope of ${role}`);
    }
  }),
  bullet('R6.8', 'who submitted an action stays its author: while it waits, when it was agreed to, when it timed out', async (world) => {
    world.needs('approve');
    const caller = await world.caller('delegated');
    const act = await world.act(caller, 'stepUp');
    const before = await world.receipt(act);
    equal(before.facts.identity, wanted(caller), 'identity while it waits');
    expect((await world.target.approve(act, world.target.people.approver)).accepted, 'the approver could not agree');
    const done = await world.resume(act);
    world.passed(done);
    const after = await eventually(async () => [await world.receipt(done)].find(({ facts }) => facts.outcome.result === 'succeeded'), 'the receipt of the outcome');
    equal(after.facts.identity, wanted(caller), 'identity when it was done');
    equal(after.facts.context.session, before.facts.context.session, 'session');
    const deferred = await world.act(caller, 'deferSoon');
    const over = await eventually(async () => [await world.receipt(deferred)].find(({ facts }) => facts.deferral?.method !== undefined), 'the receipt of the timeout');
    equal(over.facts.identity, wanted(caller), 'identity after the timeout');
    equal(over.facts.deferral.session, before.facts.context.session, 'session after the timeout');
  }),
  bullet('R6.9', 'claims are held against a source that is trusted, and against the time', async (world) => {
    world.needs('badCallers');
    const bad = Object.entries(await world.target.badCallers()).filter(([, { token }]) => token !== undefined);
    expect(bad.length > 0, 'there is nobody to refuse');
    for (const [how, caller] of bad) {
      const act = await world.act(caller, 'allow');
      expect(!act.passed, `a caller ${how} was let through`);
      equal(act.effects().length, 0, `effects of a caller ${how}`);
    }
    world.passed(await world.act(await world.caller(), 'allow'));
  }),
  bullet('R6.10', 'who was revoked can do nothing more, not even what was agreed to before', async (world) => {
    world.needs('revoke', 'approve');
    const caller = await world.caller();
    world.passed(await world.act(caller, 'allow'));
    const held = await world.act(caller, 'stepUp');
    expect((await world.target.approve(held, world.target.people.approver)).accepted, 'the approver could not agree');
    expect(await world.target.revoke(caller), 'the caller could not be revoked');
    world.stopped(await world.act(caller, 'allow'));
    world.stopped(await world.resume(held));
  }),
  bullet('R6.11', 'an action without an identity is refused', async (world) => {
    world.stopped(await world.act({}, 'allow'));
    world.passed(await world.act(await world.caller(), 'allow'));
  }),
  bullet('R6.12', 'the identity in a receipt cannot be changed without breaking it', async (world) => {
    const receipt = await world.receipt(await world.act(await world.caller('delegated'), 'allow'));
    expect((await world.verify(receipt)).valid, 'the receipt does not verify');
    for (const what of ['requester', 'scope']) expect(!(await world.verify(await world.target.receipts.tampered(receipt, what))).valid, `a changed ${what} is not noticed`);
  }),
];
