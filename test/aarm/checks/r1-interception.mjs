import { equal, expect, includes } from '../world.mjs';

const many = 8;

export const checks = [
  {
    id: 'R1.1',
    level: 'MUST',
    from: 'row',
    what: 'a forbidden action is denied, does nothing, and leaves a receipt of the denial',
    run: async (world) => {
      const act = await world.act(await world.caller(), 'deny');
      world.stopped(act, 'DENY');
      const { facts } = await world.receipt(act);
      equal(facts.decision?.result, 'DENY', 'the receipt\'s decision');
      equal(act.effects().length, 0, 'effects afterwards');
    },
  },
  {
    id: 'R1.2',
    level: 'MUST',
    from: 'row',
    what: 'an action that lacks context is suspended, does nothing, and leaves a receipt of the deferral',
    run: async (world) => {
      const act = await world.act(await world.caller(), 'defer');
      world.stopped(act, 'DEFER');
      const { facts } = await world.receipt(act);
      equal(facts.decision?.result, 'DEFER', 'the receipt\'s decision');
      equal(act.effects().length, 0, 'effects afterwards');
    },
  },
  {
    id: 'R1.3',
    level: 'MUST',
    from: 'row',
    what: 'while the gateway is down, actions fail and nothing gets around it; afterwards they work again',
    run: async (world) => {
      world.needs('makeUnavailable', 'makeAvailable');
      const caller = await world.caller();
      world.passed(await world.act(caller, 'allow'));
      await world.target.makeUnavailable();
      try {
        await world.disconnect();
        for (const name of ['allow', 'deny']) world.stopped(await world.act(caller, name));
      } finally {
        await world.target.makeAvailable();
        await world.disconnect();
      }
      world.passed(await world.act(caller, 'allow'));
    },
  },
  {
    id: 'R1.4',
    level: 'MUST',
    from: 'bullet',
    what: 'a forbidden action never runs, whoever asks and however often',
    run: async (world) => {
      for (const role of ['agent', 'other', 'delegated', 'service']) {
        const caller = await world.caller(role);
        const first = await world.act(caller, 'deny');
        world.stopped(first, 'DENY');
        world.stopped(await world.act(caller, 'deny', { again: first }), 'DENY');
      }
    },
  },
  {
    id: 'R1.5',
    level: 'MUST',
    from: 'bullet',
    what: 'denied and deferred actions have no effect, also when many are asked for at once',
    run: async (world) => {
      const caller = await world.caller();
      const before = world.upstream.calls.length;
      const acts = await Promise.all(Array.from({ length: many }, (_, n) => world.act(caller, n % 2 === 0 ? 'deny' : 'defer')));
      for (const act of acts) world.stopped(act, act.name === 'deny' ? 'DENY' : 'DEFER');
      equal(world.upstream.calls.length, before, 'calls at the upstream');
      world.passed(await world.act(caller, 'allow'));
    },
  },
  {
    id: 'R1.6',
    level: 'MUST',
    from: 'bullet',
    what: 'a policy that cannot be evaluated lets nothing through',
    run: async (world) => {
      const act = await world.act(await world.caller(), 'unanswerable');
      world.stopped(act, 'DENY');
      includes((await act.record()).policies, world.case('unanswerable').policy, 'policies of the decision');
    },
  },
  {
    id: 'R1.7',
    level: 'MUST',
    from: 'bullet',
    what: 'a gateway that cannot read its policies lets nothing through',
    run: async (world) => {
      world.needs('spoilPolicies', 'makeUnavailable', 'makeAvailable');
      const caller = await world.caller();
      world.passed(await world.act(caller, 'allow'));
      const restore = await world.target.spoilPolicies();
      try {
        await restart(world);
        world.stopped(await world.act(caller, 'allow'));
      } finally {
        await restore();
        await restart(world);
      }
      world.passed(await world.act(caller, 'allow'));
    },
  },
  ...['deny', 'defer'].map((name, index) => ({
    id: `R1.${8 + index}`,
    level: 'MUST',
    from: 'bullet',
    what: `a ${name === 'deny' ? 'denial' : 'deferral'} is recorded with the policy that matched and its reason`,
    run: async (world) => {
      const act = await world.act(await world.caller(), name);
      world.stopped(act);
      const record = await act.record();
      equal(record.decision, name.toUpperCase(), 'the recorded decision');
      includes(record.policies, world.case(name).policy, 'recorded policies');
      includes(record.reasons, world.case(name).reason, 'recorded reasons');
      expect(record.policyHash, 'the record does not say which policies were in force');
    },
  })),
];

/** Stops the gateway and tries to start it; that it refuses to start is an answer too. */
async function restart(world) {
  await world.target.makeUnavailable();
  await world.disconnect();
  await Promise.resolve(world.target.makeAvailable()).catch(() => undefined);
}
