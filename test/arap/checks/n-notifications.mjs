import { equal, eventually, expect, Open } from '../verdicts.mjs';

const section = 'Callback Completion';
/** Where no server may be sent: every kind of address that is of the inside. */
const inside = ['https://127.0.0.1/x', 'https://localhost/x', 'https://169.254.169.254/latest/meta-data', 'https://10.0.0.7/x', 'https://192.168.1.1/x', 'https://172.16.0.1/x', 'https://[::1]/x', 'https://[fe80::1]/x', 'https://[fd00::1]/x', 'https://[::ffff:127.0.0.1]/x', 'https://0.0.0.0/x', 'https://2130706433/x', 'https://127.1/x'];
const improper = ['http://callbacks.example.com/x', 'ftp://callbacks.example.com/x', 'file:///etc/passwd', 'https://user:word@callbacks.example.com/x', 'not a url', ''];

/** What the callback receiver of the description has heard of a task. */
async function heard(world, task) {
  world.needs('callbacks');
  return eventually(async () => {
    const found = (await world.target.callbacks({ task })).filter(({ body }) => body?.task?.id === task.id);
    return found.length > 0 && found;
  }, 'a callback', 30_000);
}

async function called(world, ending = 'approve', callback = {}) {
  world.needs(ending, 'callbacks');
  if (world.target.callback === undefined) throw new Open('the description has no `callback` that the product may call');
  const { task } = await world.open('requestable', { callback: { ...world.target.callback, state: `state-${crypto.randomUUID()}`, ...callback } });
  await world.target[ending]({ task });
  await world.ended(task);
  return task;
}

const supported = async (world, endpoint) => world.submit(world.body(await world.denial(), { callback: { endpoint } }));

export const checks = [
  {
    id: 'N1',
    section: `${section}; Callback Security`,
    level: 'MUST',
    what: 'no callback goes to an address of the inside, however it is written',
    run: async (world) => {
      for (const endpoint of inside) world.rejected(await supported(world, endpoint), `the callback ${endpoint}`);
    },
  },
  {
    id: 'N2',
    section,
    level: 'MUST',
    what: 'no callback goes anywhere that is not https',
    run: async (world) => {
      for (const endpoint of improper) world.rejected(await supported(world, endpoint), `the callback ${JSON.stringify(endpoint)}`);
    },
  },
  {
    id: 'N3',
    section,
    level: 'MUST',
    what: 'no callback goes where this caller was not allowed to have one',
    run: async (world) => {
      for (const endpoint of ['https://somebody-else.example/x', ...(world.target.callback ? [`${world.target.callback.endpoint}/../../other`, world.target.callback.endpoint.replace('://', '://evil.')] : [])]) world.rejected(await supported(world, endpoint), `the callback ${endpoint}`);
    },
  },
  {
    id: 'N4',
    section,
    level: 'MUST',
    what: 'a callback has the task, and a result only in the form of the profile',
    run: async (world) => {
      const task = await called(world);
      for (const { body } of await heard(world, task)) {
        equal(body.task.status, 'approved', 'status in the callback');
        expect(body.result === undefined || (body.result.mode === 'reevaluate' && body.result.approval?.id !== undefined), `the result is ${JSON.stringify(body.result)}`);
      }
    },
  },
  {
    id: 'N5',
    section: `${section}; Callback Security`,
    level: 'MUST',
    what: 'a callback proves who sends it',
    run: async (world) => {
      const task = await called(world);
      world.needs('verifyCallback');
      for (const notice of await heard(world, task)) {
        expect((await world.target.verifyCallback(notice)) === true, 'its signature or token is not the agreed one');
        expect((await world.target.verifyCallback({ ...notice, text: notice.text.replace('approved', 'refused') })) !== true, 'it verifies with another body as well');
      }
    },
  },
  {
    id: 'N6',
    section,
    level: 'MUST',
    what: 'the state that was given comes back as it was',
    run: async (world) => {
      const state = `a state/${crypto.randomUUID()} ="\\ü`;
      const task = await called(world, 'refuse', { state });
      for (const { body } of await heard(world, task)) equal(body.state, state, '`state`');
    },
  },
];

