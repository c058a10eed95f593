import { equal, eventually, expect, includes, pause } from '../world.mjs';

const slackMs = 1_500;
const many = 8;

/** The time that a waiting action was given is the configured one. */
function inTime({ name, began, ended, until }, { withinMs }) {
  const right = until >= began + withinMs - slackMs && until <= ended + withinMs + slackMs;
  expect(right, `expected \`${name}\` to wait ${withinMs} ms, it waits ${until - ended} ms`);
}

/** Waits until an action that nobody answered is over. */
async function timedOut(world, act) {
  world.needs('stateOf');
  const before = await world.target.stateOf(act);
  if (Date.now() < act.until) equal(before, 'waiting', 'state before the timeout');
  await pause(Math.max(0, act.until - Date.now()));
  equal(await eventually(async () => ((await world.target.stateOf(act)) === 'waiting' ? undefined : world.target.stateOf(act)), 'the timeout'), 'denied', 'state after the timeout');
  equal(act.effects().length, 0, 'effects after the timeout');
}

const row = (id, what, run) => ({ id, level: 'MUST', from: 'row', what, run });
const bullet = (id, what, run) => ({ id, level: 'MUST', from: 'bullet', what, run });

const decisions = [
  row('R4.1', 'ALLOW: the action runs as it was asked for', async (world) => {
    const act = await world.act(await world.caller(), 'allow');
    world.passed(act);
    equal(act.effects()[0].args, act.args, 'parameters at the upstream');
    equal((await act.record()).decision, 'ALLOW', 'the recorded decision');
  }),
  row('R4.2', 'DENY: the action does not run', async (world) => {
    const act = await world.act(await world.caller(), 'deny');
    world.stopped(act, 'DENY');
    equal((await act.record()).decision, 'DENY', 'the recorded decision');
  }),
  row('R4.3', 'MODIFY: the action runs with changed parameters', async (world) => {
    const act = await world.act(await world.caller(), 'modify');
    const { changed, hidden } = world.case('modify');
    world.passed(act);
    equal(act.effects()[0].args, { ...act.args, ...changed }, 'parameters at the upstream');
    expect(hidden === undefined || !act.text.includes(hidden), `\`${hidden}\` was passed on`);
    equal((await act.record()).decision, 'MODIFY', 'the recorded decision');
  }),
  row('R4.4', 'STEP_UP: the action waits for a person', async (world) => {
    const act = await world.act(await world.caller(), 'stepUp');
    world.stopped(act, 'STEP_UP');
    equal((await act.record()).decision, 'STEP_UP', 'the recorded decision');
  }),
  row('R4.5', 'DEFER: the action is suspended', async (world) => {
    const act = await world.act(await world.caller(), 'defer');
    world.stopped(act, 'DEFER');
    equal((await act.record()).decision, 'DEFER', 'the recorded decision');
  }),
  row('R4.6', 'STEP_UP that nobody answers is denied after its time, and cannot be agreed to any more', async (world) => {
    world.needs('approve', 'stateOf');
    const act = await world.act(await world.caller(), 'stepUpSoon');
    world.stopped(act, 'STEP_UP');
    await timedOut(world, act);
    expect(!(await world.target.approve(act, world.target.people.approver)).accepted, 'somebody could agree after the timeout');
    world.stopped(await world.resume(act));
  }),
  row('R4.7', 'DEFER that nothing resolves is denied after its time', async (world) => {
    const act = await world.act(await world.caller(), 'deferSoon');
    world.stopped(act, 'DEFER');
    await timedOut(world, act);
    world.stopped(await world.resume(act));
  }),
];

const stepUp = [
  bullet('R4.8', 'STEP_UP: nothing happens before a person answers; after a yes it happens once, after a no never', async (world) => {
    world.needs('approve', 'refuse');
    const caller = await world.caller();
    const { approver } = world.target.people;
    const agreed = await world.act(caller, 'stepUp');
    world.stopped(agreed, 'STEP_UP');
    world.stopped(await world.resume(agreed), 'STEP_UP');
    expect((await world.target.approve(agreed, approver)).accepted, 'the approver could not agree');
    world.passed(await world.resume(agreed));
    expect(!(await world.resume(agreed)).passed, 'one yes let it happen twice');
    equal(agreed.effects().length, 1, 'effects of one yes');
    const refused = await world.act(caller, 'stepUp');
    expect((await world.target.refuse(refused, approver)).accepted, 'the approver could not refuse');
    world.stopped(await world.resume(refused), 'DENY');
  }),
  bullet('R4.9', 'STEP_UP: the configured approvers are asked, and nobody else can answer', async (world) => {
    world.needs('approve', 'view');
    const { approver, outsider } = world.target.people;
    const act = await world.act(await world.caller(), 'stepUp');
    world.stopped(act, 'STEP_UP');
    expect(await world.target.view(act, approver), 'the approver is not asked');
    expect(!(await world.target.approve(act, outsider)).accepted, 'somebody else could agree');
    world.stopped(await world.resume(act), 'STEP_UP');
    expect((await world.target.approve(act, approver)).accepted, 'the approver could not agree');
    world.passed(await world.resume(act));
  }),
  bullet('R4.10', 'STEP_UP: how long it waits is configured, rule by rule', async (world) => {
    const caller = await world.caller();
    for (const name of ['stepUp', 'stepUpSoon']) inTime(await world.act(caller, name), world.case(name));
  }),
  bullet('R4.11', 'STEP_UP: the approver sees who asks for what, for whom, why it waits, and what was done before', async (world) => {
    world.needs('view', 'forRequest');
    const { request } = world.case('forRequest');
    const caller = await world.target.forRequest(await world.caller('delegated'), request);
    world.passed(await world.act(caller, 'readSensitive'));
    const act = await world.act(caller, 'stepUp');
    const seen = await world.target.view(act, world.target.people.approver);
    expect(seen, 'the approver is not asked');
    equal(seen.parameters, act.args, 'parameters');
    equal([seen.identity.agent, seen.identity.human, seen.session], [caller.names.agent, caller.names.human, caller.names.session], 'agent, person and session');
    includes(seen.reasons, world.case('stepUp').reason, 'reasons');
    includes(seen.context.actions, world.case('readSensitive').record, 'prior actions');
    includes(seen.context.classes, world.case('readSensitive').class, 'data classes');
    equal(seen.context.request, request, 'the user\'s request');
  }),
];

