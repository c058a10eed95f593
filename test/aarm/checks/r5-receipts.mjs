import { equal, eventually, expect, includes } from '../world.mjs';

const row = (id, what, run) => ({ id, level: 'MUST', from: 'row', what, run });
const bullet = (id, what, run) => ({ id, level: 'MUST', from: 'bullet', what, run });

const cases = { allow: 'ALLOW', deny: 'DENY', modify: 'MODIFY', stepUp: 'STEP_UP', defer: 'DEFER' };

/** One receipt of each decision, for an agent that acts for a person. */
async function ofEach(world) {
  const caller = await world.caller('delegated');
  const receipts = [];
  for (const name of Object.keys(cases)) receipts.push(await world.receipt(await world.act(caller, name)));
  return receipts;
}

async function valid(world, receipt) {
  const verified = await world.verify(receipt);
  expect(verified.valid, `the receipt does not verify: ${verified.why}`);
  return verified;
}

/** A change of this thing breaks the receipt, and without it the receipt holds. */
async function noticed(world, receipt, ...things) {
  await valid(world, receipt);
  for (const what of things) expect(!(await world.verify(await world.target.receipts.tampered(receipt, what))).valid, `a changed ${what} is not noticed`);
}

const rows = [
  ...Object.entries(cases).map(([name, result], index) =>
    row(`R5.${index + 1}`, `the receipt of ${result} names who asked, through whom, for whom, and which policies were in force`, async (world) => {
      const caller = await world.caller('delegated');
      const act = await world.act(caller, name);
      const { facts } = await world.receipt(act);
      equal(facts.decision.result, result, 'decision');
      equal([facts.identity.human, facts.identity.service, facts.identity.agent], [caller.names.human, caller.names.service, caller.names.agent], 'person, service and agent');
      equal(facts.decision.policyHash, (await act.record()).policyHash, 'the policies in force');
      expect(facts.decision.policyHash, 'there is no hash of the policies');
    })),
  row('R5.6', 'receipts verify while the gateway is not there', async (world) => {
    world.needs('receipts', 'makeUnavailable', 'makeAvailable');
    const receipts = await ofEach(world);
    const keys = await world.target.receipts.publicKeys();
    expect(keys.length > 0, 'there is no public key');
    await world.target.makeUnavailable();
    try {
      for (const receipt of receipts) {
        const { valid: holds, why } = await world.target.receipts.verify(receipt, keys);
        expect(holds, `a receipt does not verify: ${why}`);
      }
    } finally {
      await world.disconnect();
      await world.target.makeAvailable();
    }
  }),
  row('R5.7', 'a changed requester, or a changed hash of the policies, breaks the signature', async (world) => {
    for (const receipt of await ofEach(world)) await noticed(world, receipt, 'requester', 'policy');
  }),
  row('R5.8', 'the receipt of a deferral that has ended says why, how and when', async (world) => {
    const act = await world.act(await world.caller(), 'deferSoon');
    world.stopped(act, 'DEFER');
    const { facts } = await eventually(async () => [await world.receipt(act)].find((receipt) => receipt.facts.deferral?.method !== undefined), 'the receipt of the end');
    includes(facts.deferral.reasons, world.case('deferSoon').reason, 'reasons');
    expect(facts.deferral.timestamp >= act.until - 1_000 && facts.deferral.timestamp <= Date.now() + 1_000, `expected an end about ${act.until}, got ${facts.deferral.timestamp}`);
  }),
];

