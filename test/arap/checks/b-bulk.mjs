import { equal, expect, NotApplicable } from '../verdicts.mjs';

const section = 'Access Request Submission';
const response = 'Access Request Response';

async function opened(world, count = 2) {
  const { found, body } = await world.bulk(count);
  const answer = await world.submit(body);
  expect([201, 202].includes(answer.status) && answer.json?.task, `expected a task, got ${answer.status}: ${answer.text.slice(0, 300)}`);
  return { found, body, task: answer.json.task };
}

const statusesOf = (task) => task.items.map(({ status }) => status);

/** Approves the first item and refuses the others. */
async function mixed(world, count = 2) {
  world.needs('approve', 'refuse');
  const bulk = await opened(world, count);
  await world.target.approve({ task: bulk.task, item: 0 });
  for (let item = 1; item < count; item++) await world.target.refuse({ task: bulk.task, item });
  return { ...bulk, ended: await world.ended(bulk.task) };
}

export const checks = [
  {
    id: 'B1',
    section: response,
    level: 'MUST',
    what: 'a bundle has an item for each that was submitted, in their order, with their status',
    run: async (world) => {
      const { body, task } = await opened(world, 3);
      equal(task.items?.map(({ resource, action }) => ({ resource, action })), body.items.map(({ resource, action }) => ({ resource, action })), 'items of the task');
      equal(statusesOf(task), ['pending', 'pending', 'pending'], 'their status');
      equal(task.status, 'pending', 'status of the whole');
    },
  },
  {
    id: 'B2',
    section,
    level: 'MUST',
    what: 'one item that no denial covers, and the whole bundle is refused',
    run: async (world) => {
      const { body } = await world.bulk(2);
      const [first, second] = body.items;
      for (const items of [[first, { ...second, resource: { ...second.resource, id: `${second.resource.id}-other` } }], [first, { ...second, denial: first.denial }], [first, { resource: second.resource, action: second.action }]]) world.problem(await world.submit({ ...body, items }), 'invalid_denial_binding');
    },
  },
  {
    id: 'B3',
    section,
    level: 'MUST',
    what: 'a denial of one evaluation does not cover a bundle',
    run: async (world) => {
      const { body, found } = await world.bulk(2);
      const items = body.items.map(({ resource, action }) => ({ resource, action }));
      world.problem(await world.submit({ ...body, items, denial: found[0].denial }), 'invalid_denial_binding');
    },
  },
  {
    id: 'B4',
    section,
    level: 'MUST',
    what: '`items` and a resource or an action of their own exclude each other; one of both there has to be',
    run: async (world) => {
      const { body, found } = await world.bulk(2);
      world.rejected(await world.submit({ ...body, resource: found[0].request.resource }), '`items` with a resource');
      world.rejected(await world.submit({ ...body, action: found[0].request.action }), '`items` with an action');
      const single = await world.denial();
      for (const member of ['resource', 'action', 'subject']) {
        const { [member]: _left, ...rest } = world.body(single);
        world.rejected(await world.submit(rest), `a submission without ${member}`);
      }
      world.rejected(await world.submit({ ...body, items: [] }), 'a bundle of nothing');
    },
  },
  {
    id: 'B5',
    section: `${response}; State Transitions`,
    level: 'MUST',
    what: 'a bundle with several endings is partial, and waits while one of its items does',
    run: async (world) => {
      world.needs('approve', 'refuse');
      const { task } = await opened(world, 2);
      await world.target.approve({ task, item: 0 });
      const { json } = await world.status(task);
      equal([json.task.status, ...statusesOf(json.task)], ['pending', 'approved', 'pending'], 'statuses, one approved');
      await world.target.refuse({ task, item: 1 });
      const { task: ended } = await world.ended(task);
      equal([ended.status, ...statusesOf(ended)], ['partial', 'approved', 'denied'], 'statuses, one refused');
    },
  },
  {
    id: 'B6',
    section: response,
    level: 'MUST',
    what: 'a bundle whose items all ended alike ended like them',
    run: async (world) => {
      world.needs('approve', 'refuse');
      for (const [how, wanted] of [['approve', 'approved'], ['refuse', 'denied']]) {
        const { task } = await opened(world, 2);
        for (const item of [0, 1]) await world.target[how]({ task, item });
        equal((await world.ended(task)).task.status, wanted, 'status of the whole');
      }
    },
  },
  {
    id: 'B7',
    section: 'Completed Task Response; Completion Semantics',
    level: 'MUST',
    what: 'each approved item has its own result, and no other has one',
    run: async (world) => {
      const { ended } = await mixed(world);
      const [first, second] = ended.task.items;
      expect(first.result?.mode !== undefined && first.result.approval?.id !== undefined, 'the approved item has no result');
      expect(second.result?.approval === undefined, 'the refused item has an approval');
    },
  },
  {
    id: 'B8',
    section: 'Completion Semantics',
    level: 'MUST',
    what: 'an item\'s approval is good for that item, and for no other',
    run: async (world) => {
      const { ended, found } = await mixed(world);
      const { approval } = ended.task.items[0].result;
      equal((await world.reevaluate(found[1].request, approval)).decision, false, 'decision on the other item');
      equal((await world.reevaluate(found[0].request, approval)).decision, true, 'decision on the item');
    },
  },
  {
    id: 'B9',
    section: 'Cancellation',
    level: 'MUST',
    what: 'cancelling a bundle cancels what waits and leaves what has ended',
    run: async (world) => {
      world.needs('approve');
      const { task } = await opened(world, 2);
      if (task.links?.cancel === undefined) throw new NotApplicable('tasks have no `links.cancel`');
      await world.target.approve({ task, item: 0 });
      const answer = await world.http(task.links.cancel, { method: 'POST', body: { reason: 'not_needed' } });
      equal(answer.status, 200, 'status of the cancellation');
      equal([answer.json.task.status, ...statusesOf(answer.json.task)], ['partial', 'approved', 'cancelled'], 'statuses');
      world.problem(await world.http(task.links.cancel, { method: 'POST', body: {} }), 'invalid_task_state');
      const { task: all } = await opened(world, 2);
      equal((await world.http(all.links.cancel, { method: 'POST', body: {} })).json.task.status, 'cancelled', 'status of a bundle of which nothing had ended');
    },
  },
];
