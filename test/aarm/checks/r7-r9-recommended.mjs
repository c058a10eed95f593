import { equal, eventually, expect } from '../world.mjs';

const eventsMs = 10_000;

export const checks = [
  {
    id: 'R7.1',
    level: 'SHOULD',
    from: 'row',
    what: 'a sequence that drifts away from the request leads to an alert, a deferral or an escalation',
    run: async (world) => {
      world.exists('drift');
      const { request, steps } = world.case('drift');
      const caller = await world.target.forRequest(await world.caller(), request);
      const acts = [];
      for (const args of steps) acts.push(await world.act(caller, 'drift', { args }));
      world.passed(acts[0]);
      expect(acts.some(({ decision }) => ['STEP_UP', 'DEFER'].includes(decision)) || (await world.target.alerts?.(caller))?.length > 0, 'nothing came of it');
    },
  },
  {
    id: 'R8.1',
    level: 'SHOULD',
    from: 'row',
    what: 'events of decisions, deferrals among them, arrive elsewhere within seconds and have the schema that they should',
    run: async (world) => {
      world.exists('telemetry');
      world.needs('events');
      const caller = await world.caller();
      for (const [name, decision] of [['allow', 'ALLOW'], ['deny', 'DENY'], ['defer', 'DEFER']]) {
        const { id } = await (await world.act(caller, name)).record();
        const event = await eventually(async () => (await world.target.events()).find((each) => each.action === id), `the event of \`${name}\``, eventsMs);
        equal(event.decision, decision, 'decision');
        equal(event.schemaFaults, [], 'faults of schema');
      }
    },
  },
  {
    id: 'R9.1',
    level: 'SHOULD',
    from: 'row',
    what: 'the credential that a reading action was given cannot write',
    run: async (world) => {
      world.exists('credentials');
      world.needs('writeWith');
      const act = await world.act(await world.caller(), 'allow');
      world.passed(act);
      const { authorization } = act.effects()[0].headers;
      expect(authorization, 'no credential reached the upstream');
      expect(!(await world.target.writeWith(authorization)), 'it could write');
    },
  },
];