const bullets = [
  bullet('R5.9', 'the action: tool, operation, parameters, time', async (world) => {
    const act = await world.act(await world.caller(), 'modify');
    const { facts } = await world.receipt(act);
    expect(facts.action.tool, 'no tool');
    equal(facts.action.operation, act.tool, 'operation');
    equal(facts.action.parameters, act.args, 'parameters');
    expect(facts.action.timestamp >= act.began - 1_000 && facts.action.timestamp <= act.ended + 1_000, `time: expected about ${act.began}, got ${facts.action.timestamp}`);
  }),
  bullet('R5.10', 'the context: the session, and what it had done and read when it was decided', async (world) => {
    const caller = await world.caller();
    world.passed(await world.act(caller, 'readSensitive'));
    const act = await world.act(caller, 'afterSensitive');
    const { facts } = await world.receipt(act);
    equal(facts.context.session, (await act.record()).session, 'session');
    includes(facts.context.actions, world.case('readSensitive').record, 'prior actions');
    includes(facts.context.classes, world.case('readSensitive').class, 'data classes');
  }),
  bullet('R5.11', 'the identity: person, service, agent, and what they may', async (world) => {
    const caller = await world.caller('delegated');
    const { facts } = await world.receipt(await world.act(caller, 'allow'));
    equal(facts.identity, { agent: caller.names.agent, human: caller.names.human, service: caller.names.service, scope: caller.names.scope }, 'identity');
  }),
  bullet('R5.12', 'the decision: result, policy, reason', async (world) => {
    for (const name of ['deny', 'stepUp', 'defer']) {
      const { facts } = await world.receipt(await world.act(await world.caller(), name));
      equal(facts.decision.result, cases[name], 'result');
      includes(facts.decision.policies, world.case(name).policy, 'policies');
      expect(facts.decision.reasons.some((reason) => typeof reason === 'string' && reason !== ''), 'there is no reason');
    }
  }),
  bullet('R5.13', 'the approval: who answered what, when', async (world) => {
    world.needs('approve', 'refuse');
    const answered = async (verb, person) => {
      const act = await world.act(await world.caller(), 'stepUp');
      expect((await world.target[verb](act, person)).accepted, `\`${person}\` could not ${verb}`);
      const last = await world.resume(act);
      if (verb === 'approve') world.passed(last);
      const { facts } = await eventually(async () => [await world.receipt(verb === 'approve' ? last : act)].find((receipt) => receipt.facts.approvals.length > 0), 'a receipt with the answer');
      const [answer] = facts.approvals;
      equal(answer.decision, verb === 'approve' ? 'agreed' : 'refused', 'answer');
      expect(answer.timestamp >= act.began - 1_000 && answer.timestamp <= Date.now() + 1_000, `time: got ${answer.timestamp}`);
      return answer.approver;
    };
    const { approver, second } = world.target.people;
    const [first, again, other] = [await answered('approve', approver), await answered('refuse', approver), await answered('approve', second)];
    expect(first, 'nobody is named');
    equal(again, first, 'the same person in two receipts');
    expect(other !== first, 'two people are named alike');
  }),
  bullet('R5.14', 'the deferral, while it waits: why, since when, and no end that there was not', async (world) => {
    const act = await world.act(await world.caller(), 'defer');
    const { facts } = await world.receipt(act);
    includes(facts.deferral?.reasons, world.case('defer').reason, 'reasons');
    expect(facts.deferral.submitted >= act.began - 1_000 && facts.deferral.submitted <= act.ended + 1_000, `since: got ${facts.deferral.submitted}`);
    equal([facts.deferral.method, facts.deferral.timestamp], [undefined, undefined], 'end');
  }),
  bullet('R5.15', 'the outcome: that it succeeded, that it failed, that nothing was done', async (world) => {
    const caller = await world.caller();
    for (const [name, result] of [['allow', 'succeeded'], ['breaks', 'failed'], ['deny', 'none']]) {
      equal((await world.receipt(await world.act(caller, name))).facts.outcome.result, result, `outcome of \`${name}\``);
    }
  }),
  bullet('R5.16', 'the signature covers all of it: nothing in a receipt can be changed, and another key does not verify it', async (world) => {
    const receipt = await world.receipt(await world.act(await world.caller('delegated'), 'deny'));
    await noticed(world, receipt, 'requester', 'scope', 'parameters', 'policy', 'decision', 'time', 'signature');
    const stranger = await world.target.receipts.otherKey();
    expect(!(await world.target.receipts.verify(receipt, [stranger])).valid, 'another key verifies it');
  }),
  bullet('R5.17', 'the algorithm is Ed25519, ECDSA P-256 or RSA of 2048 bits', async (world) => {
    const { algorithm } = await valid(world, await world.receipt(await world.act(await world.caller(), 'allow')));
    includes(['Ed25519', 'ES256', 'RS256', 'PS256'], algorithm, 'algorithms');
  }),
  bullet('R5.18', 'what is signed is the canonical form of the receipt', async (world) => {
    const receipt = await world.receipt(await world.act(await world.caller('delegated'), 'stepUp'));
    const texts = await world.target.receipts.signedTexts(receipt);
    expect(texts.length > 0, 'there is no text');
    for (const text of texts) equal(text, canonical(JSON.parse(text)), 'the signed text');
  }),
  bullet('R5.19', 'the public keys are there for everybody, and they verify', async (world) => {
    world.needs('receipts');
    const keys = await world.target.receipts.publicKeys();
    expect(keys.length > 0, 'there is no public key');
    await valid(world, await world.receipt(await world.act(await world.caller(), 'allow')));
  }),
  bullet('R5.20', 'the outcome of what failed says how it failed, in the upstream\'s words, whether it is an error or a result', async (world) => {
    const caller = await world.caller();
    for (const name of ['breaks', 'fails']) {
      const { outcome } = (await world.receipt(await world.act(caller, name))).facts;
      const said = outcome.result === 'failed' && JSON.stringify(outcome.error ?? '').includes(world.case(name).error);
      if (!said) world.exists('failureDetails');
      expect(said, `the outcome of \`${name}\` is ${JSON.stringify(outcome)}`);
    }
  }),
];

/** JSON by RFC 8785, for what receipts are made of: sorted members, no white space, numbers as ECMAScript has them. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
}

export const checks = [...rows, ...bullets];
