import { equal, expect, includes } from '../world.mjs';

const quickMs = 10_000;

/** A session in which each of the classes of action is met with what belongs to it. */
const classes = [
  ['forbidden', ['deny'], 'DENY'],
  ['denied in this context', ['readSensitive', 'afterSensitive'], 'DENY'],
  ['allowed in this context', ['confirm', 'confirmed'], 'ALLOW'],
  ['deferred in this context', ['allow', 'defer'], 'DEFER'],
];

export const checks = [
  {
    id: 'R3.1',
    level: 'MUST',
    from: 'row',
    what: 'a forbidden action is denied whatever the context is',
    run: async (world) => {
      const caller = await world.caller();
      world.stopped(await world.act(caller, 'deny'), 'DENY');
      for (const name of ['confirm', 'allow', 'readSensitive']) {
        world.passed(await world.act(caller, name));
        world.stopped(await world.act(caller, 'deny'), 'DENY');
      }
    },
  },
  {
    id: 'R3.2',
    level: 'MUST',
    from: 'row',
    what: 'an allowed action is denied once sensitive data was read',
    run: async (world) => {
      const caller = await world.caller();
      world.passed(await world.act(caller, 'afterSensitive'));
      world.passed(await world.act(caller, 'readSensitive'));
      const act = await world.act(caller, 'afterSensitive');
      world.stopped(act, 'DENY');
      includes((await act.record()).policies, world.case('afterSensitive').policy, 'policies of the decision');
    },
  },
  {
    id: 'R3.3',
    level: 'MUST',
    from: 'row',
    what: 'a denied action is allowed, or stepped up, once the context confirms it',
    run: async (world) => {
      const caller = await world.caller();
      world.stopped(await world.act(caller, 'confirmed'), 'DENY');
      world.passed(await world.act(caller, 'confirm'));
      const act = await world.act(caller, 'confirmed');
      expect(act.passed || act.decision === 'STEP_UP', `expected it to go through or be stepped up, got: ${act.text}`);
      equal(act.effects().length, act.passed ? 1 : 0, 'effects');
    },
  },
  {
    id: 'R3.4',
    level: 'MUST',
    from: 'row',
    what: 'an action whose context is not known is deferred',
    run: async (world) => world.stopped(await world.act(await world.caller(), 'defer'), 'DEFER'),
  },
  {
    id: 'R3.5',
    level: 'MUST',
    from: 'bullet',
    what: 'all four classes of action are told apart',
    run: async (world) => {
      for (const [what, names, wanted] of classes) {
        const caller = await world.caller();
        for (const name of names.slice(0, -1)) world.passed(await world.act(caller, name));
        const act = await world.act(caller, names.at(-1));
        if (wanted === 'ALLOW') world.passed(act);
        else world.stopped(act, wanted);
        equal((await act.record()).decision, wanted, `decision on what is ${what}`);
      }
    },
  },
  {
    id: 'R3.6',
    level: 'MUST',
    from: 'bullet',
    what: 'the denial of a forbidden action is immediate: there is nothing to wait for and nobody to ask',
    run: async (world) => {
      const act = await world.act(await world.caller(), 'deny');
      world.stopped(act, 'DENY');
      expect(act.handle === undefined, 'a denial has a handle as if it waited');
      expect(act.ended - act.began < quickMs, `it took ${act.ended - act.began} ms`);
    },
  },
  {
    id: 'R3.7',
    level: 'MUST',
    from: 'bullet',
    what: 'what decides is the own session\'s context: of two callers who do the same, only the one who read is denied',
    run: async (world) => {
      const [reader, writer] = [await world.caller(), await world.caller()];
      world.passed(await world.act(reader, 'readSensitive'));
      world.passed(await world.act(writer, 'allow'));
      world.stopped(await world.act(reader, 'afterSensitive'), 'DENY');
      world.passed(await world.act(writer, 'afterSensitive'));
    },
  },
  {
    id: 'R3.8',
    level: 'MUST',
    from: 'bullet',
    what: 'a policy that asks for what is not in the context leads to a deferral that names what is lacking',
    run: async (world) => {
      const act = await world.act(await world.caller(), 'defer');
      world.stopped(act, 'DEFER');
      const { reasons, policies } = await act.record();
      includes(policies, world.case('defer').policy, 'policies of the decision');
      includes(reasons, world.case('defer').reason, 'reasons');
    },
  },
  {
    id: 'R3.9',
    level: 'MUST',
    from: 'bullet',
    what: 'policies that contradict each other lead to a deferral, and to no effect',
    run: async (world) => {
      const act = await world.act(await world.caller(), 'conflict');
      world.stopped(act);
      if (act.decision !== 'DEFER') world.exists('deferralOfConflicts');
      equal(act.decision, 'DEFER', 'decision');
    },
  },
  ...['type', 'range', 'pattern', 'allowlist', 'blocklist'].map((kind, index) => ({
    id: `R3.${10 + index}`,
    level: 'MUST',
    from: 'bullet',
    what: `parameters are validated: ${kind}`,
    run: async (world) => {
      const caller = await world.caller();
      const wrong = world.case('parameters').wrong[kind];
      world.passed(await world.act(caller, 'parameters'));
      world.stopped(await world.act(caller, 'parameters', { args: wrong }));
      world.passed(await world.act(caller, 'parameters'));
    },
  })),
];