const deferral = [
  bullet('R4.12', 'DEFER: the action stays suspended while context is lacking', async (world) => {
    const act = await world.act(await world.caller(), 'defer');
    for (let round = 0; round < 3; round++) world.stopped(await world.resume(act), 'DEFER');
    equal(await world.target.stateOf(act), 'waiting', 'state');
  }),
  bullet('R4.13', 'DEFER: the action goes on once the context is there', async (world) => {
    world.needs('resolveDeferral');
    const act = await world.act(await world.caller(), 'defer');
    world.stopped(act, 'DEFER');
    await world.resolved(act, async () => {
      await eventually(async () => act.effects().length === 1 || (await world.resume(act)).passed, 'the resolved action');
      equal(act.effects().length, 1, 'effects');
    });
  }),
  bullet('R4.14', 'DEFER: deferred actions keep their place in the order of the session', async (world) => {
    world.needs('order');
    const caller = await world.caller();
    const acts = [];
    for (const name of ['allow', 'defer', 'confirm', 'deferSoon', 'allow']) acts.push(await world.act(caller, name));
    equal(await world.target.order(caller), acts.map(({ mark }) => mark), 'the order of the record');
  }),
  bullet('R4.15', 'DEFER: asking again, at once or for an approval, does not make it happen early', async (world) => {
    world.needs('approve');
    const act = await world.act(await world.caller(), 'defer');
    for (const again of await Promise.all(Array.from({ length: many }, () => world.resume(act)))) world.stopped(again, 'DEFER');
    await world.target.approve(act, world.target.people.approver);
    world.stopped(await world.resume(act), 'DEFER');
  }),
  bullet('R4.16', 'DEFER: how long it waits is configured, and a short wait ends in a denial while a long one goes on', async (world) => {
    const caller = await world.caller();
    const [long, short] = [await world.act(caller, 'defer'), await world.act(caller, 'deferSoon')];
    inTime(long, world.case('defer'));
    inTime(short, world.case('deferSoon'));
    await timedOut(world, short);
    equal(await world.target.stateOf(long), 'waiting', 'state of the long wait');
  }),
  bullet('R4.17', 'DEFER: an action that needs what a deferred one gives is deferred too', async (world) => {
    world.exists('dependentDeferral');
    const caller = await world.caller();
    world.stopped(await world.act(caller, 'defer'), 'DEFER');
    world.stopped(await world.act(caller, 'dependent'), 'DEFER');
  }),
  bullet('R4.18', 'DEFER: independent actions go on meanwhile', async (world) => {
    const caller = await world.caller();
    const act = await world.act(caller, 'defer');
    world.stopped(act, 'DEFER');
    for (const name of ['allow', 'confirm', 'allow']) world.passed(await world.act(caller, name));
    world.stopped(await world.resume(act), 'DEFER');
  }),
  bullet('R4.19', 'DEFER: a chain of deferrals is bounded, and what goes beyond is denied', async (world) => {
    world.exists('dependentDeferral');
    const caller = await world.caller();
    const { limit } = world.case('dependent');
    world.stopped(await world.act(caller, 'defer'), 'DEFER');
    for (let depth = 1; depth < limit; depth++) world.stopped(await world.act(caller, 'dependent'), 'DEFER');
    world.stopped(await world.act(caller, 'dependent'), 'DENY');
  }),
  bullet('R4.20', 'DEFER: the deferral has a receipt with its reason, its end one that follows', async (world) => {
    const act = await world.act(await world.caller(), 'deferSoon');
    const waiting = await world.receipt(act);
    includes(waiting.facts.deferral?.reasons, world.case('deferSoon').reason, 'reasons in the receipt');
    expect(waiting.facts.deferral.method === undefined, 'the receipt says that it has ended');
    await timedOut(world, act);
    const over = await eventually(async () => [await world.receipt(act)].find(({ facts }) => facts.deferral?.method !== undefined), 'the receipt of the end');
    expect(over.parts.length > waiting.parts.length, 'no receipt followed');
    const { valid, why } = await world.verify(over);
    expect(valid, `it does not verify: ${why}`);
  }),
];

export const checks = [...decisions, ...stepUp, ...deferral];
