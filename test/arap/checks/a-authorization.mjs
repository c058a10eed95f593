import { expect } from '../verdicts.mjs';

const section = 'Authorization and Authentication';

const challenged = (answer, what) => {
  expect(answer.status === 401, `${what} was answered with ${answer.status}`);
  expect(/^bearer/i.test(answer.headers.get('www-authenticate') ?? ''), `${what} has no challenge (RFC 6750, section 3)`);
  expect(answer.json?.task === undefined, `${what} has a task`);
};

export const checks = [
  {
    id: 'A1',
    section,
    level: 'MUST',
    what: 'a submission without a token, or with a bad one, is not taken',
    run: async (world) => {
      const found = await world.denial();
      challenged(await world.submit(world.body(found), { who: null }), 'a submission without a token');
      challenged(await world.submit(world.body(found), { token: 'nonsense' }), 'a submission with a bad token');
    },
  },
  {
    id: 'A2',
    section,
    level: 'MUST',
    what: 'a task is shown to nobody without a token, however well they know its address',
    run: async (world) => {
      const { task } = await world.open();
      challenged(await world.status(task, { who: null }), 'the task without a token');
      challenged(await world.status(task, { token: 'nonsense' }), 'the task with a bad token');
    },
  },
  {
    id: 'A3',
    section: `${section}; Task Handle Leakage`,
    level: 'MUST NOT',
    what: 'another caller learns nothing of a task that it knows the address of',
    run: async (world) => {
      const { task, request } = await world.open();
      const answer = await world.status(task, { who: 'stranger' });
      expect([403, 404].includes(answer.status), `it was answered with ${answer.status}`);
      if (answer.status === 404) world.problem(answer, 'unknown_task');
      expect(answer.json?.task === undefined && !answer.text.includes(request.resource.id), 'it was told about the task');
    },
  },
  {
    id: 'A4',
    section: `${section}; Access Request Service Processing Rules`,
    level: 'MUST',
    what: 'another caller cannot submit a denial that it was not given',
    run: async (world) => {
      const found = await world.denial();
      world.rejected(await world.submit(world.body(found), { who: 'stranger' }), 'a stranger\'s submission');
    },
  },
  {
    id: 'A5',
    section: `${section}; Task Status Endpoint`,
    level: 'MUST',
    what: 'the same caller with a new token, or another instance of it, has its task',
    run: async (world) => {
      const { task } = await world.open();
      const answer = await world.status(task, { who: 'again' });
      expect(answer.status === 200 && answer.json?.task?.id === task.id, `it was answered with ${answer.status}`);
    },
  },
  {
    id: 'A6',
    section: 'Delegation and On-Behalf-Of; PEP Acting on Behalf of the Subject',
    level: 'MUST',
    what: 'actors that the caller\'s credential does not prove are refused, at every depth of the chain',
    run: async (world) => {
      const claims = [{ id: 'somebody-else', issuer: 'https://agents.example.com', type: 'ai_agent' }, ...(world.target.actor ? [{ ...world.target.actor, act: { iss: 'https://agents.example.com', sub: 'unproved' } }] : [])];
      for (const actor of claims) {
        const found = await world.denial();
        world.rejected(await world.submit(world.body(found, { client: { actor } })), `a submission for the actor ${JSON.stringify(actor)}`);
      }
    },
  },
  {
    id: 'A7',
    section: 'Approver Eligibility and Separation of Duties',
    level: 'MUST',
    what: 'who may not approve does not complete the workflow',
    run: async (world) => {
      world.needs('approveIneligibly');
      const { task, request } = await world.open();
      await world.target.approveIneligibly({ task });
      const { json } = await world.status(task);
      expect(json?.task?.status !== 'approved' && json?.result?.approval === undefined, 'the task is approved');
      expect((await world.evaluate(request)).decision === false, 'the request is permitted');
    },
  },
  {
    id: 'A8',
    section: 'Authorization and Authentication; Privacy Considerations',
    level: 'MUST NOT',
    what: 'a task names no approvers to who may not know them',
    run: async (world) => {
      const { answer, task } = await world.open();
      const names = world.target.approvers ?? [];
      const shown = [answer.text, (await world.status(task)).text].join('\n');
      expect(!names.some((name) => shown.includes(name)), `an approver is named in: ${shown.slice(0, 300)}`);
    },
  },
  {
    id: 'A9',
    section: 'Access Request Service Processing Rules',
    level: 'MUST',
    what: 'the record tells the whole story: denial, request, approval, result',
    run: async (world) => {
      world.needs('record');
      const { task, answer, approval, request } = await world.approved();
      await world.reevaluate(request, approval);
      const record = await world.target.record({ task, approval, evaluation_id: answer.json.task.evaluation_id });
      for (const part of ['denial', 'request', 'approval', 'result']) expect(record?.[part], `the record has no ${part}`);
    },
  },
];
