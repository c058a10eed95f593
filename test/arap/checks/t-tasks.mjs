import { equal, expect, NotApplicable } from '../verdicts.mjs';
import { isHttps, isTime, isUnguessable, statuses } from '../world.mjs';

const section = 'Task Status Endpoint';
const response = 'Access Request Response';

async function cancellable(world) {
  const opened = await world.open();
  if (opened.task.links?.cancel === undefined) throw new NotApplicable('tasks have no `links.cancel`');
  return opened;
}

const cancel = (world, task, options = {}) => world.http(task.links.cancel, { method: 'POST', body: { reason: 'not_needed', comment: 'enough' }, ...options });

export const checks = [
  {
    id: 'T1',
    section: response,
    level: 'MUST',
    what: 'a submission is answered with a task: an id, a status and an address with https',
    run: async (world) => {
      const { answer, task } = await world.open();
      expect(typeof task.id === 'string' && statuses.includes(task.status) && isHttps(task.status_endpoint), JSON.stringify(task));
      const location = answer.headers.get('location');
      expect(location === null || location === task.status_endpoint, `Location is ${location}`);
      expect(task.expires_at === undefined || isTime(task.expires_at), `\`expires_at\` is ${task.expires_at}`);
      expect(Object.values(task.links ?? {}).every(isHttps), `links are ${JSON.stringify(task.links)}`);
    },
  },
  {
    id: 'T2',
    section: `${response}; Task Handle Leakage`,
    level: 'MUST',
    what: 'a task\'s id is nothing that can be guessed, and no id of something else',
    run: async (world) => {
      const [one, two] = [await world.open(), await world.open()];
      for (const { task, answer, request } of [one, two]) {
        expect(isUnguessable(task.id), `the id is ${task.id}`);
        for (const known of [answer.json.task.evaluation_id, one.denial.evaluation_id, request.resource.id, request.subject.id]) expect(known === undefined || !task.id.includes(known), `${task.id} contains ${known}`);
      }
      // Ids that begin with a time are alike in front; what cannot be guessed is behind it.
      const alike = [...one.task.id].filter((letter, index) => two.task.id[index] === letter).length;
      expect(one.task.id !== two.task.id && one.task.id.length - alike >= 14, `${one.task.id} and ${two.task.id} differ in ${one.task.id.length - alike} letters`);
    },
  },
  {
    id: 'T3',
    section,
    level: 'MUST',
    what: 'a task is shown as what it is while it waits',
    run: async (world) => {
      const { task } = await world.open();
      const { status, json, type } = await world.status(task);
      equal([status, type, json?.task?.id, json?.task?.status, json?.result?.approval], [200, 'application/json', task.id, 'pending', undefined], 'the task');
    },
  },
  {
    id: 'T4',
    section: 'Error Responses',
    level: 'MUST',
    what: 'a task that nobody knows is an unknown task',
    run: async (world) => {
      const { task } = await world.open();
      const unknown = { ...task, status_endpoint: task.status_endpoint.replace(task.id, [...task.id].reverse().join('')) };
      world.problem(await world.status(unknown), 'unknown_task');
    },
  },
  {
    id: 'T5',
    section: 'Access Request Service Processing Rules',
    level: 'MUST NOT',
    what: 'nothing is approved before somebody approved it, and then it is',
    run: async (world) => {
      world.needs('approve');
      const { task, request } = await world.open();
      expect(task.status === 'pending', `the task is ${task.status} at once`);
      equal((await world.evaluate(request)).decision, false, 'decision while the task waits');
      await world.target.approve({ task });
      equal((await world.ended(task)).task.status, 'approved', 'status afterwards');
    },
  },
  {
    id: 'T6',
    section: 'Task Status Values; Completed Task Response',
    level: 'MUST',
    what: 'a refused task is denied, and has nothing that permits',
    run: async (world) => {
      world.needs('refuse');
      const { task, request } = await world.open();
      await world.target.refuse({ task });
      const ended = await world.ended(task);
      equal([ended.task.status, ended.result?.approval], ['denied', undefined], 'the task');
      equal((await world.evaluate(request)).decision, false, 'decision afterwards');
    },
  },
  {
    id: 'T7',
    section: 'State Transitions',
    level: 'MUST NOT',
    what: 'what has ended does not change any more',
    run: async (world) => {
      world.needs('refuse', 'approve');
      const { task } = await world.open();
      await world.target.refuse({ task });
      equal((await world.ended(task)).task.status, 'denied', 'status');
      await Promise.resolve(world.target.approve({ task })).catch(() => undefined);
      equal((await world.status(task)).json.task.status, 'denied', 'status after a late approval');
    },
  },
  {
    id: 'T8',
    section: 'Cancellation',
    level: 'MUST',
    what: 'who submitted can cancel, once',
    run: async (world) => {
      const { task } = await cancellable(world);
      const answer = await cancel(world, task);
      equal([answer.status, answer.json?.task?.status], [200, 'cancelled'], 'the cancellation');
      equal((await world.status(task)).json.task.status, 'cancelled', 'the task');
      world.problem(await cancel(world, task), 'invalid_task_state');
    },
  },
  {
    id: 'T9',
    section: 'Cancellation',
    level: 'MUST',
    what: 'nobody else can',
    run: async (world) => {
      const { task } = await cancellable(world);
      equal((await cancel(world, task, { who: null })).status, 401, 'status without a token');
      const answer = await cancel(world, task, { who: 'stranger' });
      expect([403, 404].includes(answer.status), `a stranger was answered with ${answer.status}`);
      equal((await world.status(task)).json.task.status, 'pending', 'the task');
    },
  },
  {
    id: 'T10',
    section: 'Cancellation',
    level: 'MUST',
    what: 'an approved task cannot be cancelled any more',
    run: async (world) => {
      world.needs('approve');
      const { task } = await cancellable(world);
      await world.target.approve({ task });
      equal((await world.ended(task)).task.status, 'approved', 'status');
      world.problem(await cancel(world, task), 'invalid_task_state');
    },
  },
  {
    id: 'T11',
    section: 'Cancellation',
    level: 'MUST',
    what: 'what is cancelled permits nothing, and cannot be approved',
    run: async (world) => {
      world.needs('approve');
      const { task, request } = await cancellable(world);
      await cancel(world, task);
      await Promise.resolve(world.target.approve({ task })).catch(() => undefined);
      equal((await world.status(task)).json.task.status, 'cancelled', 'the task');
      equal((await world.evaluate(request)).decision, false, 'decision');
    },
  },
  {
    id: 'T12',
    section: 'Access Request Service Processing Rules; State Transitions',
    level: 'MUST',
    what: 'a request that nobody answers expires',
    run: async (world) => {
      const name = world.target.cases?.brief ? 'brief' : 'requestable';
      const { task, request } = await world.open(name);
      const until = task.expires_at ?? (await world.status(task)).json.task.expires_at;
      if (until === undefined) throw new NotApplicable('the task does not say when it expires');
      const { brief_seconds: brief } = world.target;
      await world.past(brief === undefined ? until : new Date(Date.now() + brief * 1_000).toISOString(), 'the task');
      const answer = await world.status(task);
      if (answer.status === 200) expect(answer.json.task.status === 'expired' && answer.json.result?.approval === undefined, `the task is ${answer.json.task.status}`);
      else world.problem(answer, 'task_expired', 'unknown_task');
      equal((await world.evaluate(request)).decision, false, 'decision');
    },
  },
  {
    id: 'T13',
    section: 'Error Responses',
    level: 'MUST',
    what: 'every problem of this profile comes as application/problem+json with its type',
    run: async (world) => {
      const { task } = await world.open();
      const wrong = [await world.status({ ...task, status_endpoint: `${task.status_endpoint}x` }), await world.submit({ ...world.body(await world.denial()), denial: undefined })];
      for (const { type, json, status } of wrong) expect(type === 'application/problem+json' && typeof json?.type === 'string' && (json.status === undefined || json.status === status), `${status} ${type} ${JSON.stringify(json)}`);
    },
  },
];
